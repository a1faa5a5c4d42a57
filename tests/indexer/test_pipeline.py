"""A recording from file to rows: what is stored, that it is always the same, and all or nothing."""

import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gallery import Completion, Filters, Gallery, GallerySettings, VideoReport
from indexer.errors import Cancelled, UnreadableRecording
from indexer.pipeline import IndexReport, index_video
from indexer.settings import IndexSettings
from indexer.types import Recording
from tests.indexer.contents import contents
from tests.indexer.fakes import ColourDetector, TinyEmbedder
from tests.indexer.footage import encode
from tests.indexer.videos import BLUE, CROWD, GREEN, HEIGHT, RED, WIDTH, Walker, draw, make_video


def index(
    gallery: Gallery, recording: Recording, settings: IndexSettings, embedder: TinyEmbedder | None = None
) -> IndexReport:
    return index_video(gallery, embedder or TinyEmbedder(), ColourDetector(), recording, settings)


def test_every_walker_becomes_a_tracklet(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings
) -> None:
    report = index(sqlite_gallery, recording, settings)
    assert not report.already
    assert report.video.tracklet_count == 3
    assert (report.video.frames_decoded, report.video.frames_bad) == (80, 0)
    assert (report.video.width, report.video.height) == (320, 240)
    assert report.video.duration_us == 8_000_000
    tracklets = sqlite_gallery.catalogue.tracklets([f"{report.video.id}-{n}" for n in range(3)])
    # The first to appear is 0; of two that appear together the leftmost comes first.
    for number, walker in enumerate((CROWD[0], CROWD[2], CROWD[1])):
        tracklet = tracklets[f"{report.video.id}-{number}"]
        assert abs(tracklet.start_us - walker.enters * 100_000) <= 200_000
        assert abs(tracklet.end_us - (walker.leaves - 1) * 100_000) <= 200_000
        boxes = sqlite_gallery.catalogue.tracklet(tracklet.id, with_boxes=True).boxes
        assert boxes is not None
        assert len(boxes) == tracklet.frame_count
        left, top, right, bottom = walker.box(int(boxes["frame"][5]))
        assert np.allclose(
            [boxes[name][5] for name in "xywh"], [left, top, right - left, bottom - top], atol=2
        )
        assert sum(clip.frame_count for clip in tracklet.clips) == pytest.approx(len(boxes) / 2, abs=1)
        assert max(clip.frame_count for clip in tracklet.clips) == 8
        assert set(tracklet.quality) == {"height_px", "sharpness", "detector_score"}
        assert abs(tracklet.quality["height_px"] - 72) < 2


def test_a_tracklet_is_found_by_its_colour_and_shown_in_its_thumbnail(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings
) -> None:
    embedder = TinyEmbedder()
    video = index(sqlite_gallery, recording, settings, embedder).video
    for number, colour in enumerate((RED, BLUE, GREEN)):
        probe = np.zeros((72, 28, 3), dtype=np.uint8)
        probe[:] = colour
        query = embedder.embed_images([probe])[0]
        hit = sqlite_gallery.snapshot(embedder.id).search(query, limit=3).hits[0]
        assert hit.tracklet_id == f"{video.id}-{number}"
        jpeg = sqlite_gallery.catalogue.thumbnail_path(hit.tracklet_id).read_bytes()
        strip = np.asarray(Image.open(io.BytesIO(jpeg)))
        assert strip.shape == (192, 384, 3)
        for cell in range(4):
            middle = strip[60:130, cell * 96 + 30 : cell * 96 + 66].reshape(-1, 3).mean(axis=0)
            assert int(np.argmax(middle)) == int(np.argmax(colour))


def test_two_runs_give_the_same_bytes(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings, tmp_path: Path
) -> None:
    index(sqlite_gallery, recording, settings)
    other = GallerySettings(data_dir=tmp_path / "other")
    slow = settings.model_copy(update={"queue_frames": 1, "queue_tracks": 1})
    with Gallery.open(other, create=True) as second:
        second.catalogue.get_or_add_camera("gate")
        index_video(second, TinyEmbedder(seconds=0.02), ColourDetector(seconds=0.01), recording, slow)
        assert contents(second) == contents(sqlite_gallery)


def test_the_same_file_is_indexed_once_for_a_model(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings, tmp_path: Path
) -> None:
    first = index(sqlite_gallery, recording, settings)
    renamed = tmp_path / "other-name.mp4"
    renamed.write_bytes(recording.path.read_bytes())
    again = index(sqlite_gallery, replace(recording, path=renamed, file_name=renamed.name), settings)
    assert again.already
    assert again.video.id == first.video.id
    assert again.video.file_name == recording.file_name
    assert len(sqlite_gallery.catalogue.videos()) == 1
    second_model = index(sqlite_gallery, recording, settings, TinyEmbedder(model="1"))
    assert not second_model.already
    assert second_model.video.id == first.video.id


def test_a_recording_of_nobody_is_in_the_gallery_too(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings, tmp_path: Path
) -> None:
    empty = make_video(tmp_path / "empty.mp4", [], frames=20)
    report = index(sqlite_gallery, replace(recording, path=empty), settings)
    assert report.video.tracklet_count == 0
    assert report.video.duration_us == 2_000_000
    assert sqlite_gallery.catalogue.is_indexed(report.video.content_hash, "0" * 64) is not None


def test_what_is_dropped_is_counted(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings, tmp_path: Path
) -> None:
    walkers = [
        Walker(RED, 0, 40, (10, 20)),
        Walker(GREEN, 5, 8, (200, 20)),
        Walker(BLUE, 0, 40, (10, 200), size=(8, 20)),
    ]
    video = make_video(tmp_path / "drops.mp4", walkers, frames=40)
    report = index(sqlite_gallery, replace(recording, path=video), settings)
    assert report.video.tracklet_count == 1
    assert report.counters["tracks"] == 3
    assert report.video.report.reasons["too_short"] == 1
    assert report.video.report.reasons["too_small"] == 1
    assert report.counters["too_short"] == 1


def test_a_track_without_end_goes_on_as_new_tracklets(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings
) -> None:
    report = index(sqlite_gallery, recording, settings.model_copy(update={"max_track_seconds": 2.0}))
    tracklets = [
        sqlite_gallery.catalogue.tracklet(f"{report.video.id}-{n}")
        for n in range(report.video.tracklet_count)
    ]
    assert len(tracklets) == 3 + 3 + 2
    assert [t.start_us for t in tracklets] == sorted(t.start_us for t in tracklets)
    assert all(t.end_us - t.start_us <= 2_000_000 for t in tracklets)


class Watcher:
    def __init__(self, cancel_at: str | None = None) -> None:
        self.seen: list[tuple[str, float, dict[str, int]]] = []
        self.cancel_at = cancel_at

    def update(self, stage: str, fraction: float, counters: Mapping[str, int]) -> None:
        self.seen.append((stage, fraction, dict(counters)))
        if stage == self.cancel_at:
            raise Cancelled


@pytest.mark.parametrize("stage", ["hash", "index", "commit"])
def test_cancelling_leaves_nothing(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings, stage: str
) -> None:
    before = contents(sqlite_gallery)
    with pytest.raises(Cancelled):
        index_video(
            sqlite_gallery, TinyEmbedder(), ColourDetector(), recording, settings, progress=Watcher(stage)
        )
    assert contents(sqlite_gallery) == before
    assert list(sqlite_gallery.data_dir.glob("staging/*")) == []


def test_progress_runs_from_nothing_to_all(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings
) -> None:
    watcher = Watcher()
    report = index_video(
        sqlite_gallery, TinyEmbedder(), ColourDetector(seconds=0.05), recording, settings, progress=watcher
    )
    stages = [stage for stage, _, _ in watcher.seen]
    assert list(dict.fromkeys(stages)) == ["hash", "index", "commit"]
    fractions = [fraction for _, fraction, _ in watcher.seen]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 0.99)  # 1 when the caller says so
    assert watcher.seen[-1][2]["tracklets"] == report.video.tracklet_count
    assert set(report.stage_seconds) == {"decode", "detect", "track", "embed", "store"}


def test_the_hook_is_part_of_the_commit(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings
) -> None:
    class RefusedError(Exception):
        pass

    def refuse(report: VideoReport) -> Completion:
        raise RefusedError(report.warnings)

    before = contents(sqlite_gallery)
    with pytest.raises(RefusedError):
        index_video(sqlite_gallery, TinyEmbedder(), ColourDetector(), recording, settings, complete=refuse)
    assert contents(sqlite_gallery) == before


def test_a_file_that_is_still_being_written_is_refused(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings, tmp_path: Path
) -> None:
    growing = tmp_path / "growing.mp4"
    growing.write_bytes(recording.path.read_bytes())

    class Growing(ColourDetector):
        def _detect(self, frame):  # type: ignore[no-untyped-def]
            with growing.open("ab") as file:
                file.write(b"more")
            return super()._detect(frame)

    with pytest.raises(UnreadableRecording, match="changed while"):
        index_video(sqlite_gallery, TinyEmbedder(), Growing(), replace(recording, path=growing), settings)
    assert sqlite_gallery.catalogue.videos() == []


def test_a_missing_file_is_unreadable(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings, tmp_path: Path
) -> None:
    with pytest.raises(UnreadableRecording):
        index(sqlite_gallery, replace(recording, path=tmp_path / "none.mp4"), settings)


def test_holes_are_no_part_of_what_was_searched(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings, tmp_path: Path
) -> None:
    """Two seconds of pictures, ten minutes without, two seconds again."""
    pictures = [draw(CROWD, number) for number in range(40)]
    times = [100 * number + (600_000 if number >= 20 else 0) for number in range(40)]
    path = encode(tmp_path / "motion.mkv", pictures=pictures, times_ms=times, size=(WIDTH, HEIGHT), rate=10)
    report = index(sqlite_gallery, replace(recording, path=path), settings)
    assert report.video.duration_us > 600_000_000
    coverage = sqlite_gallery.catalogue.coverage(Filters(), TinyEmbedder().id)
    assert coverage.cameras[0].seconds_indexed == pytest.approx(4, abs=0.2)
    assert "1 hole" in report.summary()


def test_a_camera_s_uptime_does_not_move_people(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings, tmp_path: Path
) -> None:
    """The first stamp is 0, the others count from when the camera was switched on."""
    pictures = [draw(CROWD, number) for number in range(40)]
    times = [0, *(180_678_000 + 100 * number for number in range(39))]
    path = encode(tmp_path / "uptime.mkv", pictures=pictures, times_ms=times, size=(WIDTH, HEIGHT), rate=10)
    report = index(sqlite_gallery, replace(recording, path=path), settings)
    assert report.video.duration_us == pytest.approx(4_000_000, abs=100_000)
    assert "time stamps jump ahead" in report.summary()
    assert "shorter than its header" not in report.summary()  # which goes by the stamps
    for tracklet in sqlite_gallery.catalogue.tracklets_of(report.video.id):
        assert tracklet.end_us < 4_000_000


@pytest.mark.parametrize(("fps", "slow"), [(1, True), (2, True), (4, False)])
def test_slow_recordings_are_indexed_by_seconds_and_warned_of(
    sqlite_gallery: Gallery,
    recording: Recording,
    settings: IndexSettings,
    tmp_path: Path,
    fps: int,
    slow: bool,
) -> None:
    """People are in sight for four seconds, however many frames that makes."""
    walkers = [Walker(RED, fps, 5 * fps, (10, 20), (8 / fps, 0)), Walker(BLUE, 0, 1, (10, 140))]
    path = make_video(tmp_path / "slow.mp4", walkers, frames=8 * fps, fps=fps)
    report = index(sqlite_gallery, replace(recording, path=path), settings)
    assert report.video.tracklet_count == 1
    assert any("apart" in warning for warning in report.warnings) == slow
