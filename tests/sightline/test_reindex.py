"""`sightline reindex`: two models side by side in one gallery, never mixed."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gallery import Gallery, GallerySettings
from tests.indexer.fakes import ColourDetector, TinyEmbedder
from tests.sightline.conftest import Run

pytestmark = pytest.mark.usefixtures("networks")
START = "2026-01-05T09:00:00+00:00"


@pytest.fixture
def second_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The index commands use model 0, or the one that --model names; here it only has another id."""
    monkeypatch.setenv("SIGHTLINE_INDEX_MODEL", "0")
    monkeypatch.setattr("indexer.networks.check_settings", lambda settings: None)  # "0" and "1" exist here
    for where in ("indexer.networks", "indexer.worker"):
        monkeypatch.setattr(f"{where}.make_embedder", lambda settings, _: TinyEmbedder(model=settings.model))


def index(run: Run, file: Path) -> None:
    assert run("index", file, "--camera", "gate", "--start", START).exit_code == 0


def serve_with(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    monkeypatch.setattr("service.networks.load", lambda _: (TinyEmbedder(model=model), ColourDetector()))


def test_each_model_answers_from_its_own_features(
    run: Run, recordings: Path, photo: Path, second_model: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(run, recordings / "a.mp4")
    serve_with(monkeypatch, "1")
    before = json.loads(run("search", photo, "--json").stdout)
    assert before["hits"] == []

    result = run("reindex", "--model", "1")

    assert result.exit_code == 0, result.output
    assert "embedded" in result.output
    after = json.loads(run("search", photo, "--json").stdout)
    assert after["model"]["id"] == "1" * 64
    assert len(after["hits"]) == 3
    serve_with(monkeypatch, "0")
    first = json.loads(run("search", photo, "--json").stdout)
    assert first["model"]["id"] == "0" * 64
    # The same pixels by the same rule: the two galleries agree, each found in its own segment.
    assert [hit["score"] for hit in first["hits"]] == [hit["score"] for hit in after["hits"]]
    assert len(json.loads(run("videos", "--json").stdout)) == 1


def test_what_is_there_is_skipped(run: Run, recordings: Path, second_model: None) -> None:
    index(run, recordings / "a.mp4")
    run("reindex", "--model", "1")
    again = run("reindex", "--model", "1")
    assert (again.exit_code, "in the gallery already" in again.output) == (0, True)
    assert "No recording yet" not in again.output


def test_an_empty_gallery_and_an_unknown_camera(run: Run, recordings: Path, second_model: None) -> None:
    assert "No recording yet" in run("reindex", "--model", "1").output
    index(run, recordings / "a.mp4")
    unknown = run("reindex", "--model", "1", "--camera", "roof")
    assert unknown.exit_code == 2
    assert "roof" in unknown.output


def test_a_recording_that_is_gone_is_reported_and_the_others_are_read(
    run: Run, recordings: Path, tmp_path: Path, second_model: None
) -> None:
    file = tmp_path / "moved.mp4"
    file.write_bytes((recordings / "b.mp4").read_bytes())
    index(run, file)
    index(run, recordings / "a.mp4")
    file.unlink()

    result = run("reindex", "--model", "1")

    assert result.exit_code == 1
    assert "moved.mp4" in result.output
    assert result.output.count("embedded") == 1


def test_nobody_is_detected_again_and_what_is_recorded_goes_before_what_is_set(
    run: Run, recordings: Path, second_model: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(run, recordings / "a.mp4")
    before = run("videos", "--json").stdout
    monkeypatch.setenv("SIGHTLINE_INDEX_EMBED_FPS", "2")
    monkeypatch.setattr("indexer.networks.make_detector", None)

    result = run("reindex", "--model", "1")

    assert result.exit_code == 0, result.output
    assert run("videos", "--json").stdout == before


def test_imported_crops_are_embedded_as_they_are(run: Run, tmp_path: Path, second_model: None) -> None:
    folder = tmp_path / "crops" / "0001"
    folder.mkdir(parents=True)
    picture = np.random.default_rng(0).integers(0, 255, (128, 64, 3), np.uint8)
    for frame in range(1, 5):
        Image.fromarray(picture).save(folder / f"0001C1T0001F00{frame}.jpg")
    imported = run("import-crops", folder.parent, "--start", "2026-01-01T00:00:00Z")
    assert imported.exit_code == 0, imported.output
    assert run("reindex", "--model", "1").exit_code == 0
    (folder / "0001C1T0001F001.jpg").unlink()
    changed = run("reindex", "--model", "2")
    assert changed.exit_code == 1
    assert "changed since they were imported" in " ".join(changed.output.split())


def test_a_job_for_the_workers(
    run: Run, recordings: Path, second_model: None, sqlite_settings: GallerySettings
) -> None:
    index(run, recordings / "a.mp4")
    index(run, recordings / "b.mp4")
    filed = run("reindex", "--model", "1", "--job")
    assert filed.exit_code == 0, filed.output
    assert "2 recordings" in filed.output
    assert "reindex" in run("jobs", "list").output
    worked = run("worker", "--once")
    assert worked.exit_code == 0, worked.output
    (job,) = json.loads(run("jobs", "list", "--json").stdout)
    assert (job["kind"], job["state"], job["progress"]) == ("reindex", "succeeded", 1.0)
    assert job["options"] == {"model": "1", "model_id": "1" * 64}
    with Gallery.open(sqlite_settings) as gallery:
        assert gallery.snapshot("1" * 64).tracklet_count == 4
    again = run("reindex", "--model", "1", "--job")
    assert again.exit_code == 2
    assert "already" in again.output
