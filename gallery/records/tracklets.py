"""Tracklets and their clips as they are stored and recorded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

# One detection of a tracklet: microseconds since the video's first frame, index of the decoded frame, box in
# pixels of the upright (rotated as displayed) picture, detector score.
BOX_DTYPE = np.dtype(
    [
        ("time_us", "<i8"),
        ("frame", "<i4"),
        ("x", "<f4"),
        ("y", "<f4"),
        ("w", "<f4"),
        ("h", "<f4"),
        ("score", "<f4"),
    ]
)


@dataclass(frozen=True, slots=True)
class NewClip:
    """A clip to store: times in µs inside the video, `feature` (D,) float32, L2-normalised."""

    start_us: int
    end_us: int
    frame_count: int
    feature: FloatArray


@dataclass(frozen=True, slots=True)
class NewTracklet:
    """A tracklet to store.

    `boxes` is a BOX_DTYPE array (at least one row, times ascending); `feature` (D,) float32, L2-normalised,
    the frame-weighted mean of its clips' raw features; `thumbnail` a JPEG strip.
    """

    boxes: NDArray[np.void]
    feature: FloatArray
    clips: Sequence[NewClip]
    quality: Mapping[str, float]
    thumbnail: bytes


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """A clip as recorded, times in µs inside its video."""

    number: int
    start_us: int
    end_us: int
    frame_count: int


@dataclass(frozen=True, slots=True)
class TrackletInfo:
    """A tracklet as recorded. `boxes` is None unless asked for.

    `change` is the change of the gallery that made it: before it, its id may have been somebody else's.
    """

    id: str
    video_id: str
    camera_id: int
    number: int
    start_us: int
    end_us: int
    start_time: datetime
    end_time: datetime
    frame_count: int
    quality: Mapping[str, float]
    change: int
    clips: Sequence[ClipInfo] = ()
    boxes: NDArray[np.void] | None = None
