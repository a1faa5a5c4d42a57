"""Makes what a gallery is fed with: random but repeatable cameras, videos and tracklets."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from gallery.gallery import Gallery
from gallery.records.cameras import CameraInfo
from gallery.records.tracklets import BOX_DTYPE, NewClip, NewTracklet
from gallery.records.videos import ModelInfo, NewVideo, VideoInfo, VideoReport

START = datetime(2024, 5, 1, 12, tzinfo=UTC)
MODEL = ModelInfo(id="a" * 64, name="test", dimension=16, card={"name": "test"})
JPEG = b"\xff\xd8\xff\xe0 not really a picture"


def unit(vector: NDArray[np.float64]) -> NDArray[np.float32]:
    """Scale to length one."""
    scaled: NDArray[np.float32] = (vector / np.linalg.norm(vector, axis=-1, keepdims=True)).astype(np.float32)
    return scaled


def content_hash(name: object) -> str:
    """The SHA-256 of a name, in the place of a file's."""
    return hashlib.sha256(str(name).encode()).hexdigest()


def make_boxes(start_us: int, count: int, step_us: int = 100_000) -> NDArray[np.void]:
    """A person walking to the right."""
    boxes = np.zeros(count, BOX_DTYPE)
    boxes["time_us"] = start_us + step_us * np.arange(count)
    boxes["frame"] = boxes["time_us"] // 40_000
    boxes["x"] = np.arange(count)
    boxes["w"], boxes["h"], boxes["score"] = 20, 50, 0.75
    return boxes


def make_tracklet(
    random: np.random.Generator,
    *,
    start_us: int = 0,
    count: int = 5,
    clips: int = 2,
    dimension: int = MODEL.dimension,
    feature: NDArray[np.float32] | None = None,
) -> NewTracklet:
    """A tracklet with random embeddings, or the given one."""
    end_us = start_us + 100_000 * (count - 1)
    features = unit(random.standard_normal((clips, dimension)))
    return NewTracklet(
        boxes=make_boxes(start_us, count),
        feature=unit(random.standard_normal(dimension)) if feature is None else feature,
        clips=[NewClip(start_us, end_us, count, vector) for vector in features],
        quality={"height": 50.0, "sharpness": float(random.random())},
        thumbnail=JPEG + random.bytes(20),
    )


def make_tracklets(seed: int, count: int, dimension: int = MODEL.dimension) -> list[NewTracklet]:
    """Repeatable tracklets, ten seconds apart."""
    random = np.random.default_rng(seed)
    return [
        make_tracklet(
            random,
            start_us=10_000_000 * number,
            count=int(random.integers(1, 12)),
            clips=int(random.integers(1, 4)),
            dimension=dimension,
        )
        for number in range(count)
    ]


def make_video(
    hash_: str,
    camera_id: int,
    *,
    start: datetime = START,
    seconds: float = 60,
    path: str = "/x.mp4",
    owned: bool = False,
    intervals: Sequence[tuple[int, int]] | None = None,
) -> NewVideo:
    """A recording of one minute."""
    return NewVideo(
        content_hash=hash_,
        camera_id=camera_id,
        file_name="x.mp4",
        path=path,
        owned=owned,
        size_bytes=1000,
        start_time=start,
        duration_us=int(seconds * 1e6),
        width=640,
        height=480,
        frames_decoded=1500,
        frames_bad=0,
        report=VideoReport(detector="test", detections=12, reasons={"short": 1}),
        intervals=intervals,
    )


def store(
    gallery: Gallery,
    name: object,
    tracklets: Sequence[NewTracklet],
    *,
    camera: CameraInfo | None = None,
    model: ModelInfo = MODEL,
    start: datetime = START,
    seconds: float | None = None,
    path: str = "/x.mp4",
    owned: bool = False,
    intervals: Sequence[tuple[int, int]] | None = None,
    replace: bool = False,
) -> VideoInfo:
    """Index a made-up recording; its id follows from `name`."""
    camera = camera or gallery.catalogue.get_or_add_camera("gate")
    hash_ = content_hash(name)
    longest = max((int(t.boxes["time_us"][-1]) for t in tracklets), default=0) / 1e6
    with gallery.writer(hash_, model) as writer:
        for tracklet in tracklets:
            writer.add(tracklet)
        seconds = max(60.0, longest) if seconds is None else seconds
        video = make_video(
            hash_, camera.id, start=start, seconds=seconds, path=path, owned=owned, intervals=intervals
        )
        return writer.commit(video, replace=replace)
