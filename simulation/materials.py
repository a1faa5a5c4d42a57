"""Fabrics, in the layout the shader reads.

A material is ten rows of four floats; the row names in `Material` say what they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from simulation.body import Array
from simulation.colours import UPPER_WEIGHTS, draw_colour

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
