"""People in the same dark winter clothes, told apart by trousers, collar, neck, shoes, hair and bag."""

import numpy as np

from simulation.colours import UPPER_WEIGHTS, draw_colour, nearest_colour
from simulation.materials import Material
from simulation.neckwear import fur_collar, hood, scarf
from simulation.outfitter import Outfitter
from simulation.pieces import Slot

SHADES = (0.45, 2.2)  # factors of the light that trousers reflect
PLAIN = 0.45  # share with nothing round the neck
KINDS = {"scarf": scarf, "fur collar": fur_collar, "hood": hood}


def tell_apart(outfitter: Outfitter) -> None:
    """Draw what distinguishes one of a group from the others, except shoes, head and bag."""
    rng = outfitter.rng
    trousers = outfitter.materials[Slot.BOTTOM]
    factor = float(np.exp(rng.uniform(*np.log(SHADES))))
    trousers.a = np.clip(trousers.a * factor, 0.002, 0.5).astype(np.float32)
    outfitter.said["bottom_colour"] = nearest_colour(trousers.a.astype(np.float64) ** (1 / 2.2) * 255)
    over = outfitter.materials[Slot.OUTER if Slot.OUTER in outfitter.materials else Slot.TOP]
    over.collar = outfitter.chance(0.4)
    over.c = draw_colour(rng, UPPER_WEIGHTS)[1]
    if outfitter.chance(PLAIN):
        return
    kind = list(KINDS)[int(rng.integers(len(KINDS)))]
    colour, a = draw_colour(rng, UPPER_WEIGHTS)
    if kind == "hood":
        a = over.a
    outfitter.materials[Slot.EXTRA] = Material(
        a, a, a, grain=0.35 if kind == "fur collar" else 0.12, wrinkle=1.2, seed=float(rng.uniform(0, 90))
    )
    worn = [piece for piece in outfitter.pieces if piece.slot in (Slot.TOP, Slot.OUTER)]
    outfitter.pieces += KINDS[kind](rng, outfitter.body, outfitter.shape, worn)
    outfitter.said["extras"] = (kind if kind == "hood" else f"{colour} {kind}",)
