"""Surroundings of cameras that disagree: streets, squares, campuses, corridors, halls, shops, car parks.

They differ in everything a background is made of: how near walls are and of what, what the ground is paved
with, what stands about, how light falls. Colours are wider than those of `simulation.place`: white walls,
near black floors, signs in strong colours.
"""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from simulation.body import Array
from simulation.builder import Builder, colour
from simulation.furniture import build_bicycle, build_car, build_furniture, build_tree
from simulation.place import Place, draw_light, finished
from simulation.scene import Ground, Light

PLAIN, BRICK, WINDOWS, PANELS, SHELVES, STRIPES, LEAVES, TILES, POSTERS = range(9)
RAILING, MESH, CONCRETE, BOARDS, GLASS, CLUTTER = range(9, 15)
SLABS, CHECKER, ASPHALT, GRASS, POLISHED, BOND, RIBBED, GRAVEL, ZEBRA, PLANKS, WORN = range(11)
SHADES = (1.0, 0.86, 0.66), (1.0, 0.97, 0.9), (0.9, 1.0, 0.92), (0.88, 0.96, 1.08)  # of tubes, linear RGB
# pattern -> range of its scale in metres
SCALE = {
    PLAIN: (1.0, 1.0),
    BRICK: (0.2, 0.6),
    WINDOWS: (1.0, 3.5),
    PANELS: (0.6, 2.5),
    SHELVES: (0.2, 0.6),
    STRIPES: (0.1, 1.5),
    LEAVES: (0.1, 0.4),
    TILES: (0.1, 0.5),
    POSTERS: (0.5, 1.8),
    CONCRETE: (1.0, 3.0),
    BOARDS: (0.1, 0.3),
    GLASS: (0.9, 2.4),
    CLUTTER: (0.3, 1.4),
}


@dataclass(frozen=True)
class Setting:
    """A kind of surroundings; patterns and pavings with equal chances."""

    indoor: bool
    distance: tuple[float, float]  # metres from the middle of the strip to the walls
    walls: tuple[int, ...]
    pavings: tuple[int, ...]
    furniture: float  # share of the usual number of things
    screens: float  # chance of each side of a railing, a hedge or a low wall along the strip


STREET_WALLS = (BRICK, WINDOWS, PANELS, STRIPES, POSTERS, GLASS, CLUTTER, CONCRETE)
CAMPUS_WALLS = (PLAIN, CONCRETE, TILES, PANELS, LEAVES, GLASS, BRICK)
CORRIDOR_WALLS = (PLAIN, PLAIN, TILES, PANELS, POSTERS, BOARDS, GLASS)
HALL_WALLS = (GLASS, PANELS, TILES, CONCRETE, POSTERS, PLAIN)
ROAD = (ASPHALT, WORN, GRAVEL)
PAVED = (SLABS, BOND, RIBBED, WORN, GRAVEL)
FLOOR = (POLISHED, POLISHED, WORN, SLABS, CHECKER, GRAVEL)
SETTINGS = {
    "street": Setting(False, (4.0, 8.0), STREET_WALLS, (*PAVED, *ROAD, ZEBRA), 1.0, 0.25),
    "square": Setting(False, (9.0, 22.0), (WINDOWS, CONCRETE, GLASS, LEAVES), (*PAVED, CHECKER), 1.0, 0.2),
    "campus": Setting(False, (3.5, 7.0), CAMPUS_WALLS, PAVED, 0.4, 0.6),
    "park": Setting(False, (7.0, 16.0), (LEAVES, LEAVES, BRICK, BOARDS), (GRASS, GRAVEL, ASPHALT), 0.9, 0.3),
    "car park": Setting(False, (8.0, 18.0), (CONCRETE, BRICK, LEAVES, WINDOWS), ROAD, 1.0, 0.3),
    "corridor": Setting(True, (2.6, 4.0), CORRIDOR_WALLS, (*FLOOR, PLANKS), 0.3, 0.0),
    "hall": Setting(True, (5.0, 12.0), HALL_WALLS, FLOOR, 0.6, 0.3),
    "shop": Setting(True, (3.0, 6.0), (SHELVES, CLUTTER, POSTERS, GLASS), (*FLOOR, PLANKS), 0.8, 0.1),
}
OUTDOORS = tuple(name for name, setting in SETTINGS.items() if not setting.indoor)
INDOORS = tuple(name for name, setting in SETTINGS.items() if setting.indoor)


def draw_surroundings(rng: np.random.Generator, *, indoor: bool) -> Place:
    """A place of any of the settings, under a roof or under the sky."""
    setting = SETTINGS[str(rng.choice(INDOORS if indoor else OUTDOORS))]
    night = bool(not indoor and rng.random() < 0.12)
    distance = float(rng.uniform(*setting.distance))
    walk_width = float(min(rng.uniform(3.2, 5.5), 2 * distance - 1.6))
    build = Builder(rng)
    line_with_walls(build, setting, distance)
    for side in (-1, 1):
        if rng.random() < setting.screens:
            build_screen(build, side * (walk_width / 2 + rng.uniform(0.1, 0.7)))
    if rng.random() < setting.furniture:
        build_furniture(build, distance - 0.6, min(walk_width, 2 * distance - 2.4), indoor)
    for _ in range(rng.integers(3)):
        build_row(build, distance, walk_width, indoor=indoor)
    scatter(build, distance, walk_width)
    light = draw_varied_light(rng, indoor=indoor, night=night)
    return finished(build, light, draw_ground(rng, setting), walk_width, night=night)


def strong(rng: np.random.Generator) -> Array:
    """A colour such as signs and doors have."""
    hue = rng.random() * 6
    pure = np.clip(np.abs((hue + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
    shown = np.clip(rng.uniform(0.15, 0.6) * (0.06 + pure), 0.01, 0.9)
    return np.asarray(shown, np.float32)


def paint(rng: np.random.Generator) -> Array:
    """A colour of walls: mostly light, dark or earthen, sometimes strong."""
    kind = rng.random()
    if kind < 0.3:
        return colour(rng, 0.5, 0.85, 0.04)
    if kind < 0.5:
        return colour(rng, 0.02, 0.12, 0.1)
    return colour(rng, 0.1, 0.5, 0.12) if kind < 0.88 else strong(rng)


def draw_surface(build: Builder, patterns: tuple[int, ...]) -> int:
    """A wall of one of some patterns."""
    rng = build.rng
    pattern = int(rng.choice(patterns))
    leaf = np.array([0.05, 0.11, 0.03], np.float32) * rng.uniform(0.5, 1.6)
    return build.surface(
        leaf.astype(np.float32) if pattern == LEAVES else paint(rng),
        pattern=pattern,
        b=colour(rng, 0.02, 0.5, 0.15),
        scale=rng.uniform(*SCALE[pattern]),
        c=strong(rng) if rng.random() < 0.5 else colour(rng, 0.3, 0.9, 0.05),
        duty=rng.uniform(0.2, 0.7),
        band=rng.random() < 0.15,
    )


def line_with_walls(build: Builder, setting: Setting, distance: float) -> None:
    """Walls on both sides in stretches that stand out by turns, pillars before them, and both ends."""
    rng = build.rng
    for side in (1, -1):
        if not setting.indoor and rng.random() < 0.12:
            continue
        edges = [-30.0, *np.sort(rng.uniform(-14, 14, rng.integers(1, 6))), 30.0]
        for left, right in pairwise(edges):
            height = 3.2 if setting.indoor else 3 + rng.uniform(0, 12)
            y = side * (distance + rng.uniform(0, 1.5) + 3)
            middle, wide = (left + right) / 2, right - left
            build.box((middle, y, height / 2), (wide, 6, height), draw_surface(build, setting.walls))
            if rng.random() < 0.4:  # a plinth, a shop front, a hedge before it
                low, patterns = rng.uniform(0.3, 2.4), (*setting.walls, PLAIN, TILES)
                build.box((middle, y - side * 3.1, low / 2), (wide, 0.4, low), draw_surface(build, patterns))
        if rng.random() < 0.3:
            pillar = draw_surface(build, (PLAIN, TILES, CONCRETE))
            for x in np.arange(-12.0, 13.0, rng.uniform(3.0, 6.0)):
                build.box((x, side * (distance - 0.3), 1.6), (0.5, 0.5, 3.2), pillar)
    for side in (1, -1):
        if rng.random() < (1.0 if setting.indoor else 0.7):
            height = 3.2 if setting.indoor else rng.uniform(3, 11)
            x, surface = side * rng.uniform(15, 28), draw_surface(build, setting.walls)
            build.box((x, 0, height / 2), (3, 46, height), surface)


def build_screen(build: Builder, y: float) -> None:
    """A railing, a fence, a hedge or a low wall along a part of the strip; from one side it hides legs."""
    rng = build.rng
    kind = rng.choice(["railing", "fence", "hedge", "wall"], p=[0.4, 0.15, 0.2, 0.25])
    height = rng.uniform(0.9, 1.2) if kind in ("railing", "fence") else rng.uniform(0.35, 0.9)
    if kind == "railing":
        surface = build.surface(
            paint(rng), pattern=RAILING, scale=rng.uniform(0.1, 0.3), duty=rng.uniform(0.1, 0.3), top=height
        )
    elif kind == "fence":
        surface = build.surface(
            paint(rng), pattern=MESH, scale=rng.uniform(0.08, 0.16), duty=0.14, top=height
        )
    else:
        surface = draw_surface(build, (LEAVES,) if kind == "hedge" else (PLAIN, TILES, CONCRETE, BRICK))
    length, thick = rng.uniform(2.0, 9.0), 0.05 if kind in ("railing", "fence") else rng.uniform(0.2, 0.5)
    build.box((rng.uniform(-9, 9), y + np.sign(y) * thick / 2, height / 2), (length, thick, height), surface)


def build_row(build: Builder, distance: float, walk_width: float, *, indoor: bool) -> None:
    """Many things of a kind along one side: parked cars, bicycles, trees, machines, signs."""
    rng = build.rng
    side = rng.choice([-1, 1])
    kind = rng.choice(["box", "sign"] if indoor else ["car", "bicycle", "tree", "box", "sign"])
    room = {"car": 1.6, "tree": 1.5}.get(str(kind), 0.6)
    y = side * max(walk_width / 2 + room, distance - 1.2)
    step = {"car": 4.9, "bicycle": 0.9, "tree": 5.0, "box": 1.3, "sign": 3.0}[str(kind)]
    for x in np.arange(-11.0, 11.0, step) + rng.uniform(0, step):
        if rng.random() < 0.25:
            continue
        if kind == "car":
            build_car(build, x, y)
        elif kind == "bicycle":
            build_bicycle(build, x, y)
        elif kind == "tree":
            build_tree(build, x, y)
        elif kind == "box":
            height = rng.uniform(0.8, 1.9)
            size = (rng.uniform(0.5, 1.2), rng.uniform(0.4, 0.8), height)
            build.box((x, y, height / 2), size, draw_surface(build, (PLAIN, CLUTTER, POSTERS, TILES)))
        else:
            build.box((x, y, 1.2), (0.9, 0.08, 1.6), draw_surface(build, (POSTERS,)))


def scatter(build: Builder, distance: float, walk_width: float) -> None:
    """Things of no name along the walls and the strip: cabinets, boxes, boards, bags, plants in pots."""
    rng = build.rng
    kinds = [draw_surface(build, (PLAIN, CLUTTER, POSTERS, LEAVES, BOARDS, STRIPES)) for _ in range(4)]
    for _ in range(rng.integers(4, 16)):
        wide, deep, high = rng.uniform(0.2, 1.2), rng.uniform(0.2, 0.7), rng.uniform(0.2, 1.9) ** 1.5
        nearest = walk_width / 2 + 0.4 + deep
        far = distance - deep if rng.random() < 0.6 else nearest + rng.uniform(0, 1)
        y = rng.choice([-1, 1]) * max(nearest, far)
        place = (rng.uniform(-12, 12), y, high / 2)
        build.box(place, (wide, deep, high), int(rng.choice(kinds)), rng.normal(0, 0.3))


def draw_ground(rng: np.random.Generator, setting: Setting) -> Ground:
    """Ground of a setting, from near black to near white."""
    paving = int(rng.choice(setting.pavings))
    a = colour(rng, *((0.03, 0.15) if rng.random() < 0.25 else (0.12, 0.6)), 0.06)
    b = np.clip(a * rng.uniform(0.4, 1.6), 0.02, 0.9).astype(np.float32)
    if paving == GRASS:
        b = np.array([0.06, 0.13, 0.04], np.float32)
    scale = float(rng.uniform(0.25, 1.2))
    return Ground(paving, a, b, scale, float(rng.integers(1000)), setting.indoor)


def draw_varied_light(rng: np.random.Generator, *, indoor: bool, night: bool) -> Light:
    """As in `simulation.place`, and indoors mostly rows of tubes of some shade between warm and greenish."""
    light = draw_light(rng, indoor=indoor, night=night)
    azimuth, strength = rng.uniform(0, 2 * np.pi), rng.choice([0.0, rng.uniform(0.2, 0.9)], p=[0.3, 0.7])
    side = (float(strength * np.cos(azimuth)), float(strength * np.sin(azimuth)), 0.0)
    light = replace(light, sky=light.sky * np.float32(1 - 0.3 * strength), side=side)
    if not indoor:
        return light
    shade = np.array(SHADES[rng.integers(len(SHADES))])
    tint = (shade / shade.mean()).astype(np.float32)
    return replace(
        light,
        sun=light.sun * tint,
        sky=light.sky * tint,
        bounce=light.bounce * tint,
        haze=0.0,
        tubes=float(rng.uniform(1.8, 4.0)) if rng.random() < 0.8 else 0.0,
    )
