"""What a key may do: one table, held against every operation there is."""

import re
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from gallery import Scope
from gallery.errors import InvalidInput
from service.scopes import ANY_KEY, NEEDED
from tests.service.conftest import Archive

EVERYTHING = frozenset(Scope)


def operations(app: FastAPI) -> dict[str, tuple[str, str]]:
    """Operations under /v1, with their methods and paths."""
    return {
        operation["operationId"]: (method.upper(), path)
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/v1")
    }


def test_the_table_names_every_operation_and_no_other(make_app: Callable[..., FastAPI]) -> None:
    assert set(NEEDED) == set(operations(make_app()))


@pytest.mark.parametrize("scope", Scope)
def test_a_key_of_one_scope_is_refused_whatever_needs_another(
    make_app: Callable[..., FastAPI], archive: Archive, scope: Scope
) -> None:
    key, secret = archive.gallery.keys.create(scope, scopes=[scope])
    app = make_app()
    refused = 0
    with TestClient(app, headers={"X-API-Key": secret}) as client:
        for operation, (method, path) in operations(app).items():
            allowed = NEEDED[operation] == ANY_KEY or scope in NEEDED[operation]
            if allowed and method != "GET":
                continue  # what it may change is tested where that is
            answer = client.request(method, re.sub(r"\{\w+\}", "x", path), content=b"{" * 100)
            assert (answer.status_code == 403) is not allowed, (operation, answer.text)
            if not allowed:
                refused += 1
                assert answer.json()["type"] == "urn:sightline:problem:forbidden"
                assert "it needs the scope" in answer.json()["detail"]
        told = client.get("/v1/session").json()["operations"]
        assert told == sorted(name for name, of in NEEDED.items() if not of or scope in of)
        if scope is Scope.AUDIT:
            anchor, last = client.get("/v1/audit-events/anchor"), archive.gallery.audit.anchor()
            assert anchor.json() == {"event": last.event, "digest": last.digest}
        head = client.head("/v1/audit-events")
        assert (head.status_code == 403) is (scope is not Scope.AUDIT), "HEAD is GET without a body"
    on_record = archive.gallery.audit.events(action="key.refuse", key_id=key.id, limit=1000)
    assert len(on_record) == refused + (scope is not Scope.AUDIT)
    assert on_record[-1].subject in NEEDED


def test_refused_before_its_body_is_read(make_app: Callable[..., FastAPI], archive: Archive) -> None:
    _, secret = archive.gallery.keys.create("viewer", scopes=[Scope.VIEW])
    with TestClient(make_app(), headers={"X-API-Key": secret}) as client:
        answer = client.post("/v1/index-jobs", headers={"Content-Length": str(10**12)}, content=b"{}")
        assert answer.status_code == 403


def test_paths_that_lead_nowhere_are_answered_as_ever(
    make_app: Callable[..., FastAPI], archive: Archive
) -> None:
    _, secret = archive.gallery.keys.create("viewer", scopes=[Scope.VIEW])
    with TestClient(make_app(), headers={"X-API-Key": secret}) as client:
        assert client.get("/v1/unknown").status_code == 404
        assert client.put("/v1/searches").status_code == 405
        for path in ("/v1//searches", "/v1/searches/", "/V1/searches", "/v1/./searches", "/v1/%73earches"):
            answer = client.get(path, follow_redirects=True)
            assert answer.status_code in {403, 404}, (path, answer.text)


def test_a_key_has_scopes_that_there_are(archive: Archive) -> None:
    for scopes in ([], ["root"], [Scope.SEARCH, "all"]):
        with pytest.raises(InvalidInput, match="one scope or more of search, view"):
            archive.gallery.keys.create("x", scopes=scopes)  # type: ignore[arg-type]
    key, _ = archive.gallery.keys.create("all")
    assert frozenset(key.scopes) == EVERYTHING


def test_the_audit_trail_is_read_by_pages(make_app: Callable[..., FastAPI], archive: Archive) -> None:
    key, secret = archive.gallery.keys.create("auditor", scopes=[Scope.AUDIT])
    for number in range(5):
        archive.gallery.audit.record("look", key_id="k", subject=str(number), detail={"n": number})
    with TestClient(make_app(), headers={"X-API-Key": secret}) as client:
        first = client.get("/v1/audit-events", params={"action": "look", "limit": 3}).json()
        assert [event["subject"] for event in first["items"]] == ["4", "3", "2"]
        assert re.fullmatch("[0-9a-f]{64}", first["items"][0]["digest"])
        rest = {"action": "look", "limit": 3, "before": first["next_before"]}
        last = client.get("/v1/audit-events", params=rest).json()
        assert ([event["subject"] for event in last["items"]], last["next_before"]) == (["1", "0"], None)
        (reading, *_) = client.get("/v1/audit-events", params={"key_id": key.id}).json()["items"]
        assert (reading["action"], reading["detail"]["events"]) == ("audit.list", 2)
        for bad in ({"limit": 0}, {"limit": 1001}, {"before": -1}, {"before": 2**63}, {"action": "a\0"}):
            assert client.get("/v1/audit-events", params=bad).status_code == 422, bad
