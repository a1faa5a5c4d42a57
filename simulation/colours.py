"""Colours that people wear: named families weighted by how often, then varied; captions can name them."""

import colorsys
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from simulation.body import Array

# Family: sRGB 0..255.
COLOURS: Mapping[str, tuple[int, int, int]] = {
    "black": (24, 24, 27),
    "dark grey": (54, 56, 60),
    "grey": (120, 122, 126),
    "light grey": (182, 184, 186),
    "white": (232, 232, 228),
    "navy": (28, 36, 68),
    "blue": (44, 84, 160),
    "light blue": (124, 172, 214),
    "denim blue": (62, 84, 122),
    "dark denim": (36, 48, 78),
    "light denim": (128, 150, 182),
    "red": (178, 36, 40),
    "dark red": (96, 28, 40),
    "pink": (226, 150, 170),
    "orange": (220, 110, 40),
    "yellow": (226, 196, 60),
    "green": (46, 112, 66),
    "olive": (92, 92, 54),
    "khaki": (168, 148, 108),
    "beige": (206, 190, 160),
    "brown": (96, 66, 46),
    "tan": (160, 120, 80),
    "purple": (98, 62, 128),
    "teal": (30, 110, 116),
    "mint": (150, 210, 190),
    "cream": (238, 226, 196),
}
UPPER_WEIGHTS = {
    "black": 20,
    "dark grey": 8,
    "grey": 8,
    "light grey": 6,
    "white": 15,
    "navy": 10,
    "blue": 5,
    "light blue": 4,
    "denim blue": 3,
    "red": 4,
    "dark red": 3,
    "pink": 3,
    "orange": 1,
    "yellow": 1.5,
    "green": 2.5,
    "olive": 3,
    "khaki": 2,
    "beige": 4,
    "brown": 2.5,
    "purple": 1.5,
    "teal": 1.5,
    "mint": 1,
    "cream": 3,
}
LOWER_WEIGHTS = {
    "black": 28,
    "dark grey": 9,
    "grey": 5,
    "navy": 9,
    "denim blue": 12,
    "dark denim": 15,
    "light denim": 6,
    "khaki": 4,
    "beige": 4,
    "olive": 2,
    "brown": 2,
    "white": 1.5,
    "light grey": 2,
    "dark red": 0.5,
    "red": 0.3,
    "green": 0.4,
    "pink": 0.4,
    "tan": 1.5,
}
OUTER_WEIGHTS = {
    "black": 30,
    "dark grey": 12,
    "grey": 7,
    "light grey": 2,
    "white": 3,
    "navy": 14,
    "blue": 4,
    "denim blue": 4,
    "red": 3,
    "dark red": 2.5,
    "pink": 1,
    "orange": 1,
    "yellow": 1,
    "green": 2,
    "olive": 6,
    "khaki": 3,
    "beige": 5,
    "brown": 5,
    "purple": 1,
    "teal": 1,
}
BAG_WEIGHTS = {
    "black": 36,
    "dark grey": 10,
    "grey": 8,
    "navy": 9,
    "blue": 4,
    "red": 4,
    "dark red": 2,
    "brown": 9,
    "tan": 5,
    "beige": 4,
    "olive": 3,
    "white": 4,
    "pink": 2,
    "green": 2,
    "purple": 1,
    "teal": 1,
}
SHOE_WEIGHTS = {
    "black": 16,
    "white": 12,
    "grey": 4,
    "brown": 6,
    "navy": 3,
    "red": 2,
    "tan": 3,
    "blue": 2,
    "dark grey": 4,
    "pink": 1,
}
HAIR_COLOURS: Mapping[str, tuple[int, int, int]] = {
    "black": (20, 17, 16),
    "dark brown": (40, 29, 23),
    "brown": (74, 51, 35),
    "light brown": (122, 88, 54),
    "blond": (192, 162, 108),
    "red": (132, 54, 30),
    "grey": (132, 130, 128),
    "white": (204, 202, 199),
}


def linear(srgb: tuple[float, float, float] | NDArray[np.floating]) -> Array:
    """sRGB 0..255 to linear 0..1 (gamma 2.2)."""
    return np.asarray((np.array(srgb) / 255.0) ** 2.2, np.float32)


def draw_colour(rng: np.random.Generator, weights: Mapping[str, float]) -> tuple[str, Array]:
    """A colour family and a variation of it."""
    names = list(weights)
    share = np.array([weights[name] for name in names], float)
    name = names[int(rng.choice(len(names), p=share / share.sum()))]
    return name, vary(rng, name)


def vary(rng: np.random.Generator, name: str) -> Array:
    """A variation of a colour family."""
    hue, saturation, value = colorsys.rgb_to_hsv(*(channel / 255 for channel in COLOURS[name]))
    hue = (hue + rng.normal(0, 0.012)) % 1.0
    saturation = float(np.clip(saturation * rng.uniform(0.82, 1.18) + rng.normal(0, 0.015), 0, 1))
    value = float(np.clip(value * rng.uniform(0.86, 1.14), 0.04, 0.95))
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return linear((red * 255, green * 255, blue * 255))


def nearest_colour(srgb: NDArray[np.floating], colours: Mapping[str, tuple[int, int, int]] = COLOURS) -> str:
    """The family that a colour (3,), sRGB 0..255, is nearest to."""
    return min(colours, key=lambda name: float(((np.array(colours[name]) - srgb) ** 2).sum()))
