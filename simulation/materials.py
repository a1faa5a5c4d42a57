"""Colours and fabrics, in the layout the shader reads.

A material is ten rows of four floats; the row names in `Material` say what they are. Colours are drawn from
named families weighted by how often people wear them, then varied, so captions can name what pictures show.
"""

import colorsys
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

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
# Name -> number in the shader, share on tops, on bottoms; the scale is in metres.
PATTERNS = {
    "plain": (0, 0.5, 0.56),
    "striped": (1, 0.08, 0),
    "pinstriped": (2, 0.02, 0.02),
    "checked": (3, 0.06, 0.015),
    "camouflage": (4, 0.012, 0.015),
    "two-tone": (5, 0.05, 0),
    "dotted": (6, 0.02, 0.005),
    "banded": (7, 0.04, 0),
    "floral": (8, 0.035, 0.01),
    "heather": (9, 0.12, 0.1),
    "faded": (10, 0.015, 0),
    "quilted": (11, 0.02, 0),
    "denim": (12, 0, 0.3),
}
SCALES = {
    "striped": (0.02, 0.09),
    "pinstriped": (0.012, 0.04),
    "checked": (0.03, 0.10),
    "camouflage": (0.03, 0.12),
    "dotted": (0.03, 0.07),
    "floral": (0.03, 0.09),
    "quilted": (0.05, 0.09),
}
PRINT_SIZE = 64


@dataclass
class Material:
    """One slot's appearance; colours are linear RGB."""

    a: Array
    b: Array
    c: Array
    pattern: int = 0
    scale: float = 0.05
    duty: float = 0.4
    seed: float = 0.0
    grain: float = 0.06
    wrinkle: float = 0.4
    gloss: float = 0.0
    level: float = 0.3
    contrast_sleeves: bool = False
    open_width: float = 0.0
    zip: bool = False
    printed: bool = False
    print_size: float = 0.18
    print_level: float = 0.28
    print_back: bool = False
    strap: float = 0.0  # 1 backpack, +-2 over one shoulder
    belt: bool = False
    collar: bool = False
    side_stripe: bool = False
    strap_colour: Array = field(default_factory=lambda: np.zeros(3, np.float32))
    wear: float = 0.0
    beard: bool = False
    mask: bool = False
    cropped_hair: bool = False
    under: Array | None = None  # what an open front shows
    mask_colour: Array = field(default_factory=lambda: np.array([0.5, 0.62, 0.7], np.float32))

    def rows(self) -> Array:
        """The (10, 4) table the shader reads."""
        head = [self.beard, self.mask, self.cropped_hair] if self.under is None else list(self.under)
        return np.array(
            [
                [*self.a, self.pattern],
                [*self.b, self.scale],
                [*self.c, self.duty],
                [self.seed, self.grain, self.wrinkle, self.gloss],
                [self.level, self.contrast_sleeves, self.open_width, self.zip],
                [self.printed, self.print_size, self.print_level, self.print_back],
                [self.strap, self.belt, self.collar, self.side_stripe],
                [*self.strap_colour, self.wear],
                [*head, 0],
                [*self.mask_colour, 0],
            ],
            np.float32,
        )


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


def draw_fabric(
    rng: np.random.Generator, weights: Mapping[str, float], *, lower: bool, plain: bool = False
) -> tuple[Material, str, str]:
    """A fabric with the name of its main colour and of its pattern."""
    name, a = draw_colour(rng, weights)
    b, c = draw_colour(rng, UPPER_WEIGHTS)[1], draw_colour(rng, UPPER_WEIGHTS)[1]
    for _ in range(8):
        if np.abs(a**0.45 - b**0.45).sum() > 0.35:
            break
        b = draw_colour(rng, UPPER_WEIGHTS)[1]
    names = list(PATTERNS)
    share = np.array([PATTERNS[p][2 if lower else 1] for p in names])
    pattern = "plain" if plain else names[int(rng.choice(len(names), p=share / share.sum()))]
    if pattern == "denim" and "denim" not in name and name not in ("black", "grey", "white"):
        pattern = "plain"
    material = Material(
        a,
        b,
        c,
        pattern=PATTERNS[pattern][0],
        scale=float(rng.uniform(*SCALES.get(pattern, (0.05, 0.05)))),
        duty=float(rng.uniform(0.25, 0.6)),
        seed=float(rng.uniform(0, 90)),
        grain=float(rng.uniform(0.03, 0.14)),
        wrinkle=float(rng.uniform(0.5, 1.2)),
        gloss=float(rng.choice([0, 0, 0, 0.035])),
        level=float(rng.uniform(0.14, 0.40)),
        wear=float(rng.uniform(0, 1)),
    )
    return material, name, pattern


def draw_print(rng: np.random.Generator) -> Array:
    """A picture as on a T-shirt: RGBA (64, 64, 4) uint8, colours linear."""
    image = Image.new("RGBA", (PRINT_SIZE * 2, PRINT_SIZE * 2))
    pen = ImageDraw.Draw(image)
    ink = [tuple(int(v) for v in rng.integers(10, 250, 3)) for _ in range(4)]
    kind = rng.choice(["discs", "blocks", "letters", "star", "picture"])
    if kind == "discs":
        for k in range(rng.integers(1, 4)):
            x, y, r = (int(rng.integers(*span)) for span in ((36, 92), (36, 92), (14, 44)))
            pen.ellipse([x - r, y - r, x + r, y + r], fill=(*ink[k], 255))
    elif kind == "blocks":
        for k in range(rng.integers(2, 5)):
            x, y = (int(v) for v in rng.integers(4, 70, 2))
            w, h = (int(v) for v in rng.integers(16, 56, 2))
            pen.rectangle([x, y, x + w, y + h], fill=(*ink[k % 4], 255))
    elif kind == "letters":
        for row in range(rng.integers(1, 4)):
            text = "".join(chr(int(v)) for v in rng.integers(65, 91, rng.integers(2, 6)))
            pen.text((6, 8 + 38 * row), text, fill=(*ink[0], 255), font_size=float(rng.uniform(26, 42)))
    elif kind == "star":
        points, inner = int(rng.integers(3, 9)), rng.uniform(0.3, 0.7)
        angles = np.linspace(0, 2 * np.pi, 2 * points, endpoint=False)
        corners = [
            (64 + 58 * np.cos(t) * (inner if k % 2 else 1), 64 + 58 * np.sin(t) * (inner if k % 2 else 1))
            for k, t in enumerate(angles)
        ]
        pen.polygon(corners, fill=(*ink[0], 255))
    else:
        small = Image.fromarray(rng.integers(10, 250, (*rng.integers(2, 7, 2), 3)).astype(np.uint8))
        image.paste(small.resize((104, 104), Image.Resampling.BICUBIC), (12, 12))
    pixels = np.asarray(image.resize((PRINT_SIZE, PRINT_SIZE), Image.Resampling.BOX), np.float32) / 255
    pixels = np.concatenate([pixels[..., :3] ** 2.2, pixels[..., 3:]], -1)
    return np.asarray(np.round(pixels * 255), np.uint8)
