"""The chain after a camera's sensor: processing, a detector, and the encoding of crops."""

from dataclasses import dataclass, field

import numpy as np

from simulation.detector import Detector, draw_detector
from simulation.electronics import Electronics, draw_electronics

LEAST_HEIGHT = 48.0  # pixels of a box on the frame
LEAST_SHARP_HEIGHT = 72.0  # the same where some cameras blur what they see


@dataclass(frozen=True)
class Recorder:
    """The chain after one camera's sensor."""

    jpeg_quality: int
    electronics: Electronics = field(default_factory=Electronics)
    detector: Detector = field(default_factory=Detector)
    least_height: float = LEAST_HEIGHT
    restless: float = 0.0  # how the light of its pictures changes in the course of a day: deviation in stops


def plain_recorder(rng: np.random.Generator) -> Recorder:
    """One that changes nothing but the JPEG quality."""
    return Recorder(int(rng.integers(45, 93)))


def draw_recorder(rng: np.random.Generator) -> Recorder:
    """One of those of a city, none like another."""
    quality, electronics, detector = int(rng.integers(60, 96)), draw_electronics(rng), draw_detector(rng)
    return Recorder(quality, electronics, detector, LEAST_SHARP_HEIGHT, float(rng.uniform(0.05, 0.25)))
