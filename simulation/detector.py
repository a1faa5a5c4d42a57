"""Boxes as detectors draw them: never quite the person's."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Box = NDArray[np.float64]  # left, top, right, bottom


@dataclass
class Aim:
    """Errors of the boxes of one tracklet; errors are shares of its width and height."""

    error: NDArray[np.float64]  # (4,) left, top, right, bottom
    cut: NDArray[np.float64] = field(default_factory=lambda: np.zeros(4))  # left out on each side
    margin: float = 0.0  # more on each side
    aspect: float = 0.0  # least width over height

    def wander(self, rng: np.random.Generator) -> None:
        """The error in the next frame: a little of its own, most of it from the frame before."""
        self.error = 0.85 * self.error + rng.normal(0, 0.012, 4)

    def box(self, left: float, top: float, right: float, bottom: float) -> Box:
        """The box of a person whose own is given."""
        width, height = right - left, bottom - top
        wide, high = width * (1 - self.cut[0] - self.cut[2]), height * (1 - self.cut[1] - self.cut[3])
        x0, y0 = left + self.cut[0] * width, top + self.cut[1] * height
        own = np.array([x0, y0, right - self.cut[2] * width, y0 + high])
        if self.margin or self.aspect:
            more = max(self.margin * high, (self.aspect * high - wide) / 2)
            own += np.array([-more, -self.margin * high, more, self.margin * high])
            wide, high = own[2] - own[0], own[3] - own[1]
        return np.asarray(own + self.error * (wide, high, wide, high), np.float64)


@dataclass(frozen=True)
class Detector:
    """A detector: how much air it leaves and which shape it likes its boxes to have."""

    margin: float = 0.0
    aspect: float = 0.0
    loose: bool = False  # cuts and shifts as detectors do rather than as annotators do

    def aim(self, rng: np.random.Generator) -> Aim:
        """How it does with the next tracklet."""
        if not self.loose:
            error = rng.normal(0, 0.02, 4)
            return Aim(error, np.array([0, 0, 0, rng.uniform(0.1, 0.35) if rng.random() < 0.06 else 0.0]))
        error, shift = rng.normal(0, 0.03, 4), rng.normal(0, 0.035, 2)
        cut = np.zeros(4)
        if rng.random() < 0.2:  # a part that it did not take for the person
            side, most = ((3, 0.35), (1, 0.12), (0, 0.25), (2, 0.25))[rng.choice(4, p=[0.5, 0.2, 0.15, 0.15])]
            cut[side] = rng.uniform(0.04, most)
        return Aim(error + np.tile(shift, 2), cut, self.margin, self.aspect)


def draw_detector(rng: np.random.Generator) -> Detector:
    """The detector behind one camera."""
    aspect = rng.choice([0.0, rng.uniform(0.3, 0.38), rng.uniform(0.38, 0.52)], p=[0.2, 0.4, 0.4])
    return Detector(margin=float(rng.uniform(-0.01, 0.06)), aspect=float(aspect), loose=True)
