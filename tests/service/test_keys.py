"""Keys over REST: made, listed, revoked; nobody gives what they do not have; who is signed in."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from gallery import Scope
from service.auth import Caller
from service.errors import Forbidden
from service.key_schemas import KeyIn
from service.keys import make
from tests.service.conftest import Archive

Json = dict[str, Any]
TINY: Json = {"name": "front desk", "scopes": ["search", "view"]}


def caller(client: TestClient, secret: str) -> TestClient:
    return TestClient(client.app, headers={"X-API-Key": secret}, raise_server_exceptions=False)


def test_a_key_is_made_once_used_listed_and_revoked(client: TestClient, archive: Archive) -> None:
    archive.gallery.groups.put("north", ["gate"])
    until = datetime.now(UTC) + timedelta(days=2)
    wanted = {**TINY, "camera_groups": ["north"], "expires_at": until.isoformat()}
    made = client.post("/v1/keys", json=wanted)
    assert made.status_code == 201, made.text
    key = made.json()
    secret = key.pop("secret")
    assert secret.startswith("sl_")
    assert (key["scopes"], key["camera_groups"], key["last_used_at"]) == (["search", "view"], ["north"], None)
    desk = caller(client, secret)
    assert [one["name"] for one in desk.get("/v1/cameras").json()["items"]] == ["gate"]
    me = desk.get("/v1/session").json()
    assert me == {
        "key_id": key["id"],
        "name": "front desk",
        "scopes": ["search", "view"],
        "all_cameras": False,
        "operations": me["operations"],  # tests/service/test_scopes.py
        "media_folder": False,
        "session_expires_at": None,
    }
    assert "createSearch" in me["operations"]
    assert "listKeys" not in me["operations"]
    assert desk.get("/v1/keys").status_code == 403

    listed = client.get("/v1/keys")
    assert secret not in listed.text
    assert "secret" not in listed.text
    mine = {one["id"]: one for one in listed.json()["items"]}[key["id"]]
    assert mine["last_used_at"] is not None
    gone = client.post(f"/v1/keys/{key['id']}/revoke", json={})
    assert (gone.status_code, gone.json()["revoked_at"] is None) == (200, False)
    assert desk.get("/v1/cameras").status_code == 401
    assert client.post(f"/v1/keys/{key['id']}/revoke", json={}).json() == gone.json()

    own = client.get("/v1/session").json()["key_id"]
    events = archive.gallery.audit.events(subject=key["id"])
    assert [(event.action, event.key_id) for event in events] == [("key.revoke", own), ("key.create", own)]
    assert events[1].detail["expires_at"] == until.isoformat()


def test_a_key_never_gives_more_than_it_has(client: TestClient, archive: Archive) -> None:
    keys, until = archive.gallery.keys, datetime.now(UTC) + timedelta(days=2)
    own, secret = keys.create("small", scopes=[Scope.ADMINISTER, Scope.VIEW], expires_at=until)
    small = caller(client, secret)
    before = len(keys.list())
    too_much: list[Json] = [
        {"scopes": ["view", "audit"], "expires_at": until.isoformat()},
        {"scopes": ["view"]},
        {"scopes": ["view"], "expires_at": (until + timedelta(seconds=1)).isoformat()},
    ]
    for wanted in too_much:
        refused = small.post("/v1/keys", json={"name": "more", **wanted})
        assert refused.status_code == 403, wanted
        event = archive.gallery.audit.events(action="key.refuse", limit=1)[0]
        assert (event.key_id, event.subject) == (own.id, "createKey")
        assert event.detail["said"] == refused.json()["detail"]
    assert len(keys.list()) == before
    wanted = {"name": "as much", "scopes": ["view", "administer"], "expires_at": until.isoformat()}
    assert small.post("/v1/keys", json=wanted).status_code == 201
    # Who is limited to cameras makes none, whatever its scopes; nor does a subject of tokens, nor nobody.
    archive.gallery.groups.put("north", ["gate"])
    _, limited = keys.create("limited", groups=["north"])
    assert caller(client, limited).post("/v1/keys", json=TINY).status_code == 403


def test_a_token_makes_no_key_that_would_outlast_it(client: TestClient, archive: Archive) -> None:
    gallery = archive.gallery
    scopes = frozenset(Scope)
    key = gallery.keys.of_subject("https://issuer", "ann", roles=["boss"], scopes=scopes, groups=None)
    assert key is not None
    state = client.app.state.sightline  # type: ignore[attr-defined]
    for who in (Caller(key.id), Caller(None)):
        with pytest.raises(Forbidden):
            make(state, who, KeyIn.model_validate(TINY))


@pytest.mark.parametrize(
    "wrong",
    [
        {"scopes": []},
        {"scopes": ["root"]},
        {"scopes": "view"},
        {"name": ""},
        {"name": "x" * 201},
        {"name": "a\0b"},
        {"camera_groups": []},
        {"camera_groups": ["nowhere"]},
        {"camera_groups": ["../north"]},
        {"expires_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "2030-01-01T00:00:00"},
        {"expires_at": "9999-12-31T23:59:59-23:00"},
        {"secret": "sl_" + "a" * 43},
        {"subject": "x"},
    ],
)
def test_what_no_key_can_be_is_refused(shared_client: TestClient, wrong: Json) -> None:
    before = len(shared_client.get("/v1/keys").json()["items"])
    answer = shared_client.post("/v1/keys", json={**TINY, **wrong})
    assert answer.status_code == 422, answer.text
    assert len(shared_client.get("/v1/keys").json()["items"]) == before


def test_the_last_key_that_makes_keys_stays_unless_that_is_meant(
    client: TestClient, archive: Archive
) -> None:
    keys = archive.gallery.keys
    own = client.get("/v1/session").json()["key_id"]
    keys.create("auditor", scopes=[Scope.AUDIT])
    keys.revoke(keys.create("gone")[0].id)
    archive.gallery.groups.put("north", ["gate"])
    keys.create("limited", groups=["north"])
    keys.create("ends soon", expires_at=datetime.now(UTC) + timedelta(hours=1))
    refused = client.post(f"/v1/keys/{own}/revoke", json={})
    assert refused.status_code == 409
    assert "the last key that can make keys" in refused.json()["detail"]
    second, _ = keys.create("second", scopes=[Scope.ADMINISTER])
    assert client.post(f"/v1/keys/{second.id}/revoke", json={}).status_code == 200
    assert client.post(f"/v1/keys/{own}/revoke", json={"even_last": True}).status_code == 200
    assert client.get("/v1/session").status_code == 401


def test_ids_that_are_none_are_not_found(shared_client: TestClient) -> None:
    for bad in ("x", "0" * 32, "0" * 65, "%00", "..", "a'--"):
        assert shared_client.post(f"/v1/keys/{bad}/revoke", json={}).status_code in {404, 422}, bad
        assert shared_client.delete(f"/v1/sessions/{bad}").status_code in {404, 405, 422}, bad


def test_who_is_signed_in_is_seen_and_signed_out(make_app: Callable[..., FastAPI], archive: Archive) -> None:
    key, secret = archive.gallery.keys.create("ann")
    with TestClient(make_app(), headers={"X-API-Key": secret}) as boss:
        browser = TestClient(boss.app)
        assert browser.post("/v1/session", headers={"X-API-Key": secret}).status_code == 201
        [session] = boss.get("/v1/sessions").json()["items"]
        assert session["key_id"] == key.id
        me = browser.get("/v1/session").json()
        assert (me["name"], me["all_cameras"]) == ("ann", True)
        assert me["session_expires_at"] == session["expires_at"]
        assert boss.delete(f"/v1/sessions/{session['id']}").status_code == 204
        assert browser.get("/v1/cameras").status_code == 401
        assert boss.delete(f"/v1/sessions/{session['id']}").status_code == 404
        closed = archive.gallery.audit.events(action="session.close")[0]
        assert (closed.key_id, closed.subject) == (key.id, session["id"])
