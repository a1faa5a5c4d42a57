"""People: who they are, what they wear and carry, and how that is said in words.

An identity is drawn from a seed alone. Its attributes are what the pictures show; captions are made from
them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulation.body import Array, Body, Shape, load_body
from simulation.captions import Attributes, describe
from simulation.gait import GaitStyle, draw_style
from simulation.materials import draw_print
from simulation.outfitter import Outfitter, Wardrobe
from simulation.pieces import Piece, Slot


@dataclass(frozen=True)
class Identity:
    """A person ready to be drawn and to walk."""

    seed: int
    shape: Shape
    style: GaitStyle
    attributes: Attributes
    pieces: Sequence[Piece]
    materials: Array  # (9, 10, 4)
    prints: NDArray[np.uint8]  # (2, 64, 64, 4)


def draw_identity(
    seed: int,
    wardrobe: Wardrobe | None = None,
    *,
    outfit: int | None = None,
    prints: int | None = None,
    female: bool | None = None,
) -> Identity:
    """The person of a seed.

    `outfit` dresses it like the person of another seed, `prints` gives it that person's prints (look-alikes,
    uniforms); `female` fixes the gender.
    """
    body = load_body()
    who = np.random.default_rng([seed, 1])
    shape = body.shape(draw_body(who, body, female))
    clothes = np.random.default_rng([seed if outfit is None else outfit, 4])
    outfitter = Outfitter(clothes, body, shape, wardrobe or Wardrobe())
    if shape.female and outfitter.chance(0.12):
        outfitter.dress()
    else:
        outfitter.bottom()
        outfitter.top()
    if outfitter.chance(0.3):
        outfitter.outer()
    outfitter.shoes()
    outfitter.rng = who
    outfitter.head()
    outfitter.bag()
    style = draw_style(who, shape)
    printed = np.random.default_rng([seed if prints is None else prints, 5])
    return assemble(seed, shape, style, outfitter, np.stack([draw_print(printed), draw_print(printed)]))


def draw_body(rng: np.random.Generator, body: Body, female: bool | None) -> int:
    """Number of a body, of one gender if asked for."""
    if female is None:
        return int(rng.integers(body.population))
    return int(rng.choice(np.flatnonzero(body.female == female)))


def assemble(
    seed: int, shape: Shape, style: GaitStyle, outfitter: Outfitter, prints: NDArray[np.uint8]
) -> Identity:
    """Put skin under the clothes and collect the materials."""
    materials = np.zeros((9, 10, 4), np.float32)
    for slot, material in outfitter.materials.items():
        materials[slot] = material.rows()
    pieces = [outfitter.tailor.skin(outfitter.pieces), *outfitter.pieces]
    return Identity(seed, shape, style, describe(shape, style, outfitter.said), pieces, materials, prints)


def disguised(identity: Identity) -> Identity:
    """The same person with its bag put down and its jacket opened or closed."""
    materials = identity.materials.copy()
    for slot in (Slot.TOP, Slot.OUTER):
        materials[slot, 6, 0] = 0.0  # straps
    if identity.attributes.outer is not None:
        materials[Slot.OUTER, 4, 2] = 0.0 if materials[Slot.OUTER, 4, 2] > 0 else 0.06
        materials[Slot.OUTER, 8, :3] = materials[Slot.TOP, 0, :3]
    pieces = [piece for piece in identity.pieces if piece.slot != Slot.BAG]
    return replace(
        identity,
        materials=materials,
        pieces=pieces,
        attributes=replace(identity.attributes, bag=None, bag_colour=None),
    )
