"""Clients that send nothing, send too slowly or do not read: each makes room for others."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from service.connections import BACKLOG, Limits, limited
from service.metrics.instruments import Instruments
from service.middleware import RequestContext
from tests.waiting import PATIENCE, take_time, until

ANSWER_BYTES = 50_000_000
PATIENT = 300.0  # seconds: a timer that must not run out in a test
SOON = 0.2


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the body, answer with its size; /large answers with many bytes, /deaf does not read."""
    size, more = 0, scope["path"] != "/deaf"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = bytes(ANSWER_BYTES) if scope["path"] == "/large" else str(size).encode()
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-length", str(len(body)).encode())],
        }
    )
    await send({"type": "http.response.body", "body": body})


@contextmanager
def serving(
    connections: int = 50, header: float = PATIENT, idle: float = PATIENT, served: ASGIApp = app
) -> Iterator[int]:
    """The port of a server with such limits."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            served,
            log_level="warning",
            lifespan="off",
            http=limited(Limits(connections, header, idle)),
            backlog=BACKLOG,
            timeout_keep_alive=300,
        )
    )
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:

        def started() -> bool:
            assert thread.is_alive()
            return server.started

        until(started)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        thread.join(PATIENCE)
        listener.close()


@contextmanager
def connected(port: int, sent: bytes = b"") -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(sent)
        yield connection


def request(path: str = "/", body_bytes: int = 0) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {body_bytes}\r\n\r\n".encode()


def is_cut_off(connection: socket.socket) -> bool:
    """Read until the server ends the connection; an answer on the way is passed over."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        return True
    return True


def answer(connection: socket.socket, ending: bytes) -> bytes:
    received = b""
    while not received.endswith(ending):
        part = connection.recv(65536)
        assert part, received
        received += part
    return received


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n"])
def test_headers_that_never_end(sent: bytes) -> None:
    with serving(header=SOON) as port, connected(port, sent) as connection:
        assert is_cut_off(connection)


def test_headers_that_trickle_in() -> None:
    with serving(header=SOON) as port, connected(port, b"GET / HTTP/1.1\r\nHost: x\r\nX: ") as connection:
        connection.settimeout(0.01)

        def is_cut() -> bool:
            try:
                connection.sendall(b"x")
                return not connection.recv(1)
            except TimeoutError:
                return False
            except ConnectionError:
                return True

        until(is_cut)


def test_headers_of_the_next_request_too() -> None:
    with serving(header=SOON) as port, connected(port, request()) as connection:
        assert answer(connection, b"0").startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET")
        assert is_cut_off(connection)


def test_a_body_that_stops() -> None:
    with serving(idle=SOON) as port, connected(port, request(body_bytes=10) + b"12345") as connection:
        assert is_cut_off(connection)


def test_the_rest_of_a_body_that_nobody_reads() -> None:
    with serving(header=SOON) as port, connected(port, request("/deaf", body_bytes=10) + b"1") as connection:
        assert is_cut_off(connection)


def test_an_answer_that_nobody_reads() -> None:
    with serving(idle=SOON) as port, connected(port, request("/large")) as connection:
        received = 0
        take_time(5 * SOON)  # not to read is what is tested; a longer pause changes nothing
        try:
            while part := connection.recv(1 << 20):
                received += len(part)
        except ConnectionResetError:
            pass
        assert received < ANSWER_BYTES


@pytest.mark.long
def test_a_slow_body_and_a_slow_reader_are_served() -> None:
    """Each pause is far below the limit, all of them together are over it."""
    idle = 5.0
    with serving(idle=idle) as port, connected(port, request("/large", body_bytes=12)) as connection:
        for _ in range(12):
            connection.sendall(b"x")
            take_time(idle / 10)
        received = 0
        while received < ANSWER_BYTES:
            part = connection.recv(1 << 20)
            assert part
            received += len(part)


def test_silent_connections_make_room() -> None:
    with serving(connections=5) as port:
        silent = [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) for _ in range(20)]
        try:
            for _ in range(10):
                with connected(port, request()) as connection:
                    assert answer(connection, b"0").startswith(b"HTTP/1.1 200")
        finally:
            for connection in silent:
                connection.close()


def test_busy_connections_are_not_cut_off() -> None:
    asks = request(body_bytes=2).replace(b"Host", b"Expect: 100-continue\r\nHost")
    with serving(connections=1) as port, connected(port, asks) as busy:
        assert b"100 Continue" in answer(busy, b"\r\n\r\n")
        with connected(port) as refused:
            told = answer(refused, b"}")
            assert b" 503 " in told.splitlines()[0]
            assert b"\r\nretry-after: " in told.lower()
        busy.sendall(b"12")
        assert answer(busy, b"2").startswith(b"HTTP/1.1 200")


def test_a_body_with_two_lengths_is_refused_and_nothing_after_it_is_a_request() -> None:
    two = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    whole = RequestContext(app, instruments=Instruments())
    with serving(served=whole) as port, connected(port, two + request()) as connection:
        received = b""
        while part := connection.recv(65536):
            received += part
    assert received.startswith(b"HTTP/1.1 400")
    assert received.count(b"HTTP/1.1") == 1
    assert b"exclude each other" in received
    with serving(served=whole) as port, connected(port, request()) as connection:
        assert answer(connection, b"0").startswith(b"HTTP/1.1 200")
