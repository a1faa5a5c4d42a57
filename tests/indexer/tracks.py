"""Boxes of made-up tracks, at ten frames a second."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gallery import BOX_DTYPE
from models.detector import Detections

STEP_US = 100_000


def boxes(
    left: Sequence[float] | NDArray[np.float64],
    *,
    top: float | Sequence[float] | NDArray[np.float64] = 100.0,
    height: float | Sequence[float] | NDArray[np.float64] = 100.0,
    score: float | Sequence[float] | NDArray[np.float64] = 0.8,
    step_us: int = STEP_US,
) -> NDArray[np.void]:
    """A BOX_DTYPE array; single numbers hold for all boxes."""
    track = np.zeros(len(left), dtype=BOX_DTYPE)
    track["frame"] = np.arange(len(left))
    track["time_us"] = track["frame"].astype(np.int64) * step_us
    track["x"], track["y"], track["h"], track["score"] = left, top, height, score
    track["w"] = track["h"] * 0.4
    return track


def detections(*found: tuple[float, float, float, float, float]) -> Detections:
    """Boxes x1, y1, x2, y2 and score."""
    rows = np.array(found, dtype=np.float32).reshape(-1, 5)
    return Detections(rows[:, :4], rows[:, 4])
