"""Heads: hair, beard, hat, mask, and the colour of skin."""

import numpy as np

from simulation.accessories import cap_brim
from simulation.body import Array, Shape
from simulation.colours import HAIR_COLOURS, UPPER_WEIGHTS, linear
from simulation.materials import Material, draw_fabric
from simulation.outfitter import Outfitter
from simulation.pieces import Slot

UNDER_HAT = 0.68  # level up to which hair shows below a hat
HAIR_STYLES = {  # by the beginning of a wardrobe file's name
    "long": "long",
    "bob": "chin-length",
    "ponytail": "tied",
    "braid": "tied",
    "short": "short",
    "afro": "curly",
}


def dress_head(outfitter: Outfitter) -> None:
    """Hair, beard, hat, mask."""
    rng, shape = outfitter.rng, outfitter.shape
    names = list(HAIR_COLOURS)
    share = np.array([6, 5, 4, 2, 2, 1, 1, 1]) if shape.age < 0.8 else np.array([1, 1, 1, 0.5, 0.5, 0, 6, 4])
    name = names[int(rng.choice(len(names), p=share / share.sum()))]
    hair = linear(HAIR_COLOURS[name])
    skin = skin_colour(rng, shape)
    bald = not shape.female and not shape.child and outfitter.chance(0.12)
    mask = outfitter.chance(0.06)
    outfitter.materials[Slot.SKIN] = Material(
        skin,
        hair,
        hair,
        grain=0.05,
        wrinkle=0.0,
        beard=not shape.female and not shape.child and outfitter.chance(0.25),
        mask=mask,
        cropped_hair=not bald,
    )
    outfitter.materials[Slot.HAIR] = Material(
        hair, hair, hair, seed=float(rng.uniform(0, 90)), wrinkle=0.0, gloss=0.05
    )
    hat = str(rng.choice(["none", "beanie", "cap"], p=[0.88, 0.05, 0.07]))
    style = add_hair(outfitter, bald=bald, hat=hat != "none")
    if hat != "none":
        put_on_hat(outfitter, hat)
    outfitter.said |= {
        "hair": "bald" if bald else f"{style} {name}",
        "mask": mask,
        "hat": None if hat == "none" else hat,
    }


def put_on_hat(outfitter: Outfitter, kind: str) -> None:
    """A beanie or a cap."""
    outfitter.materials[Slot.HAT], _, _ = draw_fabric(outfitter.rng, UPPER_WEIGHTS, lower=False, plain=True)
    beanie = kind == "beanie"
    outfitter.pieces.append(
        outfitter.tailor.scalp(
            Slot.HAT,
            thickness=0.022 if beanie else 0.016,
            front=0.735,
            back=0.665 if beanie else 0.70,
        )
    )
    if not beanie:
        outfitter.pieces.append(cap_brim(outfitter.body, outfitter.shape))


def add_hair(outfitter: Outfitter, *, bald: bool, hat: bool) -> str:
    """Add hair; returns short, chin-length, long or tied."""
    rng = outfitter.rng
    if bald:
        return "no"
    long = outfitter.shape.female and outfitter.chance(0.7)
    if outfitter.wardrobe.hair and not hat and outfitter.chance(0.85):
        wanted = ("long", "bob", "ponytail", "braid") if long else ("short", "afro")
        fitting = [key for key in outfitter.wardrobe.hair if key.startswith(wanted)]
        if fitting:
            key = fitting[int(rng.integers(len(fitting)))]
            outfitter.pieces.append(outfitter.tailor.bound(Slot.HAIR, outfitter.wardrobe.hair[key]))
            return next(said for start, said in HAIR_STYLES.items() if key.startswith(start))
    if long:
        level = float(rng.choice([0.6, 0.45, 0.3]))
        crown = UNDER_HAT if hat else 1.0
        outfitter.pieces.append(outfitter.tailor.long_hair(length=level, crown=crown, thickness=0.006))
        outfitter.pieces.append(outfitter.tailor.scalp(Slot.HAIR, thickness=0.008, front=0.755, back=0.58))
        return "chin-length" if level > 0.5 else "long"
    if not hat:
        outfitter.pieces.append(
            outfitter.tailor.scalp(
                Slot.HAIR,
                thickness=float(rng.uniform(0.006, 0.022)),
                front=0.752,
                back=float(rng.uniform(0.61, 0.66)),
            )
        )
    return "short"


def skin_colour(rng: np.random.Generator, shape: Shape) -> Array:
    """Linear skin colour from ancestry."""
    anchors = np.array([[92, 62, 44], [214, 174, 140], [224, 182, 160]], float)
    srgb = (np.array(shape.ancestry)[:, None] * anchors).sum(0) * rng.uniform(0.86, 1.08) + rng.normal(
        0, 5, 3
    )
    return linear(tuple(np.clip(srgb, 25, 245)))
