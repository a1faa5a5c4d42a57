"""`sightline cases`."""

import json
from pathlib import Path
from typing import Any

import pytest

from gallery import Gallery, GallerySettings
from tests.sightline.conftest import Run

pytestmark = pytest.mark.usefixtures("networks")


def made(run: Run, *arguments: str | Path, expect: int = 0) -> Any:
    result = run("cases", *arguments, "--json")
    assert result.exit_code == expect, result.output
    return json.loads(result.stdout)


def test_a_case_from_its_opening_to_its_evidence(
    run: Run, recordings: Path, photo: Path, tmp_path: Path
) -> None:
    """Red is seen at the gate and a second later in the yard, eleven kilometres away."""
    place = ("--time-zone", "Asia/Tokyo", "--start")
    run("index", recordings / "a.mp4", "--camera", "gate", *place, "2026-01-05T09:00:00")
    run("index", recordings / "b.mp4", "--camera", "yard", *place, "2026-01-05T09:00:10")
    for name, north in (("gate", "35.0"), ("yard", "35.1")):
        run("cameras", "edit", name, "--latitude", north, "--longitude", "139")
    search = json.loads(run("search", photo, "--person", "0", "--json").stdout)["id"]
    assert run("marks", "set", search, "1", "match").exit_code == 0
    assert run("marks", "set", search, "2", "match").exit_code == 0
    case = made(run, "create", "Red", "--number", "7", "--purpose", "A test")["id"]

    filled = made(run, "add", case, "--search", search)

    assert [item["kind"] for item in filled["items"]] == ["search", "photo"]
    assert made(run, "note", case, "Look at the shoes")["notes"][0]["text"] == "Look at the shoes"
    assert made(run, "edit", case, "--number", "", "--title", "Red again")["number"] is None
    journey = made(run, "journey", case, expect=1)
    assert [one["camera"]["name"] for one in journey["sightings"]] == ["gate", "yard"]
    assert journey["transitions"][0]["flag"] in {"too_fast", "overlap"}
    said = run("cases", "journey", case).output
    assert "Impossible for one person: 1 and 2" in said
    assert "2026-01-05 09:00" in said
    package = tmp_path / "case.zip"
    evidence = made(run, "evidence", case, "-o", package)
    assert run("verify", package, "--digest", evidence["manifest_sha256"]).exit_code == 0
    shown = run("cases", "show", case).output
    assert "Red again" in shown
    assert "Look at the shoes" in shown
    assert "Red again" in run("cases").output
    assert len(made(run, "remove", case, search)["items"]) == 1
    assert run("cases", "delete", case).exit_code == 0
    assert made(run, "list") == []


def test_what_cannot_be_is_said_in_a_line(run: Run, sqlite_settings: GallerySettings) -> None:
    with Gallery.open(sqlite_settings) as gallery:
        key, _ = gallery.keys.create("somebody")
    theirs = made(run, "create", "theirs", "--key", key.id)
    assert theirs["key_id"] == key.id
    for arguments, said in (
        (("show", "0" * 32), "no case"),
        (("create", ""), "1 to 200"),
        (("create", "x", "--key", "nobody"), "no key"),
        (("edit", theirs["id"]), "nothing to change"),
        (("add", theirs["id"]), "nothing to add"),
        (("add", theirs["id"], "--search", "1" * 32), "no search"),
        (("evidence", "0" * 32), "no case"),
    ):
        result = run("cases", *arguments)
        assert (result.exit_code, said in result.output) == (2, True), result.output
