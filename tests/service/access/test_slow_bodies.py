"""Who lost a right while a body was on its way has lost it when the body has come."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.access import slow_bodies
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
