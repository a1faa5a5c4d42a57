"""Input of the renderer (a place, a camera, its people), and its output."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.body import Array

SUPERSAMPLE = 2  # samples of a pixel in each direction
SURFACES = 64  # of a place at most
MOST_WALKERS = 24  # that darken the ground under their feet


@dataclass(frozen=True)
class Light:
    """Light of a place; colours (3,) are linear and relative, `direction` (3,) points to the sun."""

    direction: Array
    sun: Array
    sky: Array
    bounce: Array
    haze_colour: Array
    haze: float
    dapple: float
    dapple_scale: float
    side: tuple[float, float, float] = (
        0.0,
        0.0,
        0.0,
    )  # where more of the sky's light comes from, times how much
    tubes: float = 0.0  # metres from one row of fluorescent tubes to the next; 0: none


@dataclass(frozen=True)
class Ground:
    """Appearance of the ground: kind of paving, its colours (3,) and scale in metres."""

    paving: int
    a: Array
    b: Array
    scale: float
    seed: float
    indoor: bool


@dataclass(frozen=True)
class Sensor:
    """A camera's response to light."""

    crosstalk: Array  # (3, 3), white balance included, exposure not
    exposure: float
    blur: float
    sharpen: float
    vignette: float
    noise_level: float
    gamma: float
    saturation: float
    contrast: float
    lift: float
    curve: float = 0.0  # strength of the tone curve: shadows down, lights up


@dataclass(frozen=True)
class Stance:
    """One person in one picture: bone transforms (J, 3, 4), where it stands, its heading, its lift.

    `bounds` (left, top, right, bottom in pixels of the frame) surely hold it; nothing outside is shaded.
    """

    transforms: NDArray[np.floating]
    x: float
    y: float
    heading: float  # radians, the direction of travel, 0 = +x
    lift: float
    bounds: tuple[int, int, int, int]


@dataclass(frozen=True)
class Picture:
    """8-bit RGB (H, W, 3); who is seen at each supersampled pixel (2H, 2W), 1-based as drawn, 0 = nobody.

    `truth` has person, part, u, v of each of these pixels (2H, 2W, 4) if asked for.
    """

    pixels: NDArray[np.uint8]
    people: NDArray[np.uint8]
    truth: NDArray[np.uint8] | None
