"""The people of a scene: most of them like nobody else, some dressed to be mistaken for another."""

import numpy as np

from simulation.identity import Identity, draw_identity
from simulation.outfitter import Wardrobe
from simulation.presets import TrackletPreset

SHARES = {"look-alike": 0.08, "other print": 0.06, "uniform": 0.03}


def draw_cast(preset: TrackletPreset, scene: int, wardrobe: Wardrobe) -> list[Identity]:
    """The people of a scene; some are look-alikes of the one before them."""
    rng = np.random.default_rng([preset.seed, 7, scene])
    first = scene * preset.people
    cast: list[Identity] = []
    for offset in range(min(preset.people, preset.identities - first)):
        seed = preset.seed * 1_000_000 + first + offset
        kind = str(rng.choice(["own", *SHARES], p=[1 - sum(SHARES.values()), *SHARES.values()]))
        if kind == "own" or not cast:
            cast.append(draw_identity(seed, wardrobe))
            continue
        other = cast[-1] if kind != "uniform" else cast[0]
        prints = None if kind == "other print" else other.seed
        cast.append(
            draw_identity(seed, wardrobe, outfit=other.seed, prints=prints, female=other.shape.female)
        )
    return cast
