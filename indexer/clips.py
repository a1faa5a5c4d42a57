"""A tracklet's boxes and sampled crops, and the clips that the video network embeds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Crop = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Sample:
    """One person at one sampled moment.

    `crop` is (h, w, 3) uint8 RGB, at most of the network's input size; `box` is the moment's position in
    the tracklet's boxes; `aspect` the true width / height; `sharpness` and `at_border` say how much it
    shows.
    """

    time_us: int
    box: int
    crop: Crop
    aspect: float
    sharpness: float
    at_border: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """One person followed without a break, before anything is embedded.

    `boxes` (N,) BOX_DTYPE of every frame on which the person was found, times ascending; `samples` the
    sampled moments among them; `pace_us` the time between two frames that were looked at.
    """

    boxes: NDArray[np.void]
    samples: Sequence[Sample]
    pace_us: float


@dataclass(frozen=True, slots=True)
class Clip:
    """At most 32 consecutive samples; times of its first and last one."""

    start_us: int
    end_us: int
    crops: Sequence[Crop]


def cut(samples: Sequence[Sample], clip_frames: int) -> list[Clip]:
    """Cut into clips of `clip_frames`, the last one shorter, as the TKP authors' test code does.

    Every sample is in exactly one clip, so the frame-weighted mean of the clips is the mean of all samples.
    """
    return [
        Clip(piece[0].time_us, piece[-1].time_us, [sample.crop for sample in piece])
        for piece in (samples[at : at + clip_frames] for at in range(0, len(samples), clip_frames))
    ]
