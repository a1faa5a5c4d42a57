"""The moments at which crops are taken, and the crops."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from indexer.clips import Sample
from indexer.types import Frame, Image
from models.preprocessing import Preprocessing, resample
from models.quality import sharpness

BORDER = 2.0  # pixels from the edge of the frame within which a person may be cut off
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class CutFrame:
    """A frame that was looked at elsewhere: crops of those who are on it stand for its image.

    `crops` by the boxes of all detections, as `sample` cuts them; empty where the frame is not sampled.
    """

    index: int
    time_us: int
    crops: Mapping[Box, Sample | None]

    @property
    def nbytes(self) -> int:
        """Bytes of the crops."""
        return sum(cut.crop.nbytes for cut in self.crops.values() if cut is not None)


class Slots:
    """Says which frames are sampled: the first in each slot of 1 / `fps` seconds.

    A frame is sampled for everybody at once, so crops of people who walk together are of the same moments.
    """

    def __init__(self, fps: float) -> None:
        self._slot_us = 1e6 / fps
        self._next = 0

    def take(self, time_us: int) -> bool:
        """Return whether the next frame is sampled; to be asked once for each frame, in order of time."""
        slot = int(time_us / self._slot_us + 1e-6)
        if slot < self._next:
            return False
        self._next = slot + 1
        return True


def sample(frame: Frame | CutFrame, box: Box, row: int, preprocessing: Preprocessing) -> Sample | None:
    """Cut a person out of a frame; None for a box outside the frame, as labelled ones may be.

    Args:
        frame: the sampled frame.
        box: x1, y1, x2, y2 in its pixels.
        row: the position of the box in its tracklet.
        preprocessing: the network's input size.
    """
    if isinstance(frame, CutFrame):
        cut = frame.crops[box]
        return None if cut is None else replace(cut, box=row)
    height, width = frame.image.shape[:2]
    left, top = max(0, math.floor(box[0])), max(0, math.floor(box[1]))
    right, bottom = min(width, math.ceil(box[2])), min(height, math.ceil(box[3]))
    if right - left < 2 or bottom - top < 2:
        return None
    crop = frame.image[top:bottom, left:right]
    return Sample(
        time_us=frame.time_us,
        box=row,
        crop=kept_crop(crop, preprocessing),
        aspect=(right - left) / (bottom - top),
        sharpness=sharpness(crop),
        at_border=box[0] < BORDER or box[1] < BORDER or box[2] > width - BORDER or box[3] > height - BORDER,
    )


def whole(crop: Image, time_us: int, row: int, preprocessing: Preprocessing) -> Sample:
    """A crop that somebody else has cut, taken as it is."""
    height, width = crop.shape[:2]
    return Sample(time_us, row, kept_crop(crop, preprocessing), width / height, sharpness(crop), False)


def kept_crop(crop: Image, preprocessing: Preprocessing) -> Image:
    """A copy of the crop or, when that is less, exactly what the network would make of it."""
    height, width = preprocessing.height, preprocessing.width
    if crop.shape[0] * crop.shape[1] <= height * width:
        return crop.copy()  # a view would keep the whole frame
    resized = resample(crop, height, width, mode="bicubic")
    return np.ascontiguousarray(resized.permute(1, 2, 0).numpy())
