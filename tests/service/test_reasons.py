"""Why people are looked at: it stands in every event of a request, and may be a condition of the answer."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from gallery import Scope
from service.reasons import LOOKS
from service.scopes import NEEDED
from tests.service.conftest import Archive, upload
from tests.service.test_scopes import operations
from tests.service.videos import RED, scene

WHY = {"X-Purpose": "Missing%20child%20%E9%96%80", "X-Case-Number": "2026/7"}
SAID = {"purpose": "Missing child \u9580", "case_number": "2026/7"}


def looks_around(client: TestClient, headers: dict[str, str]) -> None:
    """A photo, a search, what its hits show, a mark and a package."""
    client.headers.update(headers)
    probe = upload(client, scene((RED, 100, 60)))
    answer = client.post("/v1/searches", json={"probes": [{"probe_id": probe["id"]}]}).json()
    hit = answer["hits"][0]
    assert client.get(f"/v1/tracklets/{hit['tracklet_id']}/thumbnail").status_code == 200
    assert client.get(f"/v1/searches/{answer['id']}/hits.csv").status_code == 200
    marked = client.put(f"/v1/searches/{answer['id']}/marks/{hit['tracklet_id']}", json={"verdict": "match"})
    assert marked.status_code == 200, marked.text
    assert client.get(f"/v1/searches/{answer['id']}/evidence").status_code == 200


def test_every_event_of_a_request_says_why(client: TestClient, archive: Archive) -> None:
    looks_around(client, WHY)

    events = {event.action: event for event in archive.gallery.audit.events(limit=1000) if event.key_id}
    assert {
        "probe.add", "search", "thumbnail.view", "search.read", "mark.set", "evidence.package"
    } <= set(events)  # fmt: skip
    assert all(event.detail["reason"] == SAID for event in events.values())
    before = archive.gallery.audit.anchor().event
    client.headers.pop("X-Purpose")
    client.headers["X-Case-Number"] = " "
    assert client.get("/v1/searches").status_code == 200
    (after,) = archive.gallery.audit.trail(after=before)
    assert "reason" not in after.detail, "the request before said why, this one does not"
    assert archive.gallery.audit.verify().broken_at is None


def test_no_look_without_a_reason_where_it_is_required(
    make_app: Callable[..., FastAPI], archive: Archive, secret: str
) -> None:
    app = make_app(require_purpose=True, require_case_number=True)
    declared = {
        operation["operationId"]
        for methods in app.openapi()["paths"].values()
        for operation in methods.values()
        if "428" in operation["responses"]
    }
    assert declared == LOOKS
    events = archive.gallery.audit.anchor()
    with TestClient(app, headers={"X-API-Key": secret}) as client:
        for operation, (method, path) in operations(app).items():
            if operation not in LOOKS and method != "GET":
                continue
            filled = re.sub(r"\{\w+\}", "x", path)
            answer = client.request(method, filled, content=b"{" * 100)
            assert (answer.status_code == 428) is (operation in LOOKS), (operation, answer.text)
            if operation in LOOKS:
                assert answer.json()["type"] == "urn:sightline:problem:reason-missing"
                assert "X-Purpose and X-Case-Number" in answer.json()["detail"]
        half = client.get("/v1/searches", headers={"X-Purpose": "none of it", "X-Case-Number": "%20%0a"})
        assert (half.status_code, "send X-Case-Number with" in half.json()["detail"]) == (428, True)
        assert client.head("/v1/searches").status_code == 428
        huge = client.post("/v1/searches/by-photo", headers={"Content-Length": str(10**12)}, content=b"{}")
        assert huge.status_code == 428, "before the body is read"
        assert client.get("/v1/searches", headers={"X-API-Key": "sl_wrong"}).status_code == 401
        seen = {event.action for event in archive.gallery.audit.trail(after=events.event)}
        assert not seen & {"search.list", "search", "probe.add"}
        looks_around(client, WHY)


def test_what_shows_people_is_what_only_such_keys_may_do_and_what_lists_or_erases_them() -> None:
    people = {Scope.SEARCH, Scope.VIEW, Scope.REVIEW}
    theirs = {operation for operation, needed in NEEDED.items() if needed and needed <= people}
    assert LOOKS - theirs == {"planErasure", "erase", "eraseVideo", "getModelJobReport"}
    assert theirs <= LOOKS
    assert {"createSearch", "getThumbnail", "getClip", "getSearchEvidence", "getJourney"} <= LOOKS
    assert not {"listCameras", "createIndexJob", "listAuditEvents"} & LOOKS


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ([("X-Purpose", b"x" * 501)], "1 to 500 characters"),
        ([("X-Case-Number", b"9" * 101)], "1 to 100 characters"),
        ([("X-Purpose", b"a%00b")], "NUL"),
        ([("X-Purpose", b"a%1b[2J")], "do not show"),
        ([("X-Case-Number", b"7%E2%80%AE8")], "do not show"),
        ([("X-Purpose", b"%E3%85%A4")], "do not show"),  # a filler of Hangul, a letter to Unicode
        ([("X-Purpose", b"%FF")], "not UTF-8"),
        ([("X-Purpose", b"caf%E9")], "not UTF-8"),
        ([("X-Purpose", b"%ED%A0%80")], "not UTF-8"),
        ([("X-Purpose", b"one"), ("x-purpose", b"another")], "comes 2 times"),
    ],
)
def test_a_bad_reason_is_refused(
    shared_client: TestClient, headers: list[tuple[str, bytes]], message: str
) -> None:
    answer = shared_client.get("/v1/searches", headers=headers)  # type: ignore[arg-type]

    assert answer.status_code == 422, answer.text
    problem: dict[str, Any] = answer.json()
    assert message in problem["detail"]
    assert problem["errors"][0]["pointer"] == headers[0][0]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"100 %", "100 %"),
        (b"caf\xc3\xa9", "caf\u00e9"),
        (b" two%0A%C2%A0lines ", "two lines"),
        (b"%2525", "%25"),
    ],
)
def test_a_reason_is_kept_as_it_was_meant(
    client: TestClient, archive: Archive, sent: bytes, kept: str
) -> None:
    assert client.get("/v1/searches", headers={b"X-Purpose": sent}).status_code == 200
    (event,) = archive.gallery.audit.events(action="search.list")
    assert event.detail["reason"] == {"purpose": kept}
