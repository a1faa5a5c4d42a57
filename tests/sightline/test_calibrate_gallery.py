"""`sightline calibrate` on a gallery; tests/service/test_calibrations.py has what it finds."""

import json
from pathlib import Path

import pytest

from gallery import Gallery, GallerySettings, Verdict
from tests.indexer.fakes import ColourDetector, TinyEmbedder
from tests.models.calibration.pairs import calibrator
from tests.sightline.conftest import Run


@pytest.fixture
def marked(
    run: Run,
    networks: None,
    recordings: Path,
    photo: Path,
    sqlite_settings: GallerySettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Six searches whose first hit is marked as the person, and all others as somebody else."""
    bold = calibrator(model_id=TinyEmbedder().id, intercept=6.0, weights=(0.5, 0.0, 0.0, 0.0))
    embedder = TinyEmbedder()
    embedder.card = {"calibration": bold.model_dump(mode="json")}
    monkeypatch.setattr("service.networks.load", lambda settings: (embedder, ColourDetector()))
    for file, camera in (("a.mp4", "gate"), ("b.mp4", "yard")):
        assert run("index", recordings / file, "--camera", camera, *START).exit_code == 0
    for number in range(6):
        box = f"{10 + 5 * number},20,{40 + 5 * number},90"  # the same picture twice would count once
        answer = json.loads(run("search", photo, "--box", box, "--json").stdout)
        with Gallery.open(sqlite_settings) as gallery:
            for place, hit in enumerate(answer["hits"]):
                verdict = Verdict.NOT if place else Verdict.MATCH
                gallery.marks.set(answer["id"], hit["tracklet_id"], verdict)


START = ("--start", "2026-03-01T09:00:00+00:00")


@pytest.mark.long
def test_marks_correct_the_gallery_and_reset_goes_back(run: Run, marked: None) -> None:
    assert "no calibration of its own" in run("calibrate", "--show").output
    tried = run("calibrate", "--dry-run")
    assert (tried.exit_code, "Nothing was changed" in tried.output) == (0, True), tried.output
    assert "are the least" not in tried.output
    made = json.loads(run("calibrate", "--json").stdout)
    assert made["changed"] is True
    assert made["marks"] == 24
    shown = json.loads(run("calibrate", "--show", "--json").stdout)
    assert [one["id"] for one in shown] == [made["calibration"]["id"]]
    assert "corrected by 24 marks on 6 searches" in run("calibrate", "--show").output.replace("\n", " ")
    beside = run("calibrate", "--tracklets", "--dry-run")
    assert beside.exit_code == 0
    assert "pairs of people who were seen side by side, of" in beside.output.replace("\n", " ")
    assert "counts again" in run("calibrate", "--reset").output
    again = run("calibrate", "--reset")
    assert again.exit_code == 2
    assert "no calibration of its own" in again.output


def test_without_marks_nothing_is_changed_and_said(run: Run, networks: None) -> None:
    result = run("calibrate")
    assert result.exit_code == 1
    assert "none to correct" in result.output
