"""`sightline models compare` by recent searches: with consent only, and right about what would change."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gallery import Gallery, GallerySettings
from tests.indexer.fakes import ColourDetector
from tests.models.imported.networks import write_reid
from tests.sightline.conftest import Run

PERSONS = ("0", "1", "2")


def answer(run: Run, photo: Path, person: str) -> list[str]:
    """The tracklets that the model in use finds, the best first."""
    told = run("search", photo, "--person", person, "--json")
    assert told.exit_code == 0, told.output
    return [hit["tracklet_id"] for hit in json.loads(told.stdout)["hits"]]


def compared(run: Run) -> list[dict[str, Any]]:
    told = run("models", "compare", "first", "second", "--json")
    assert told.exit_code == 0, told.output
    found: list[dict[str, Any]] = json.loads(told.stdout)
    return found


def test_recent_searches_are_asked_again_with_consent_only(
    run: Run,
    recordings: Path,
    photo: Path,
    sqlite_settings: GallerySettings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("indexer.networks.make_detector", lambda settings, size=None: ColourDetector())
    monkeypatch.setattr("models.detector.create_detector", lambda *_, **__: ColourDetector())
    for seed, name in enumerate(("first", "second"), 3):
        network = write_reid(tmp_path / f"{name}.onnx", seed=seed, dimension=4 * seed)
        assert run("models", "import", network, "--name", name, "--size", "64x32").exit_code == 0
    assert run("models", "promote", "first").exit_code == 0
    indexed = run("index", recordings, "--camera", "gate", "--start", "2026-01-05", "--consecutive")
    assert indexed.exit_code == 0, indexed.output
    assert run("reindex", "--model", "second").exit_code == 0
    before = [answer(run, photo, person) for person in PERSONS]

    (only,) = compared(run)
    with Gallery.open(sqlite_settings) as gallery:
        assert (only["probes"], gallery.audit.events(action="models.compare")) == ("tracklets", [])

    monkeypatch.setenv("SIGHTLINE_COMPARE_SEARCHES", "true")
    tracklets, searches = compared(run)
    assert tracklets == only
    assert (searches["probes"], searches["count"]) == ("recent searches", len(PERSONS))
    with Gallery.open(sqlite_settings) as gallery:
        (event,) = gallery.audit.events(action="models.compare")
        assert event.detail["photos"] == len(PERSONS)
    shown = run("models", "compare", "first", "second").output
    assert "3 recent searches" in " ".join(shown.split())

    # What the other model answers once it is in use is what the comparison has said.
    monkeypatch.setenv("SIGHTLINE_MODEL", "second")
    after = [answer(run, photo, person) for person in PERSONS]
    same = [old[0] == new[0] for old, new in zip(before, after, strict=True)]
    ranks = sorted(new.index(old[0]) + 1 for old, new in zip(before, after, strict=True))
    assert searches["same_first"] == pytest.approx(sum(same) / len(same))
    assert searches["median_rank"] == ranks[1]
    assert searches["overlap"] == 1  # of four tracklets both find all

    with Gallery.open(sqlite_settings) as gallery:
        gallery.probes.expire(datetime.now(UTC) + timedelta(days=1))
    _, nothing = compared(run)
    assert nothing["count"] == 0  # photos that were removed are left out
