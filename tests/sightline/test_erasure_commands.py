"""`sightline erase`, `erasures`, `holds` and `retention`."""

import json
from typing import Any

import pytest

from gallery import Gallery, GallerySettings
from tests.gallery.making import make_tracklets, store
from tests.sightline.conftest import Run


@pytest.fixture
def video(sqlite_settings: GallerySettings) -> str:
    """A recording of the gate, on 1 May 2024, with four tracklets ten seconds apart."""
    with Gallery.open(sqlite_settings) as gallery:
        return store(gallery, 1, make_tracklets(1, 4)).id


def printed(run: Run, *arguments: str, expect: int = 0) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == expect, result.output
    return json.loads(result.stdout)


def test_listed_held_erased_and_certified(run: Run, video: str, sqlite_settings: GallerySettings) -> None:
    stretch = ("--camera", "gate", "--from", "2024-05-01T12:00:15", "--to", "2024-05-01T12:00:25")
    said = run("erase", *stretch, "--dry-run").output
    assert f"{video}-2" in said
    assert "Stays: backups" in said
    plan = printed(run, "erase", *stretch, "--dry-run")
    assert plan["tracklets"][0]["id"] == f"{video}-2"
    with Gallery.open(sqlite_settings) as gallery:
        looks = [event.detail for event in gallery.audit.events(action="erasure.plan")]
    assert looks == [{"kind": "stretch", "plan_sha256": plan["digest"], "tracklets": 1}] * 2
    assert run("holds", "put", "--video", video, "--reason", "court order").exit_code == 0
    refused = run("erase", *stretch, "--yes")
    assert (refused.exit_code, "court order" in refused.output) == (2, True)
    (hold,) = printed(run, "holds", "list")
    assert "court order" in run("holds", "list").output
    assert run("holds", "lift", hold["id"], "--reason", "over").exit_code == 0
    assert run("erase", *stretch).exit_code == 1  # nobody said yes
    done = run("erase", *stretch, "--yes").output
    assert "1 tracklets" in done
    assert "finds nothing" in done
    (erasure,) = printed(run, "erasures", "list")
    text = run("erasures", "show", erasure["id"]).output
    assert f"tracklet {video}-2" in text
    assert erasure["certificate_sha256"] in text
    assert printed(run, "erasures", "show", erasure["id"])["id"] == erasure["id"]
    assert "at compaction" in run("erasures", "list").output
    assert printed(run, "compact")["settled"] == 1
    assert "at compaction" not in run("erasures", "list").output


def test_rules_are_tried_set_and_followed(run: Run, video: str) -> None:
    assert video in run("retention", "set", "recordings", "30", "--camera", "gate", "--dry-run").output
    assert printed(run, "retention", "list") == []
    assert "Nothing is due" in run("retention", "run").output
    assert run("retention", "set", "recordings", "30", "--camera", "gate").exit_code == 0
    assert "gate" in run("retention", "list").output
    assert video in run("retention", "run", "--dry-run").output
    (done,) = printed(run, "retention", "run")
    assert done["certificate"]["counts"]["recordings"] == 1
    assert run("retention", "remove", "recordings", "--camera", "gate").exit_code == 0
    assert run("retention", "remove", "recordings", "--camera", "gate").exit_code == 2


def test_other_mistakes_end_in_a_line(run: Run, video: str) -> None:
    for arguments in (
        (),
        (video, "--camera", "gate"),
        ("--search", "f" * 32),
        ("--search", "f" * 32, "--above", "0.5"),
        ("--camera", "cellar"),
        ("--tracklet", f"{video}-99"),
        ("--from", "yesterday"),
        ("--case", "x"),
    ):
        result = run("erase", *arguments, "--yes")
        assert result.exit_code == 2, (arguments, result.output)
    assert run("holds", "put", "--reason", "r").exit_code == 2
    assert run("holds", "lift", "x", "--reason", "r").exit_code == 2
    assert run("erasures", "show", "x").exit_code == 2
