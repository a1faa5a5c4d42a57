"""Where in the picture tracklets of one video are, and whether two of them can be one person."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

OUT_OF_SIGHT_US: Final = 1_000_000  # over so long a pause nobody knows where the person was
ONE_BOX: Final = 0.5  # share of the smaller box that lies in the other where both may be of one person


@dataclass(frozen=True, slots=True)
class Track:
    """The boxes of a tracklet: times (N,) in µs since the first frame of its video, ascending; boxes (N, 4).

    Boxes are x, y, width and height in pixels.
    """

    times: NDArray[np.int64]
    boxes: Floats

    def at(self, moments: NDArray[np.int64]) -> tuple[NDArray[np.bool_], Floats]:
        """Whether the person was in view at each of M moments, (M,), and in which boxes, (M, 4).

        Between two detections the box moves evenly, as when clips are drawn.
        """
        after = np.clip(np.searchsorted(self.times, moments), 0, len(self.times) - 1)
        before = np.maximum(after - (self.times[after] > moments), 0)
        inside = (moments >= self.times[0]) & (moments <= self.times[-1])
        seen = inside & (self.times[after] - self.times[before] <= OUT_OF_SIGHT_US)
        boxes = [np.interp(moments, self.times, column) for column in self.boxes.T]
        return seen, np.stack(boxes, axis=1)


def apart(one: Track, other: Track) -> bool:
    """Tell whether two tracklets of a video were ever in one picture at two places: then they are two people.

    A detector finds some people twice at one place, whole and in part: such boxes lie in each other. Sampled
    at other frames, or at another rate, the two share no frame; each is compared at the frames of the other.
    """
    moments = np.union1d(one.times, other.times)
    seen, boxes = one.at(moments)
    seen_too, others = other.at(moments)
    both = seen & seen_too
    return bool(np.any(_shared(boxes[both], others[both]) < ONE_BOX))


def _shared(boxes: Floats, others: Floats) -> Floats:
    """How much of the smaller of two boxes lies in the other, 0 to 1: (M, 4) each to (M,)."""
    starts = np.maximum(boxes[:, :2], others[:, :2])
    ends = np.minimum(boxes[:, :2] + boxes[:, 2:], others[:, :2] + others[:, 2:])
    common: Floats = np.clip(ends - starts, 0, None).prod(axis=1)
    smaller: Floats = np.minimum(boxes[:, 2:].prod(axis=1), others[:, 2:].prod(axis=1))
    return common / smaller  # no box that is stored is empty
