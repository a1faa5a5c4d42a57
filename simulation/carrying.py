"""What people carry and hold, and how they walk with it."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from simulation import bags
from simulation.accessories import backpack, hand_bag, shoulder_bag
from simulation.colours import BAG_WEIGHTS, draw_colour
from simulation.gait import GaitStyle, draw_style, lively_style
from simulation.materials import Material, draw_fabric
from simulation.outfitter import Outfitter
from simulation.pieces import Piece, Slot

HOLDING = 0.8  # share of hands held up that hold something
UMBRELLAS = 0.04  # share of people with a free hand who carry one, rolled up
PAPER_WEIGHTS = {"white": 6, "light grey": 2, "cream": 1, "yellow": 0.5}


def give_bag(outfitter: Outfitter) -> None:
    """A backpack, a shoulder bag, a hand bag or nothing."""
    rng = outfitter.rng
    kind = str(rng.choice(["none", "backpack", "shoulder bag", "hand bag"], p=[0.56, 0.2, 0.12, 0.12]))
    if kind == "none" or outfitter.shape.child:
        return
    material, colour, _ = draw_fabric(rng, BAG_WEIGHTS, lower=False, plain=True)
    material.belt, material.wrinkle, material.gloss = outfitter.chance(0.3), 0.15, 0.04
    outfitter.materials[Slot.BAG] = material
    side = 1.0 if outfitter.chance(0.5) else -1.0
    strap = {"backpack": 1.0, "shoulder bag": 2.0 * -side, "hand bag": 0.0}[kind]
    for slot in (Slot.TOP, Slot.OUTER):
        if slot in outfitter.materials:
            outfitter.materials[slot].strap, outfitter.materials[slot].strap_colour = strap, material.a
    worn = [piece for piece in outfitter.pieces if piece.slot in (Slot.TOP, Slot.OUTER, Slot.SKIN)]
    if outfitter.season.lively:
        outfitter.pieces += lively_bag(outfitter, kind, worn, side)
    else:
        maker = {"backpack": backpack, "shoulder bag": shoulder_bag, "hand bag": hand_bag}[kind]
        outfitter.pieces.append(maker(rng, outfitter.body, outfitter.shape, worn, side))
    if kind == "hand bag":
        outfitter.busy_arm = "left" if side > 0 else "right"
    outfitter.said |= {"bag": kind, "bag_colour": colour}


def lively_bag(outfitter: Outfitter, kind: str, worn: list[Piece], side: float) -> list[Piece]:
    """A bag with what bags have; shoulder bags may hang from one shoulder instead of across the chest."""
    outfitter.materials[Slot.BAG].belt = False
    given = (outfitter.rng, outfitter.body, outfitter.shape, worn, side)
    if kind == "backpack":
        return bags.backpack(*given)
    if kind == "hand bag":
        return bags.hand_bag(*given)
    if outfitter.chance(0.4):
        return [shoulder_bag(*given)]
    for slot in (Slot.TOP, Slot.OUTER):
        if slot in outfitter.materials:
            outfitter.materials[slot].strap = 0.0
    return bags.tote(*given)


def take_in_hand(outfitter: Outfitter, style: GaitStyle) -> None:
    """Let a hand that is held up hold something, or now and then one that hangs down an umbrella."""
    given = (outfitter.rng, outfitter.body, outfitter.shape)
    arms = {"L": style.left_arm, "R": style.right_arm}
    busy = {"left": "L", "right": "R"}.get(outfitter.busy_arm or "")
    for side in (side for side, manner in arms.items() if manner == "hold" and side != busy):
        if outfitter.chance(HOLDING):
            pieces, kind = bags.held(*given, side)
            hold(outfitter, pieces, kind, PAPER_WEIGHTS if kind == "papers" else BAG_WEIGHTS)
            return
    free = [side for side, manner in arms.items() if manner in ("swing", "still") and side != busy]
    if free and outfitter.chance(UMBRELLAS):
        hold(outfitter, bags.closed_umbrella(*given, free[0]), "umbrella", BAG_WEIGHTS)


def hold(outfitter: Outfitter, pieces: list[Piece], kind: str, weights: Mapping[str, float]) -> None:
    """Put something into a hand, in a colour of its own."""
    colour, a = draw_colour(outfitter.rng, weights)
    outfitter.materials[Slot.HELD] = Material(a, a, a, wrinkle=0.0)
    outfitter.pieces += pieces
    outfitter.said["held"] = f"{colour} {kind}"


def draw_walk(outfitter: Outfitter, rng: np.random.Generator) -> GaitStyle:
    """How the dressed person walks; an arm that carries a bag hangs down."""
    style = (
        lively_style(rng, outfitter.shape) if outfitter.season.lively else draw_style(rng, outfitter.shape)
    )
    if outfitter.busy_arm is not None:
        left = outfitter.busy_arm == "left"
        style = replace(style, left_arm="swing") if left else replace(style, right_arm="swing")
    if outfitter.season.lively:
        take_in_hand(outfitter, style)
    return style
