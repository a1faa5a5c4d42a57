"""One key with many requests leaves threads to the others, whatever it asks for."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.service.conftest import Archive
from tests.waiting import until


def test_one_key_leaves_threads_to_the_others(
    make_app: Callable[..., FastAPI], archive: Archive, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, go = threading.Semaphore(0), threading.Event()
    entered: list[int] = []

    def slow(*_: Any, **__: Any) -> list[Any]:
        entered.append(threading.get_ident())
        inside.release()
        assert go.wait(60)
        return []

    app = make_app(key_requests_at_once=3)
    modest = archive.gallery.keys.create("modest")[1]
    with TestClient(app, headers={"X-API-Key": secret}) as greedy, ThreadPoolExecutor(50) as pool:
        turns = app.state.sightline.turns
        with monkeypatch.context() as patch:
            patch.setattr(type(archive.gallery.catalogue), "cameras", slow)
            asked = [pool.submit(greedy.get, "/v1/cameras") for _ in range(45)]
            until(lambda: turns.waiting == 42)
            assert len(entered) == 3
            assert greedy.get("/v1/models", headers={"X-API-Key": modest}).status_code == 200
            assert greedy.get("/readyz").status_code in {200, 503}
            go.set()
            assert {one.result().status_code for one in asked} == {200}
        assert len(entered) == 45
        assert greedy.get("/v1/cameras/no").status_code == 404
        assert greedy.post("/v1/cameras", json={}).status_code == 422
        assert not turns._held, "whatever comes of a request, its turn ends"


def test_copies_of_the_trail_take_turns_too(
    make_app: Callable[..., FastAPI], archive: Archive, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are read while they are sent, when the turn of their request has ended."""
    go, audit = threading.Event(), type(archive.gallery.audit)
    trail = audit.trail
    reading: list[int] = []

    def slow(*args: Any, **options: Any) -> Any:
        reading.append(threading.get_ident())
        assert go.wait(60)
        return trail(*args, **options)

    app = make_app(key_requests_at_once=2)
    modest = archive.gallery.keys.create("modest")[1]
    with TestClient(app, headers={"X-API-Key": secret}) as greedy, ThreadPoolExecutor(8) as pool:
        turns = app.state.sightline.turns
        monkeypatch.setattr(audit, "trail", slow)
        copies = [pool.submit(greedy.get, "/v1/audit-events/export") for _ in range(5)]
        try:
            until(lambda: len(reading) == 2 and turns.waiting == 3)
            modestly = greedy.get("/v1/cameras", headers={"X-API-Key": modest})
            assert modestly.status_code == 200, modestly.text
        finally:
            go.set()
        assert {one.result().status_code for one in copies} == {200}
        assert all(one.result().content.endswith(b"}\n") for one in copies)
        assert not turns._held
