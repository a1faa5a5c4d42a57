"""Fixed objects in places: walls, posts, bins, cars, bicycles, trees, benches."""

from itertools import pairwise

import numpy as np

from simulation.builder import Builder, colour

BRICK, WINDOWS, PANELS, SHELVES, STRIPES, LEAVES = range(1, 7)
# pattern -> range of its scale in metres
WALL_SCALE = {
    0: (1, 1),
    BRICK: (0.25, 0.6),
    WINDOWS: (1.2, 3.2),
    PANELS: (0.8, 2.0),
    SHELVES: (0.25, 0.6),
    STRIPES: (0.3, 1.5),
}


def wall_surface(build: Builder, indoor: bool) -> int:
    """A random wall; shelves stand inside only."""
    rng = build.rng
    share = [0.25, 0.12, 0.15, 0.29, 0.08, 0.11] if indoor else [0.23, 0.25, 0.27, 0.18, 0.0, 0.07]
    pattern = int(rng.choice([0, BRICK, WINDOWS, PANELS, SHELVES, STRIPES], p=share))
    return build.surface(
        colour(rng, 0.12, 0.55, 0.06),
        pattern=pattern,
        b=colour(rng, 0.02, 0.4, 0.15),
        scale=rng.uniform(*WALL_SCALE[pattern]),
        c=colour(rng, 0.02, 0.5, 0.3),
        duty=rng.uniform(0.2, 0.6),
        band=rng.random() < 0.2,
    )


def build_walls(build: Builder, distance: float, indoor: bool) -> None:
    """House fronts on both sides and across the ends."""
    rng = build.rng
    for side in (1, -1):
        if rng.random() < 0.08:
            continue
        edges = np.sort(np.concatenate([[-30, 30], rng.uniform(-14, 14, rng.integers(0, 3))]))
        for left, right in pairwise(edges):
            height = 8 + rng.uniform(-3, 8)
            y = side * (distance + rng.uniform(0, 2) + 3)
            build.box(
                ((left + right) / 2, y, height / 2), (right - left, 6, height), wall_surface(build, indoor)
            )
    for side in (1, -1):
        if rng.random() < 0.8:
            height = 5 + rng.uniform(0, 6)
            build.box(
                (side * rng.uniform(14, 28), 0, height / 2), (3, 44, height), wall_surface(build, indoor)
            )


def build_furniture(build: Builder, distance: float, walk_width: float, indoor: bool) -> None:
    """Posts, bins, cars, bicycles, trees and panels beside the strip where people walk."""
    rng = build.rng
    for _ in range(rng.integers(5, 15)):
        x = rng.uniform(-13, 13)
        y = rng.choice([-1, 1]) * rng.uniform(walk_width / 2 + 0.7, distance + 0.3)
        kind = rng.choice(
            ["post", "bin", "car", "bicycle", "tree", "panel", "bench"],
            p=[0.2, 0.18, 0.16, 0.1, 0.14, 0.12, 0.1],
        )
        if indoor and kind in ("car", "bicycle", "tree"):
            kind = "bin"
        if kind == "post":
            build.box((x, y, 1.6), (0.13, 0.13, 3.2), build.surface(colour(rng, 0.05, 0.5, 0.2)))
        elif kind == "bin":
            height = rng.uniform(0.6, 1.2)
            build.box(
                (x, y, height / 2),
                (rng.uniform(0.4, 0.9), rng.uniform(0.4, 0.9), height),
                build.surface(colour(rng, 0.03, 0.4, 0.25)),
                rng.uniform(0, 3),
            )
        elif kind == "car":
            build_car(build, x, np.sign(y) * max(abs(y), walk_width / 2 + 1.6))
        elif kind == "bicycle":
            build_bicycle(build, x, y)
        elif kind == "tree":
            build_tree(build, x, np.sign(y) * max(abs(y), walk_width / 2 + 1.5))
        elif kind == "bench":
            wood = build.surface(
                colour(rng, 0.05, 0.25, 0.3),
                pattern=STRIPES,
                b=colour(rng, 0.03, 0.1, 0.2),
                scale=0.12,
                duty=0.2,
            )
            build.box((x, y, 0.42), (1.7, 0.45, 0.08), wood)
            build.box((x, y + 0.2 * np.sign(y), 0.68), (1.7, 0.06, 0.4), wood)
            for end in (-0.7, 0.7):
                build.box((x + end, y, 0.2), (0.08, 0.4, 0.4), wood)
        else:
            build.box(
                (x, y, 1.1), (rng.uniform(0.8, 2), 0.2, rng.uniform(1.6, 2.2)), wall_surface(build, indoor)
            )


def build_car(build: Builder, x: float, y: float) -> None:
    """A parked car."""
    rng = build.rng
    paint = build.surface(colour(rng, 0.02, 0.6, 0.22), gloss=0.3)
    glass, tyre = (
        build.surface(np.array([0.03, 0.035, 0.04], np.float32), gloss=0.4),
        build.surface(np.array([0.02, 0.02, 0.02], np.float32)),
    )
    build.box((x, y, 0.62), (4.2, 1.7, 0.62), paint)
    build.box((x - 0.2, y, 1.13), (2.3, 1.5, 0.44), glass)
    build.box((x - 0.2, y, 1.37), (2.0, 1.42, 0.06), paint)
    for dx in (-1.3, 1.3):
        build.box((x + dx, y, 0.32), (0.64, 1.74, 0.64), tyre)


def build_bicycle(build: Builder, x: float, y: float) -> None:
    """A parked bicycle."""
    tyre, paint = (
        build.surface(np.array([0.02, 0.02, 0.02], np.float32)),
        build.surface(colour(build.rng, 0.03, 0.5, 0.5)),
    )
    for wheel in (-0.5, 0.5):
        for angle in np.linspace(0, 2 * np.pi, 12, endpoint=False):
            build.box(
                (x + wheel + 0.33 * np.cos(angle), y, 0.34 + 0.33 * np.sin(angle)), (0.06, 0.04, 0.17), tyre
            )
    build.box((x, y, 0.62), (0.9, 0.04, 0.05), paint)
    build.box((x - 0.2, y, 0.85), (0.25, 0.15, 0.06), tyre)
    build.box((x + 0.45, y, 0.8), (0.05, 0.5, 0.05), tyre)


def build_tree(build: Builder, x: float, y: float) -> None:
    """A tree; its crown starts above every camera's line to the walkers."""
    rng = build.rng
    bark = build.surface(
        np.array([0.07, 0.045, 0.03], np.float32),
        pattern=LEAVES,
        b=np.array([0.03, 0.02, 0.01], np.float32),
        scale=0.1,
    )
    leaf = build.surface(
        np.array([0.05, 0.11, 0.03], np.float32) * rng.uniform(0.7, 1.4),
        pattern=LEAVES,
        b=np.array([0.08, 0.15, 0.04], np.float32),
        scale=0.14,
    )
    build.box((x, y, 2.2), (0.24, 0.24, 4.4), bark)
    for _ in range(6):
        build.blob(
            (x + rng.normal(0, 0.6), y + rng.normal(0, 0.6), 5.0 + rng.normal(0, 0.5)),
            rng.uniform(0.7, 1.2),
            leaf,
        )
