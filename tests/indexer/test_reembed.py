"""Features of another model from kept boxes: those of a fresh index, or a reason why there are none."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gallery import Conflict, Filters, Gallery, GallerySettings, NotFound, VideoInfo
from indexer.errors import Cancelled, UnreadableRecording
from indexer.importers.mars import CropFolder, import_crops
from indexer.importers.motchallenge import import_boxes
from indexer.kept import Asked, Best
from indexer.pipeline import index_video
from indexer.recrop import read_kept
from indexer.reembed import embed_video
from indexer.settings import IndexSettings
from indexer.types import Recording
from models.preprocessing import Preprocessing
from tests.indexer.conftest import START
from tests.indexer.contents import contents
from tests.indexer.fakes import ColourDetector, TinyEmbedder
from tests.indexer.test_importers import truth_lines
from tests.indexer.videos import make_video

OLD, NEW = TinyEmbedder(model="0"), TinyEmbedder(model="1")


def index(
    gallery: Gallery, recording: Recording, settings: IndexSettings, embedder: TinyEmbedder
) -> VideoInfo:
    return index_video(gallery, embedder, ColourDetector(), recording, settings).video


def segments_of(gallery: Gallery, model: TinyEmbedder) -> list[Any]:
    """The bytes of the model's segments, without their manifests, which name the model."""
    return [
        [(name, data) for name, data in files if name != "manifest.json"]
        for files in contents(gallery)["segments"]
        if any(model.id.encode() in data for _, data in files)
    ]


def fresh(settings: GallerySettings, folder: Path, recording: Recording, how: IndexSettings) -> list[Any]:
    """The segments of an empty gallery in which the recording is indexed with the new model alone."""
    folder.mkdir()
    shutil.copy(settings.data_dir / "gallery.sqlite3", folder)
    empty = GallerySettings(data_dir=folder, database_url=f"sqlite:///{folder / 'gallery.sqlite3'}")
    with Gallery.open(empty) as gallery:
        gallery.catalogue.get_or_add_camera("gate")
        index(gallery, recording, how, NEW)
        return segments_of(gallery, NEW)


@pytest.fixture
def own_recording(recording: Recording, tmp_path: Path) -> Recording:
    """A copy of the recording that a test may change."""
    path = tmp_path / "own.mp4"
    shutil.copy(recording.path, path)
    return replace(recording, path=path, file_name="own.mp4")


def test_the_features_are_those_of_a_fresh_index(
    sqlite_settings: GallerySettings, recording: Recording, settings: IndexSettings, tmp_path: Path
) -> None:
    expected = fresh(sqlite_settings, tmp_path / "fresh", recording, settings)
    with Gallery.open(sqlite_settings) as gallery:
        gallery.catalogue.get_or_add_camera("gate")
        video = index(gallery, recording, settings, OLD)
        before = contents(gallery)
        report = embed_video(gallery, NEW, video, settings)
        after = contents(gallery)
        assert report.counters == {"tracklets": 3, "clips": video.report.clips}
        assert (report.already, set(report.stage_seconds)) == (False, {"decode", "embed", "store"})
        assert segments_of(gallery, NEW) == expected
        for table in ("video", "tracklet", "clip", "thumbnails"):
            assert after[table] == before[table]
        again = embed_video(gallery, NEW, video, settings)
        assert again.already
        assert contents(gallery) == after


def test_both_databases_serve_the_old_model_until_the_new_is_there(
    gallery: Gallery, crowd_video: Path, settings: IndexSettings
) -> None:
    camera = gallery.catalogue.get_or_add_camera("gate")
    video = index(gallery, Recording(crowd_video, camera.id, START, "a.mp4"), settings, OLD)
    counts: list[tuple[int, int]] = []

    class Watch:
        def update(self, stage: str, fraction: float, counters: Mapping[str, int]) -> None:
            counts.append(tuple(gallery.snapshot(m.id).tracklet_count for m in (OLD, NEW)))  # type: ignore[arg-type]

    embed_video(gallery, NEW, video, settings, progress=Watch())
    assert set(counts) == {(3, 0)}
    query = gallery.snapshot(OLD.id).vector(f"{video.id}-1")
    hits = gallery.snapshot(NEW.id).search(query, limit=3, filters=Filters()).hits
    assert hits[0].tracklet_id == f"{video.id}-1"
    assert hits[0].score == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("tracked", [True, False])
def test_imported_boxes(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings, tmp_path: Path, tracked: bool
) -> None:
    boxes = tmp_path / "gt.txt"
    boxes.write_text(truth_lines(tracked=tracked) + "\n3,9,-50,-50,20,20,1\n4,9,-50,-50,20,20,1")
    video = import_boxes(sqlite_gallery, OLD, recording, boxes, settings).video
    embed_video(sqlite_gallery, NEW, video, settings)
    assert segments_of(sqlite_gallery, NEW) == segments_of(sqlite_gallery, OLD)


def crops(folder: Path) -> Path:
    """Two people on two cameras, and a person of whom nothing can be read."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for camera in (1, 2):
        for person in (1, 2, 3):
            for frame in range(1, 12):
                file = folder / f"000{person}C{camera}T0001F{frame:03}.png"
                picture = rng.integers(0, 255, (40 + 8 * person, 24, 3), np.uint8)
                Image.fromarray(picture).save(file)
                if person == 2 or frame == 5:
                    file.write_bytes(b"not a picture")
    return folder


def test_imported_crops(sqlite_gallery: Gallery, settings: IndexSettings, tmp_path: Path) -> None:
    folder = CropFolder(crops(tmp_path / "crops"), "cam", START)
    reports = import_crops(sqlite_gallery, OLD, folder, settings)
    for report in reports:
        embed_video(sqlite_gallery, NEW, report.video, settings)
    assert segments_of(sqlite_gallery, NEW) == segments_of(sqlite_gallery, OLD)
    file = next(folder.root.glob("0003C2*"))
    file.write_bytes(file.read_bytes()[::-1])
    third = TinyEmbedder(model="2")
    embed_video(sqlite_gallery, third, reports[0].video, settings)
    with pytest.raises(UnreadableRecording, match="changed since they were imported"):
        embed_video(sqlite_gallery, third, reports[1].video, settings)
    shutil.rmtree(folder.root)
    with pytest.raises(UnreadableRecording, match="gone"):
        embed_video(sqlite_gallery, third, reports[1].video, settings)


def test_a_recording_that_is_gone_or_another_is_refused(
    sqlite_gallery: Gallery, own_recording: Recording, settings: IndexSettings
) -> None:
    video = index(sqlite_gallery, own_recording, settings, OLD)
    before, path = contents(sqlite_gallery), own_recording.path
    content = path.read_bytes()
    os.utime(path, ns=(0, 0))  # touched, not changed
    assert not embed_video(sqlite_gallery, TinyEmbedder(model="2"), video, settings).already
    before = contents(sqlite_gallery)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(UnreadableRecording, match=r"own\.mp4: the recording has changed"):
        embed_video(sqlite_gallery, NEW, video, settings)
    path.unlink()
    with pytest.raises(UnreadableRecording, match=r"own\.mp4: the recording is gone"):
        embed_video(sqlite_gallery, NEW, video, settings)
    path.mkdir()
    with pytest.raises(UnreadableRecording, match="gone"):
        embed_video(sqlite_gallery, NEW, video, settings)
    assert contents(sqlite_gallery) == before
    assert list(sqlite_gallery.data_dir.glob("staging/*")) == []


@pytest.mark.long
def test_what_happens_meanwhile(
    sqlite_gallery: Gallery, own_recording: Recording, settings: IndexSettings
) -> None:
    video = index(sqlite_gallery, own_recording, settings, OLD)

    class At:
        """Does something when the work is about to be committed."""

        def __init__(self, act: Any) -> None:
            self.act = act

        def update(self, stage: str, fraction: float, counters: Mapping[str, int]) -> None:
            if stage == "commit":
                self.act()

    def cancel() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        embed_video(sqlite_gallery, NEW, video, settings, progress=At(cancel))
    assert sqlite_gallery.snapshot(NEW.id).tracklet_count == 0
    # A correction: the new features stand where the video stands now.
    roof = sqlite_gallery.catalogue.add_camera("roof", pixel_aspect=2.0)
    move = At(lambda: sqlite_gallery.correct_video(video.id, camera_id=roof.id))
    embed_video(sqlite_gallery, NEW, video, settings, progress=move)
    query = sqlite_gallery.snapshot(OLD.id).vector(f"{video.id}-0")
    there = Filters(camera_ids=frozenset({roof.id}))
    assert len(sqlite_gallery.snapshot(NEW.id).search(query, limit=9, filters=there).hits) == 3
    # The camera says that its pixels are wide now: boxes go by the frames they were found on.
    third = TinyEmbedder(model="2")
    embed_video(sqlite_gallery, third, video, settings)
    moved = sqlite_gallery.snapshot(third.id).vector(f"{video.id}-0")
    assert float(moved @ query) > 0.999
    fourth = TinyEmbedder(model="3")
    replaced = At(
        lambda: index_video(
            sqlite_gallery, OLD, ColourDetector(), own_recording, settings, replaces=lambda _: True
        )
    )
    with pytest.raises(Conflict, match="indexed anew"):
        embed_video(sqlite_gallery, fourth, video, settings, progress=replaced)
    now = sqlite_gallery.catalogue.video(video.id)
    with pytest.raises(NotFound):
        embed_video(
            sqlite_gallery, fourth, now, settings, progress=At(lambda: sqlite_gallery.erase_video(video.id))
        )
    assert sqlite_gallery.snapshot(fourth.id).tracklet_count == 0


def test_another_rate_of_sampling_than_recorded_is_named(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings
) -> None:
    video = index(sqlite_gallery, recording, settings, OLD)
    faster = settings.model_copy(update={"embed_fps": 10.0, "clip_frames": 4})
    embed_video(sqlite_gallery, NEW, video, faster)  # what is recorded goes before what is set
    older = replace(video, report=replace(video.report, embed_fps=None))
    with pytest.raises(UnreadableRecording, match="crops of tracklet"):
        embed_video(sqlite_gallery, TinyEmbedder(model="2"), older, faster)


def test_the_best_crops_of_the_wanted_tracklets(
    sqlite_gallery: Gallery, tmp_path: Path, settings: IndexSettings
) -> None:
    camera = sqlite_gallery.catalogue.get_or_add_camera("gate")
    path = make_video(tmp_path / "long.mp4", frames=400)  # the crowd leaves after 70
    video = index(sqlite_gallery, Recording(path, camera.id, START, "long.mp4"), settings, OLD)
    seen: list[int] = []
    asked = Asked(
        Preprocessing(height=64, width=32),
        collect=lambda tracklet: Best(tracklet, 8),
        wanted=frozenset({f"{video.id}-0", f"{video.id}-2"}),
        seen=seen.append,
    )
    found = list(read_kept(sqlite_gallery, video, settings, asked))
    assert [kept.tracklet.number for kept in found] == [2, 0]  # as they leave
    assert seen[-1] < 7_000_000  # the rest is not decoded
    for kept in found:
        times = [taken.time_us for taken in kept.samples]
        assert len(times) == 8
        assert times == sorted(set(times))
        assert times[-1] - times[0] > 0.7 * (kept.tracklet.end_us - kept.tracklet.start_us)
    nobody = replace(asked, wanted=frozenset())
    assert list(read_kept(sqlite_gallery, video, settings, nobody)) == []
