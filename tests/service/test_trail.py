"""The audit trail over REST: by period and kind, checked, and taken away."""

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import text
from starlette.testclient import TestClient
from typer.testing import CliRunner

from sightline.main import app
from tests.service.conftest import Archive

LOOKED = "/v1/audit-events"


def test_events_are_found_by_kind_and_period(client: TestClient, archive: Archive) -> None:
    audit = archive.gallery.audit
    for action in ("look.near", "look.far", "looking", "look_x"):
        audit.record(action, subject="here")
    found = client.get(LOOKED, params={"action": "look.", "subject": "here"}).json()["items"]
    assert [one["action"] for one in found] == ["look.far", "look.near"]
    at = found[1]["at"]
    later = {"action": "look.", "start": found[0]["at"]}
    assert [one["action"] for one in client.get(LOOKED, params=later).json()["items"]] == ["look.far"]
    assert client.get(LOOKED, params={"action": "look.", "end": at}).json()["items"] == []
    asked = audit.events(action="audit.list", limit=1)[0]
    assert asked.detail["period"] == [None, datetime.fromisoformat(at).astimezone(UTC).isoformat()]
    for bad in ({"start": "2026-01-01"}, {"end": "now"}, {"action": "\0."}):
        assert client.get(LOOKED, params=bad).status_code == 422, bad


def test_the_trail_is_checked_against_what_was_noted(client: TestClient, archive: Archive) -> None:
    anchor = client.get(f"{LOOKED}/anchor").json()
    noted = f"{anchor['event']}:{anchor['digest']}"
    short = f"{anchor['event']}:" + "-".join(anchor["digest"][at : at + 4] for at in range(0, 24, 4)).upper()
    for anchors in ([], [noted], [f"  {short} ", noted]):
        report = client.post(f"{LOOKED}/verify", json={"anchors": anchors})
        assert report.status_code == 200, report.text
        assert (report.json()["intact"], report.json()["reason"]) == (True, None)
    assert report.json()["events"] == report.json()["last"]["event"]
    checked = archive.gallery.audit.events(action="audit.verify", limit=1)[0]
    assert (checked.detail["anchors"], checked.detail["broken_at"]) == (2, None)

    other = f"{anchor['event']}:{'0' * 64}"
    wrong = client.post(f"{LOOKED}/verify", json={"anchors": [other]}).json()
    assert (wrong["intact"], wrong["broken_at"]) == (False, anchor["event"])
    assert "written anew" in wrong["reason"]
    for bad in (
        "",
        "1",
        ":",
        "1:abc",
        f"x:{'0' * 64}",
        f"-1:{'0' * 64}",
        "1:" + "g" * 64,
        "9" * 30 + ":" + "0" * 64,
    ):
        assert client.post(f"{LOOKED}/verify", json={"anchors": [bad]}).status_code == 422, bad
    assert client.post(f"{LOOKED}/verify", json={"anchors": [noted] * 101}).status_code == 422

    with archive.gallery._database.write() as session:
        session.execute(text("DROP TRIGGER audit_event_no_UPDATE"))
        session.execute(text("UPDATE audit_event SET action = 'nothing' WHERE id = 2"))
    broken = client.post(f"{LOOKED}/verify", json={}).json()
    assert (broken["intact"], broken["broken_at"], broken["last"]["event"]) == (False, 2, 1)
    assert "not what was recorded" in broken["reason"]


def test_a_copy_of_the_trail_checks_without_the_gallery(
    client: TestClient, archive: Archive, tmp_path: Path
) -> None:
    for number in range(600):  # more than a page
        archive.gallery.audit.record("look", subject=str(number))
    answer = client.get(f"{LOOKED}/export")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert "attachment" in answer.headers["content-disposition"]
    file = tmp_path / "trail.jsonl"
    file.write_bytes(answer.content)
    checked = CliRunner().invoke(app, ["audit", "verify", "--file", str(file)])
    last = archive.gallery.audit.anchor()
    assert checked.exit_code == 0, checked.output
    assert f"{last.event - 1} events are as they were recorded" in checked.output
    event = archive.gallery.audit.events(action="audit.export", limit=1)[0]
    assert event.detail == {"after": 0, "until": last.event - 1}
    rest = client.get(f"{LOOKED}/export", params={"after": last.event - 1}).text.splitlines()
    assert len(rest) == 2
    assert client.get(f"{LOOKED}/export", params={"after": 10**9}).status_code == 404
    assert client.get(f"{LOOKED}/export", params={"after": -1}).status_code == 422
