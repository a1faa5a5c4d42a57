"""The people of a scene: most of them like nobody else, some dressed to be mistaken for another."""

import numpy as np

from simulation.avatars import People
from simulation.closet import Wardrobe
from simulation.identity import Identity, draw_identity
from simulation.portrait import draw_portrait
from simulation.presets import TrackletPreset

SHARES = {"look-alike": 0.08, "other print": 0.06, "uniform": 0.03}


def draw_cast(
    preset: TrackletPreset, scene: int, wardrobe: Wardrobe, people: People | None = None
) -> list[Identity]:
    """The people of a scene; some are look-alikes of the one before them.

    With `people` a share of them, said by the preset, are photographed figures. Raises BadPeople.
    """
    rng = np.random.default_rng([preset.seed, 7, scene])
    bodies = np.random.default_rng([preset.seed, 12, scene])
    first = scene * preset.people
    cast: list[Identity] = []
    for offset in range(min(preset.people, preset.identities - first)):
        seed = preset.seed * 1_000_000 + first + offset
        kind = str(rng.choice(["own", *SHARES], p=[1 - sum(SHARES.values()), *SHARES.values()]))
        other = None if kind == "own" or not cast else cast[0 if kind == "uniform" else -1]
        photographed = bool(people) and bodies.random() < preset.photographed
        if other is not None:
            photographed = other.photograph is not None
        outfit = None if other is None else other.seed
        prints = None if kind == "other print" else outfit
        female = None if other is None else other.shape.female
        if photographed and people is not None:
            cast.append(draw_portrait(seed, people, outfit=outfit, prints=prints, female=female))
        else:
            cast.append(draw_identity(seed, wardrobe, outfit=outfit, prints=prints, female=female))
    return cast
