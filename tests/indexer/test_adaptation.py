"""A model adapted to a gallery: what is read, what is kept, what is refused, and what is erased."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from gallery import Conflict, Gallery, NotFound
from indexer.errors import Cancelled
from indexer.gallery_source import GallerySource, Range
from indexer.pipeline import index_video
from indexer.reembed import embed_video
from indexer.settings import IndexSettings
from indexer.types import Recording
from models import checkpoint
from models.embedder import Embedder
from models.errors import TrainingError
from models.preprocessing import Preprocessing
from tests.indexer.adapting import SETTINGS, Calm, adapt, fill, save_parent
from tests.indexer.fakes import ColourDetector, TinyEmbedder
from tests.waiting import PATIENCE


@pytest.fixture(scope="session")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_parent(tmp_path_factory.mktemp("models") / "parent", wrong=True)


@pytest.fixture
def filled(sqlite_gallery: Gallery, tmp_path: Path) -> Gallery:
    fill(sqlite_gallery, tmp_path / "crops")
    return sqlite_gallery


def folder_of(gallery: Gallery) -> set[str]:
    return {entry.name for entry in gallery.adaptations.folder("ours").iterdir()}


@pytest.mark.long
def test_a_model_that_passes_is_kept_and_embeds_the_gallery(filled: Gallery, parent: Path) -> None:
    watch = Calm()
    adapted = adapt(filled, parent, progress=watch)
    assert adapted.outcome == "adapted"
    assert adapted.counts["offered"] == 40
    assert watch.stages[0] == "crops"
    assert "learning 2/2" in watch.stages
    assert watch.fractions == sorted(watch.fractions)
    model = filled.models.find("ours")
    assert (model.id, model.learnt_from, model.erased) == (adapted.model_id, 2, 0)
    assert set(model.card["adaptation"]["recordings"]) == {video.id for video in filled.catalogue.videos()}
    assert folder_of(filled) == {"outcome.json", "report.html", "videos.json"}  # no crops but the report's
    assert filled.adaptations.report("ours").read_text().startswith("<!")

    assert adapt(filled, parent) == adapted  # the run has ended; this one says the same
    with pytest.raises(Conflict, match="has a model ours"):
        adapt(filled, parent, run="2")

    assert model.folder is not None
    embedder = Embedder(checkpoint.load(model.folder), device="cpu")
    for video in filled.catalogue.videos():
        embed_video(filled, embedder, video, SETTINGS)
    assert filled.models.promote("ours").promoted

    filled.erase_video(filled.catalogue.videos()[0].id)
    assert filled.models.find("ours").erased == 1
    with pytest.raises(NotFound):  # the report showed people of the recording
        filled.adaptations.report("ours")


@pytest.mark.long
def test_a_model_that_does_not_pass_leaves_the_old_one(filled: Gallery, parent: Path, tmp_path: Path) -> None:
    kept = adapt(filled, save_parent(tmp_path / "good", wrong=False))
    assert (kept.outcome, kept.model_id) == ("kept", None)
    assert kept.figures
    with pytest.raises(NotFound):
        filled.models.find("ours")
    assert folder_of(filled) == {"outcome.json", "report.html", "videos.json"}
    assert adapt(filled, parent, run="2").outcome == "adapted"  # another run begins anew


def test_too_little_to_learn_from_is_said_plainly(
    sqlite_gallery: Gallery, parent: Path, tmp_path: Path
) -> None:
    empty = adapt(sqlite_gallery, parent)
    assert (empty.outcome, "too few" in empty.summary()) == ("kept", True)
    fill(sqlite_gallery, tmp_path / "crops")
    shutil.rmtree(tmp_path / "crops")
    gone = adapt(sqlite_gallery, parent, run="2")
    assert gone.outcome == "kept"
    assert "the imported crops are gone" in gone.summary()
    assert gone.summary().endswith(".")


@pytest.mark.long
def test_a_run_that_was_stopped_continues(filled: Gallery, parent: Path) -> None:
    class Stop(Calm):
        def update(self, stage: str, fraction: float, counters: Mapping[str, int]) -> None:
            super().update(stage, fraction, counters)
            if stage == "learning 2/2":
                raise Cancelled

    with pytest.raises(Cancelled):
        adapt(filled, parent, progress=Stop())
    assert "crops.bin" in folder_of(filled)
    with pytest.raises(TrainingError, match="another run"):
        adapt(filled, parent, seed=1)
    watch = Calm()
    assert adapt(filled, parent, progress=watch).outcome == "adapted"
    assert "learning 1/2" not in watch.stages


@pytest.mark.long
def test_killed_at_any_moment_the_model_is_the_same(filled: Gallery, parent: Path) -> None:
    url = filled._database.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.indexer.adapting", str(filled.data_dir), url, str(parent)]
    expected = subprocess.run(
        [*command, "undisturbed"], check=True, capture_output=True, text=True, timeout=PATIENCE * 10
    ).stdout
    filled.models.remove("ours")
    kills, said = 0, ""
    while not said:
        process = subprocess.Popen([*command, "killed"], stdout=subprocess.PIPE, text=True)
        try:
            said, _ = process.communicate(timeout=2 + 2 * kills)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
    assert kills > 0
    assert said == expected
    assert filled.models.find("ours").id == expected.strip()
    assert list(filled.data_dir.glob("staging/*/model")) == []


def test_what_a_gallery_tells_of_its_tracklets(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings, tmp_path: Path
) -> None:
    video = index_video(sqlite_gallery, TinyEmbedder(), ColourDetector(), recording, settings).video
    path = tmp_path / "gone.mp4"
    shutil.copy(recording.path, path)
    with path.open("ab") as file:
        file.write(b"\0" * 8)
    roof = sqlite_gallery.catalogue.add_camera("roof")
    moved = Recording(path, roof.id, recording.start_time, path.name)
    other = index_video(sqlite_gallery, TinyEmbedder(), ColourDetector(), moved, settings).video
    path.unlink()
    source = GallerySource(sqlite_gallery, settings, Range(), Preprocessing(height=64, width=32))

    sightings = source.sightings()
    assert len(sightings) == 6
    assert {(one.camera, one.recording) for one in sightings} == {("gate", video.id), ("roof", other.id)}
    first, second, _ = (one for one in sightings if one.recording == video.id)
    both = set(first.times.tolist()) & set(second.times.tolist())
    assert len(both) >= 3  # two who are seen side by side are two: times and boxes say so
    assert first.boxes.shape == (len(first.times), 4)
    assert (first.boxes[:, 2] > first.boxes[:, 0]).all()
    assert abs(first.start - recording.start_time.timestamp()) < 1

    found = {crops.id: crops for crops in source.crops([one.id for one in sightings] + ["f" * 32 + "-0"])}
    assert len(found) == 7
    assert {len(found[f"{video.id}-{n}"].images) for n in range(3)} == {8}
    assert {found[f"{other.id}-{n}"].missing for n in range(3)} == {
        "gone.mp4: the recording is gone (No such file or directory)"
    }
    assert found["f" * 32 + "-0"].missing == "their recording was erased"

    gate = sqlite_gallery.catalogue.camera_named("gate").id
    late = Range(frozenset({gate}), start=video.start_time.replace(second=3))
    source = GallerySource(sqlite_gallery, settings, late, Preprocessing(height=64, width=32))
    assert {one.recording for one in source.sightings()} == {video.id}
    before = Range(end=video.start_time)
    assert GallerySource(sqlite_gallery, settings, before, source.preprocessing).sightings() == []
