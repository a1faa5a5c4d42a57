"""People: who they are, what they wear and carry, and how that is said in words.

An identity is drawn from a seed alone. Its attributes are what the pictures show; captions are made from
them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulation.body import CHILD, Array, Body, Shape, load_body
from simulation.captions import Attributes, describe
from simulation.carrying import draw_walk, give_bag
from simulation.closet import Wardrobe
from simulation.gait import GaitStyle
from simulation.heads import dress_head
from simulation.outfitter import Outfitter
from simulation.pieces import Piece, Slot
from simulation.prints import draw_print
from simulation.seasons import EVERYDAY, Season
from simulation.winter import tell_apart

OPEN = (4, 2)  # where a material says how far a front is open


@dataclass(frozen=True)
class Identity:
    """A person ready to be drawn and to walk."""

    seed: int
    shape: Shape
    style: GaitStyle
    attributes: Attributes
    pieces: Sequence[Piece]
    materials: Array  # (slots, 10, 4)
    prints: NDArray[np.uint8]  # (2, 64, 64, 4)
    photograph: NDArray[np.uint8] | None = None  # (H, W, 5) texture of pieces that have `uv`; see dye.py


def draw_identity(
    seed: int,
    wardrobe: Wardrobe | None = None,
    *,
    outfit: int | None = None,
    prints: int | None = None,
    female: bool | None = None,
    season: Season = EVERYDAY,
    apart: bool = False,
) -> Identity:
    """The person of a seed.

    `outfit` dresses it like the person of another seed, `prints` gives it that person's prints (look-alikes,
    uniforms); `female` fixes the gender. With `apart` little tells it from those who wear the same `outfit`.
    """
    body = load_body()
    who = np.random.default_rng([seed, 1])
    shape = body.shape(draw_body(who, body, female, grown=apart))
    clothes = np.random.default_rng([seed if outfit is None else outfit, 4])
    outfitter = Outfitter(clothes, body, shape, wardrobe or Wardrobe(), season)
    outfitter.clothe()
    if apart:
        outfitter.rng = np.random.default_rng([seed, 15])
        tell_apart(outfitter)
    outfitter.shoes()
    outfitter.rng = who
    dress_head(outfitter)
    give_bag(outfitter)
    style = draw_walk(outfitter, who)
    printed = np.random.default_rng([seed if prints is None else prints, 5])
    return assemble(seed, shape, style, outfitter, np.stack([draw_print(printed), draw_print(printed)]))


def draw_body(rng: np.random.Generator, body: Body, female: bool | None, *, grown: bool = False) -> int:
    """Number of a body, of one gender if asked for, and no child's if `grown`."""
    if female is None and not grown:
        return int(rng.integers(body.population))
    fitting = np.full(body.population, True) if female is None else body.female == female
    return int(rng.choice(np.flatnonzero(fitting & ((body.age >= CHILD) | (not grown)))))


def assemble(
    seed: int, shape: Shape, style: GaitStyle, outfitter: Outfitter, prints: NDArray[np.uint8]
) -> Identity:
    """Put skin under the clothes and collect the materials."""
    materials = np.zeros((len(Slot), 10, 4), np.float32)
    for slot, material in outfitter.materials.items():
        materials[slot] = material.rows()
    pieces = [outfitter.tailor.skin(outfitter.pieces), *outfitter.pieces]
    attributes = describe(shape, style, outfitter.said)
    attributes = replace(attributes, hidden=hidden(pieces, materials))
    return Identity(seed, shape, style, attributes, pieces, materials, prints)


def hidden(pieces: Sequence[Piece], materials: Array) -> tuple[str, ...]:
    """What is worn under something else: the top under a closed jacket, a short skirt under a long coat."""
    level = {slot: min((p.lowest for p in pieces if p.slot == slot), default=None) for slot in Slot}
    out = []
    outer, bottom = level[Slot.OUTER], level[Slot.BOTTOM]
    if outer is not None and materials[Slot.OUTER, *OPEN] == 0:
        out.append("top")
    over = [low for low in (outer, level[Slot.TOP]) if low is not None]
    if bottom is not None and over and min(over) < bottom:
        out.append("bottom")
    return tuple(out)


def disguised(identity: Identity) -> Identity:
    """The same person with its bag put down and its jacket opened or closed."""
    materials = identity.materials.copy()
    for slot in (Slot.TOP, Slot.OUTER):
        materials[slot, 6, 0] = 0.0  # straps
    if identity.attributes.outer is not None:
        materials[Slot.OUTER, *OPEN] = 0.0 if materials[Slot.OUTER, *OPEN] > 0 else 0.06
        materials[Slot.OUTER, 8, :3] = materials[Slot.TOP, 0, :3]
    pieces = [piece for piece in identity.pieces if piece.slot != Slot.BAG]
    return replace(
        identity,
        materials=materials,
        pieces=pieces,
        attributes=replace(identity.attributes, bag=None, bag_colour=None, hidden=hidden(pieces, materials)),
    )
