"""`sightline audit`: list, anchor, export and check, and what it says of a trail that was changed."""

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from gallery import Gallery, GallerySettings
from tests.sightline.conftest import Run


@pytest.fixture
def trail(run: Run, sqlite_settings: GallerySettings) -> Run:
    for name in ("one", "two", "three"):
        assert run("keys", "create", name).exit_code == 0
    assert sqlite_settings.data_dir.is_dir()
    return run


def said(output: str) -> str:
    return " ".join(output.split())


def test_from_list_to_a_file_that_is_checked_elsewhere(trail: Run, tmp_path: Path) -> None:
    assert "key.create" in trail("audit", "list").output
    (row, *_) = json.loads(trail("audit", "list", "--action", "key.create", "--limit", "1", "--json").stdout)
    assert (row["id"], row["detail"]["name"]) == (3, "three")
    noted = trail("audit", "anchor").stdout.strip()
    assert noted.startswith("5:"), "reading the trail is an event, too"

    checked = trail("audit", "verify", "--anchor", noted)
    assert checked.exit_code == 0, checked.output
    assert f"5 events are as they were recorded, up to {noted}" in said(checked.output)
    assert json.loads(trail("audit", "verify", "--json").stdout)["broken_at"] is None

    for options, count in (((), 5), (("--after", "2"), 4)):  # the first export is an event of the second
        out = tmp_path / f"trail{len(options)}.jsonl"
        assert f"{count} events are in" in said(trail("audit", "export", out, *options).output)
        elsewhere = trail("audit", "verify", "--file", out, "--anchor", noted)
        assert elsewhere.exit_code == 0, elsewhere.output
        assert f"{count} events are as they were recorded" in said(elsewhere.output)
    again = trail("audit", "export", out)
    assert (again.exit_code, "is there already" in said(again.output)) == (2, True)


def test_signed_and_short_anchors(trail: Run, tmp_path: Path) -> None:
    public = trail("audit", "key").stdout.strip()
    file = tmp_path / "anchor.json"
    file.write_text(trail("audit", "anchor", "--sign").stdout)
    short = trail("audit", "anchor", "--short").stdout.strip()
    assert len(short) == len("3:") + 29
    trail("keys", "create", "later")

    checked = trail("audit", "verify", "--anchor", file, "--public-key", public, "--anchor", short)
    assert checked.exit_code == 0, checked.output
    assert "give --public-key" in said(trail("audit", "verify", "--anchor", file).output)
    assert "with this key" in said(
        trail("audit", "verify", "--anchor", file, "--public-key", "ab" * 32).output
    ), "32 bytes that are some key, or none"
    broken = trail("audit", "verify", "--anchor", short[:-1] + ("0" if short[-1] != "0" else "1"))
    assert (broken.exit_code, "broken at event 3" in said(broken.output)) == (2, True)
    assert "is no anchor" in said(trail("audit", "verify", "--anchor", short[:-1]).output)
    assert "exclude" in said(trail("audit", "anchor", "--sign", "--short").output)


def test_a_changed_trail_is_named_with_its_event(
    trail: Run, sqlite_settings: GallerySettings, tmp_path: Path
) -> None:
    out = tmp_path / "trail.jsonl"
    assert trail("audit", "export", out).exit_code == 0
    lines = out.read_text().splitlines(keepends=True)
    for changed, said_of_it in [
        (lines[0] + "".join(lines[2:]), "broken at event 2"),
        ("".join([*lines[:2], lines[2].replace("two", "owt"), *lines[3:]]), "broken at event 2"),
        ("".join([lines[0], lines[2], lines[1], *lines[3:]]), "broken at event 2"),
        ("".join(lines) + lines[-1], "broken at event 3"),
        ("".join(lines[1:]), "is no exported audit trail"),
        ("".join(lines[:2]) + lines[2][:20], "line 3, is not JSON"),
        ("".join(lines[:2]) + "[]\n", "line 3, is not JSON"),
        ("".join(lines[:2]) + '{"id": 2}\n', "line 3, is no event"),
        ("".join(lines[:2]) + lines[2].replace('"id": 2', '"id": "2"'), "line 3, is no event"),
        ("", "line 1, is not JSON"),
    ]:
        out.write_text(changed)
        result = trail("audit", "verify", "--file", out)
        assert (result.exit_code, said_of_it in said(result.output)) == (2, True), (said_of_it, result.output)
    out.write_bytes(b"\xff\xfe")
    assert "cannot be read" in said(trail("audit", "verify", "--file", out).output)

    with Gallery.open(sqlite_settings) as gallery, gallery._database.engine.begin() as connection:
        connection.execute(text("DROP TRIGGER audit_event_no_DELETE"))
        connection.execute(text("DELETE FROM audit_event WHERE id = 2"))
    broken = trail("audit", "verify")
    assert (broken.exit_code, "the audit trail is broken at event 3" in said(broken.output)) == (2, True)
    assert json.loads(trail("audit", "verify", "--json").stdout)["broken_at"] == 3


@pytest.mark.parametrize(
    "noted", ["", "5", "5:abc", "-1:" + "a" * 64, "x:" + "a" * 64, "9" * 30 + ":" + "a" * 64]
)
def test_what_is_no_anchor_is_refused(trail: Run, noted: str) -> None:
    result = trail("audit", "verify", "--anchor", noted)
    assert (result.exit_code, "is no anchor" in said(result.output)) == (2, True)


def test_there_is_no_export_from_an_event_that_never_was(trail: Run, tmp_path: Path) -> None:
    result = trail("audit", "export", tmp_path / "trail.jsonl", "--after", "99")
    assert (result.exit_code, "no event has the id 99" in said(result.output)) == (2, True)
    assert not (tmp_path / "trail.jsonl").exists()


def test_the_oldest_events_are_exported_and_pruned(
    trail: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted, now = trail("audit", "anchor").stdout.strip(), datetime.now(UTC).isoformat()
    file, old = tmp_path / "anchor.json", tmp_path / "old.jsonl"
    file.write_text(trail("audit", "anchor", "--sign").stdout)
    public = trail("audit", "key").stdout.strip()
    prune = ("audit", "prune", "--before", now, "--anchor")
    young = trail(*prune, noted)
    assert (young.exit_code, "kept for 365 days" in said(young.output)) == (2, True)
    monkeypatch.setenv("SIGHTLINE_AUDIT_KEEP_DAYS", "0")
    for wrong, why in (
        (("3:" + "f" * 64,), "is broken at event 3"),
        (("nothing",), "no anchor"),
        ((file,), "give --public-key"),
        ((file, "--public-key", "ab" * 32), "with this key"),
    ):
        refused = trail(*prune, *wrong, "--yes")
        assert (refused.exit_code, why in said(refused.output)) == (2, True), refused.output
    assert trail("audit", "prune", "--before", "no time", "--anchor", noted).exit_code == 2
    counted = trail(*prune, noted)
    assert "3 events of" in said(counted.output)
    assert "would be removed" in said(counted.output)
    assert json.loads(trail("audit", "verify", "--json").stdout)["events"] == 3

    old.write_text("here already")
    assert "is there already" in said(trail(*prune, noted, "--export", old, "--yes").output)
    assert json.loads(trail("audit", "verify", "--json").stdout)["events"] == 3, "nothing was removed"
    old.unlink()
    done = trail(*prune, file, "--public-key", public, "--export", old, "--yes")
    assert (done.exit_code, "3 events of" in said(done.output)) == (0, True), done.output
    assert "3 events are as they were recorded" in said(trail("audit", "verify", "--file", old).output)
    (told,) = json.loads(trail("audit", "list", "--action", "audit.prune", "--json").stdout)
    assert told["detail"]["exported_sha256"] == hashlib.sha256(old.read_bytes()).hexdigest()
    assert trail("audit", "verify", "--anchor", noted).exit_code == 0
    rest = tmp_path / "rest.jsonl"
    assert trail("audit", "export", rest).exit_code == 0
    assert trail("audit", "verify", "--file", rest, "--anchor", noted).exit_code == 0
    assert "No event is that old" in said(trail(*prune, noted, "--yes").output)
