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


def compared(run: Run) -> dict[str, Any]:
    told = run("models", "compare", "first", "second", "--json")
    assert told.exit_code == 0, told.output
    found: dict[str, Any] = json.loads(told.stdout)
    return found


@pytest.mark.long
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

    only = compared(run)
    assert only["searches"] is None
    with Gallery.open(sqlite_settings) as gallery:
        assert gallery.audit.events(action="models.compare") == []

    monkeypatch.setenv("SIGHTLINE_COMPARE_SEARCHES", "true")
    both = compared(run)
    assert both["tracklets"] == only["tracklets"]
    searches = both["searches"]
    assert (searches["searches"], searches["replayed"]) == (len(PERSONS), len(PERSONS))
    with Gallery.open(sqlite_settings) as gallery:
        (event,) = gallery.audit.events(action="models.compare")
        assert event.detail["photos"] is True
    shown = run("models", "compare", "first", "second").output
    assert "3 of the last 3 searches were answered by both" in " ".join(shown.split())

    # What the other model answers once it is in use is what the comparison has said.
    monkeypatch.setenv("SIGHTLINE_MODEL", "second")
    after = [answer(run, photo, person) for person in PERSONS]
    same = [old[0] == new[0] for old, new in zip(before, after, strict=True)]
    assert searches["same_first"]["value"] == pytest.approx(sum(same) / len(same))
    assert searches["overlap_10"]["value"] == 1  # of four tracklets both find all

    with Gallery.open(sqlite_settings) as gallery:
        gallery.probes.expire(datetime.now(UTC) + timedelta(days=1))
    nothing = compared(run)["searches"]
    assert (nothing["replayed"], nothing["left_out"]["photo_gone"]) == (0, 2 * len(PERSONS))
