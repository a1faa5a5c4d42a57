"""Files that are not what they seem: each ends with a clear reason, and what can be read of it is indexed."""

import random
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from gallery import Gallery, GallerySettings, NewRecording, RecordingInfo
from indexer.settings import IndexSettings
from indexer.worker import Worker
from tests.indexer.conftest import START
from tests.indexer.fakes import ColourDetector, TinyEmbedder
from tests.indexer.videos import make_video


def indexed(gallery: Gallery, path: Path) -> RecordingInfo:
    """Let a worker do it."""
    camera = gallery.catalogue.get_or_add_camera("gate")
    job = gallery.jobs.file([NewRecording(camera.id, str(path), path.name, False, START)])
    worker = Worker(
        gallery, TinyEmbedder, IndexSettings(), "w", detector_factory=lambda size: ColourDetector()
    )
    worker.run(threading.Event(), once=True)
    (recording,) = gallery.jobs.get(job.id).recordings
    assert list(gallery.data_dir.glob("staging/*")) == []
    return recording


def assert_nothing_was_written(gallery: Gallery) -> None:
    assert gallery.catalogue.videos() == []
    assert list(gallery.data_dir.glob("segments/*")) == []
    assert list(gallery.data_dir.glob("thumbnails/*")) == []


def make_sound(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), dtype=np.float32), "fltp", "mono")
        frame.rate = 8000
        frame.time_base = Fraction(1, 8000)
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def make_header_only(path: Path) -> Path:
    """A container with a video stream and no frame in it: zero seconds."""
    with av.open(str(path), "w", format="avi") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        container.start_encoding()
    return path


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("empty", "empty"),
        ("text", "a text, not a recording"),
        ("sound", "sound only"),
        ("zero", "no frame"),
        ("cut", "not a video file"),
        ("noise", "not a video file"),
        ("folder", "directory"),
    ],
)
def test_what_cannot_be_read_says_why(
    sqlite_gallery: Gallery, tmp_path: Path, kind: str, reason: str
) -> None:
    path = tmp_path / f"{kind}.mp4"
    if kind == "empty":
        path.touch()
    elif kind == "text":
        path.write_text("Dear diary, today I pretended to be a film.\n" * 200)
    elif kind == "sound":
        make_sound(path)
    elif kind == "zero":
        make_header_only(path)
    elif kind == "cut":
        # An MP4 keeps its table of contents at the end.
        content = make_video(tmp_path / "whole.mp4").read_bytes()
        path.write_bytes(content[: len(content) // 3])
    elif kind == "noise":
        path.write_bytes(random.Random(1).randbytes(100_000))
    else:
        path.mkdir()
    recording = indexed(sqlite_gallery, path)
    assert recording.state == "failed"
    assert recording.reason is not None
    assert reason in recording.reason
    assert path.name in recording.reason
    assert_nothing_was_written(sqlite_gallery)


def test_a_truncated_recording_is_indexed_as_far_as_it_goes(sqlite_gallery: Gallery, tmp_path: Path) -> None:
    whole = make_video(tmp_path / "whole.mkv")
    content = whole.read_bytes()
    path = tmp_path / "truncated.mkv"
    path.write_bytes(content[: len(content) // 2])
    recording = indexed(sqlite_gallery, path)
    assert recording.state == "succeeded"
    assert recording.video_id is not None
    video = sqlite_gallery.catalogue.video(recording.video_id)
    assert 20 < video.frames_decoded < 60
    assert video.tracklet_count == 3
    assert abs(video.duration_us - video.frames_decoded * 100_000) < 200_000


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_damage_in_the_middle_costs_only_what_it_hits(
    sqlite_gallery: Gallery, tmp_path: Path, suffix: str
) -> None:
    path = make_video(tmp_path / f"damaged.{suffix}")
    content = bytearray(path.read_bytes())
    middle, length = len(content) // 2, len(content) // 12
    content[middle : middle + length] = random.Random(2).randbytes(length)
    path.write_bytes(content)
    recording = indexed(sqlite_gallery, path)
    assert recording.state == "succeeded"
    assert recording.reason is not None
    assert recording.counters["frames_bad"] > 0
    assert recording.video_id is not None
    video = sqlite_gallery.catalogue.video(recording.video_id)
    assert video.frames_decoded > 40
    assert video.frames_bad == recording.counters["frames_bad"]
    assert video.report.warnings
    assert video.tracklet_count >= 3
    last = sqlite_gallery.catalogue.tracklets_of(video.id)[-1]
    assert last.end_us <= video.duration_us


def test_one_picture_is_no_recording(sqlite_gallery: Gallery, tmp_path: Path) -> None:
    recording = indexed(sqlite_gallery, make_video(tmp_path / "one.mp4", frames=1))
    assert recording.state == "failed"
    assert recording.reason is not None
    assert "only one frame" in recording.reason
    assert_nothing_was_written(sqlite_gallery)


def test_a_worker_outlives_them_all(sqlite_settings: GallerySettings, tmp_path: Path) -> None:
    """Many small corruptions of one file: each recording ends, and the worker with none of them."""
    good = make_video(tmp_path / "good.mp4", frames=20)
    rng = random.Random(3)
    with Gallery.open(sqlite_settings) as gallery:
        camera = gallery.catalogue.get_or_add_camera("gate")
        filed = []
        for number in range(12):
            content = bytearray(good.read_bytes())
            for _ in range(2 ** (number // 2)):
                content[rng.randrange(len(content))] = rng.randrange(256)
            path = tmp_path / f"{number}.mp4"
            path.write_bytes(content)
            filed.append(NewRecording(camera.id, str(path), path.name, False, START))
        job = gallery.jobs.file(filed)
        worker = Worker(
            gallery, TinyEmbedder, IndexSettings(), "w", detector_factory=lambda size: ColourDetector()
        )
        worker.run(threading.Event(), once=True)
        done = gallery.jobs.get(job.id)
        assert all(r.state in {"succeeded", "failed", "skipped"} for r in done.recordings)
        assert all(r.reason for r in done.recordings if r.state != "succeeded")
        assert not gallery.verify().problems
