"""Bodies that come slowly: so many at once, and none for as long as its sender likes."""

import asyncio
import json
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient
from starlette.types import Message

from service.access import bodies
from service.access.bodies import Bodies
from service.errors import Busy
from service.settings import ServiceSettings
from tests.service.conftest import Archive
from tests.service.test_connections import connected, serving
from tests.waiting import until


def test_so_many_of_a_key_of_an_address_and_in_all() -> None:
    async def receive() -> Message:
        return {"type": "http.request", "body": b"x", "more_body": False}

    limits = {"key_bodies_at_once": 2, "address_bodies_at_once": 3, "max_connections": 8}
    counted = Bodies(ServiceSettings(**limits))  # type: ignore[arg-type]
    under_way = [counted.begin("a", "here", receive) for _ in range(2)]
    with pytest.raises(Busy, match="key"):
        counted.begin("a", "there", receive)
    under_way.append(counted.begin("b", "here", receive))
    with pytest.raises(Busy, match="address"):
        counted.begin("c", "here", receive)
    under_way.append(counted.begin("c", "there", receive))
    with pytest.raises(Busy, match="all"):
        counted.begin("d", "elsewhere", receive)
    asyncio.run(under_way[0].receive())  # type: ignore[arg-type]
    assert counted.count == 3, "what has come whole does not count"
    for one in under_way:
        one.end()
        one.end()
    assert counted.count == 0


def test_a_body_keeps_a_pace() -> None:
    now = [0.0]

    async def test() -> None:
        async def receive() -> Message:
            return {"type": "http.request", "body": bytes(1000), "more_body": True}

        async def never() -> Message:
            await asyncio.Event().wait()
            raise AssertionError

        counted = Bodies(ServiceSettings(min_body_bytes_per_second=10), clock=lambda: now[0])
        body = counted.begin("a", "here", receive)
        for _ in range(5):
            await body.receive()
            now[0] += 100
        stuck = counted.begin("a", "here", never)
        now[0] += 1000
        with pytest.raises(HTTPException) as refused:
            await stuck.receive()
        assert refused.value.status_code == 408
        assert counted.count == 1
        body.end()

    asyncio.run(test())


def request(secret: str, length: int, sent: bytes) -> bytes:
    head = f"POST /v1/cameras HTTP/1.1\r\nHost: x\r\nX-API-Key: {secret}\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n".encode() + sent


def test_one_key_with_slow_bodies_does_not_shut_out_others(
    make_app: Callable[..., FastAPI], archive: Archive, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(key_bodies_at_once=2)
    counted: Any = next(one.kwargs["bodies"] for one in app.user_middleware if "bodies" in one.kwargs)
    other = archive.gallery.keys.create("other")[1]
    body = json.dumps({"name": "attic"}).encode()
    with TestClient(app), serving(served=app) as port, ExitStack() as stack:
        slow = [stack.enter_context(connected(port, request(secret, 99, b"{"))) for _ in range(2)]
        until(lambda: counted.count == 2)
        assert shut_out(port, secret, body)
        with connected(port, request(other, len(body), body)) as connection:
            assert connection.recv(4096).startswith(b"HTTP/1.1 201")
        slow[0].close()
        until(lambda: counted.count == 1)
        assert not shut_out(port, secret, body)
        monkeypatch.setattr(bodies, "_GRACE_SECONDS", 0.0)
        with connected(port, request(secret, 99, b"")) as connection:
            answer = b"".join(iter(partial(connection.recv, 4096), b""))
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"urn:sightline:problem:request-timeout" in answer
        assert b"connection: close" in answer.lower()


def shut_out(port: int, secret: str, body: bytes) -> bool:
    with connected(port, request(secret, len(body), body)) as connection:
        answer = connection.recv(4096)
    assert answer[9:12] in {b"503", b"201", b"409"}
    return b" 503 " in answer.partition(b"\r\n")[0] and b"retry-after" in answer.lower()
