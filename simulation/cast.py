"""The people of a scene: most of them like nobody else, some dressed to be mistaken for another."""

from dataclasses import dataclass, replace

import numpy as np

from simulation.avatars import People
from simulation.closet import Wardrobe
from simulation.identity import Identity, draw_identity
from simulation.portrait import draw_portrait
from simulation.presets import TrackletPreset
from simulation.seasons import EVERYDAY, WINTER, Season

SHARES = {"look-alike": 0.08, "other print": 0.06, "uniform": 0.03}
GROUP = (4, 7)  # people in the same winter clothes


@dataclass
class Group:
    """People in the same winter clothes: the seed of what they wear, who they are, how many are to come."""

    seed: int
    female: bool
    photographed: bool
    left: int


def draw_cast(
    preset: TrackletPreset, scene: int, wardrobe: Wardrobe, people: People | None = None
) -> list[Identity]:
    """The people of a scene; some are look-alikes of the one before them or come in groups dressed alike.

    With `people` a share of them, said by the preset, are photographed figures. Raises BadPeople.
    """
    rng, bodies, groups = (np.random.default_rng([preset.seed, stream, scene]) for stream in (7, 12, 13))
    first = scene * preset.people
    cast: list[Identity] = []
    group: Group | None = None
    everyday, winter = (replace(season, lively=preset.lively) for season in (EVERYDAY, WINTER))
    for offset in range(min(preset.people, preset.identities - first)):
        seed = preset.seed * 1_000_000 + first + offset
        kind = str(rng.choice(["own", *SHARES], p=[1 - sum(SHARES.values()), *SHARES.values()]))
        photographed = bool(people) and bodies.random() < preset.photographed
        if group is None or group.left == 0:
            group = draw_group(groups, preset.alike, seed, photographed)
        figures = people if photographed else None
        if group is not None:
            group.left -= 1
            figures = people if group.photographed else None
            cast.append(draw_in_group(seed, group, wardrobe, figures, winter))
        elif kind == "own" or not cast:
            cast.append(draw_like(seed, None, wardrobe, figures, everyday))
        else:
            other = cast[0 if kind == "uniform" else -1]
            figures = people if other.photograph is not None else None
            prints = kind != "other print"
            cast.append(draw_like(seed, other, wardrobe, figures, everyday, prints=prints))
    return cast


def draw_group(rng: np.random.Generator, share: float, seed: int, photographed: bool) -> Group | None:
    """Let a group begin here, so often that groups are `share` of all people; or none."""
    mean = (GROUP[0] + GROUP[1]) / 2
    if share <= 0 or rng.random() >= share / (mean * (1 - share) + share):
        return None
    female, size = bool(rng.random() < 0.5), int(rng.integers(GROUP[0], GROUP[1] + 1))
    return Group(seed, female, photographed, size)


def draw_in_group(
    seed: int, group: Group, wardrobe: Wardrobe, figures: People | None, season: Season
) -> Identity:
    """One of a group."""
    outfit, female = group.seed, group.female
    if figures is not None:
        return draw_portrait(seed, figures, outfit=outfit, female=female, season=season, apart=True)
    return draw_identity(seed, wardrobe, outfit=outfit, female=female, season=season, apart=True)


def draw_like(
    seed: int,
    other: Identity | None,
    wardrobe: Wardrobe,
    figures: People | None,
    season: Season,
    *,
    prints: bool = True,
) -> Identity:
    """Somebody, or somebody in the clothes of another, with the same `prints` or not."""
    outfit = None if other is None else other.seed
    same = outfit if prints else None
    female = None if other is None else other.shape.female
    if figures is not None:
        return draw_portrait(seed, figures, outfit=outfit, prints=same, female=female, season=season)
    return draw_identity(seed, wardrobe, outfit=outfit, prints=same, female=female, season=season)
