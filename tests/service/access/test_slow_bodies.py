"""Who lost a right while a body was on its way, or waited for its turn, has lost it by then."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from service.access import slow_bodies
from service.turns import Turn, Turns
from tests.service.conftest import Archive
from tests.service.videos import RED


@pytest.fixture(autouse=True)
def every_body_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow_bodies, "LONG_SECONDS", 0.0)


def slowly(body: dict[str, Any], meanwhile: Any) -> Iterator[bytes]:
    """A body in two parts, and what happens between them."""
    text = json.dumps(body).encode()
    yield text[:5]
    meanwhile()
    yield text[5:]


def send(client: TestClient, path: str, secret: str, body: dict[str, Any], meanwhile: Any) -> int:
    headers = {"X-API-Key": secret, "Content-Type": "application/json"}
    answer = client.post(path, content=slowly(body, meanwhile), headers=headers)
    assert answer.status_code < 500, answer.text
    return answer.status_code


def test_a_key_that_is_revoked_meanwhile_makes_no_other(client: TestClient, archive: Archive) -> None:
    keys = archive.gallery.keys
    wanted = {"name": "next", "scopes": ["administer"]}
    key, secret = keys.create("first")
    assert send(client, "/v1/keys", secret, wanted, lambda: None) == 201
    assert send(client, "/v1/keys", secret, wanted, lambda: keys.revoke(key.id)) == 401
    assert [one.name for one in keys.list()].count("next") == 1


def test_a_group_that_shrinks_meanwhile_has_shrunk(client: TestClient, archive: Archive) -> None:
    groups = archive.gallery.groups
    groups.put("north", ["gate", "yard"])
    _, secret = archive.gallery.keys.create("team", groups=["north"])
    asked = {"probes": [{"tracklet_id": archive.tracklets["gate", RED]}]}
    assert send(client, "/v1/searches", secret, asked, lambda: None) == 201
    assert send(client, "/v1/searches", secret, asked, lambda: groups.put("north", ["yard"])) == 409


@pytest.fixture
def while_waiting(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """What happens while requests wait for their turn: each is called once."""
    happens: list[Callable[[], object]] = []
    enter = Turns.enter

    async def slow(turns: Turns, key_id: str | None, turn: Turn) -> Callable[[], None]:
        leave = await enter(turns, key_id, turn)
        while happens:
            happens.pop()()
        return leave

    monkeypatch.setattr(Turns, "enter", slow)
    return happens


def test_a_key_that_is_revoked_while_it_waits_is_not_served(
    client: TestClient, archive: Archive, while_waiting: list[Callable[[], object]]
) -> None:
    asked = {"probes": [{"tracklet_id": archive.tracklets["gate", RED]}]}
    # A lane of its own; the turns of all that works in a thread; and a change, none of which is done.
    for method, path, body in (
        ("POST", "/v1/searches", asked),
        ("GET", "/v1/searches", None),
        ("PUT", "/v1/camera-groups/north", {"cameras": []}),
    ):
        key, secret = archive.gallery.keys.create("doomed")
        headers = {"X-API-Key": secret}
        before = client.request(method, path, json=body, headers=headers)
        assert before.status_code < 300, before.text
        while_waiting.append(lambda key=key: archive.gallery.keys.revoke(key.id))  # type: ignore[misc]
        assert client.request(method, path, json=body, headers=headers).status_code == 401
        last = archive.gallery.audit.events(key_id=key.id, limit=1)[0]
        assert last.at <= archive.gallery.keys.get(key.id).revoked_at  # type: ignore[operator]


def test_a_group_that_shrinks_while_its_key_waits_has_shrunk(
    client: TestClient, archive: Archive, while_waiting: list[Callable[[], object]]
) -> None:
    groups = archive.gallery.groups
    groups.put("north", ["gate", "yard"])
    _, secret = archive.gallery.keys.create("team", groups=["north"])
    asked = {"probes": [{"tracklet_id": archive.tracklets["gate", RED]}]}
    while_waiting.append(lambda: groups.put("north", ["yard"]))
    assert client.post("/v1/searches", json=asked, headers={"X-API-Key": secret}).status_code == 409
    assert client.post("/v1/searches", json=asked, headers={"X-API-Key": secret}).status_code == 404


def test_who_waits_is_asked_again_whatever_else_their_address_did_and_counts_once(
    make_app: Callable[..., FastAPI], archive: Archive, while_waiting: list[Callable[[], object]]
) -> None:
    key, secret = archive.gallery.keys.create("doomed")
    app = make_app(address_failures_per_minute=1, key_requests_per_minute=2)
    with TestClient(app, headers={"X-API-Key": secret}) as client:
        wrong = [client.get("/v1/searches", headers={"X-API-Key": "sl_x"}).status_code for _ in range(2)]
        assert wrong == [401, 429], "no more wrong keys of this address are looked at"
        assert client.get("/v1/searches").headers["ratelimit"].count('"key";r=1;') == 1
        while_waiting.append(lambda: archive.gallery.keys.revoke(key.id))
        assert client.get("/v1/searches").status_code == 429
    assert len(archive.gallery.audit.events(action="search.list")) == 1
