"""Places: ground, walls, street furniture, plants, and the light that falls on them.

A place has a strip in which people walk, along x and `walk_width` metres wide around y = 0, that stays free.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from simulation.body import Array, Faces
from simulation.scene import SURFACES, Ground, Light
from simulation.view import Solids

BRICK, WINDOWS, PANELS, SHELVES, STRIPES, LEAVES = range(1, 7)
LUMPS = 0.18  # share by which a crown's surface goes in and out
# pattern -> range of its scale in metres
WALL_SCALE = {
    0: (1, 1),
    BRICK: (0.25, 0.6),
    WINDOWS: (1.2, 3.2),
    PANELS: (0.8, 2.0),
    SHELVES: (0.25, 0.6),
    STRIPES: (0.3, 1.5),
}


@dataclass(frozen=True)
class Place:
    """Geometry and light of a place; see simulation.figure.Scenery and simulation.renderer for the arrays."""

    vertices: Array
    normals: Array
    kinds: Array
    faces: Faces
    surfaces: Array
    light: Light
    ground: Ground
    walk_width: float
    night: bool
    solids: Solids


class Builder:
    """Collects boxes and leaves with their surfaces."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.vertices: list[Array] = []
        self.normals: list[Array] = []
        self.kinds: list[Array] = []
        self.faces: list[Faces] = []
        self.surfaces: list[Array] = []
        self.boxes: list[tuple[float, ...]] = []
        self.balls: list[tuple[float, ...]] = []
        self.count = 0

    def surface(
        self,
        a: Array,
        *,
        pattern: int = 0,
        b: Array | None = None,
        scale: float = 1.0,
        c: Array | None = None,
        duty: float = 0.4,
        band: bool = False,
        gloss: float = 0.0,
    ) -> int:
        """Add a surface and return its number; when the table is full an earlier one is used again."""
        if len(self.surfaces) == SURFACES:
            return int(self.rng.integers(SURFACES))
        b, c = a if b is None else b, a if c is None else c
        row = [
            [*a, pattern],
            [*b, scale],
            [*c, duty],
            [float(self.rng.integers(1000)), float(band), gloss, 0],
        ]
        self.surfaces.append(np.array(row, np.float32))
        return len(self.surfaces) - 1

    def mesh(
        self,
        vertices: NDArray[np.floating],
        normals: NDArray[np.floating],
        faces: NDArray[np.integer],
        kind: int,
    ) -> None:
        """Add triangles."""
        self.vertices.append(np.asarray(vertices, np.float32))
        self.normals.append(np.asarray(normals, np.float32))
        self.kinds.append(np.full(len(vertices), kind, np.float32))
        self.faces.append(np.asarray(faces, np.int32) + self.count)
        self.count += len(vertices)

    def box(
        self,
        centre: tuple[float, float, float],
        size: tuple[float, float, float],
        kind: int,
        turn: float = 0.0,
    ) -> None:
        """Add a box, turned about the vertical by `turn` radians."""
        self.boxes.append((*centre, *size, turn))
        vertices: list[NDArray[np.float64]] = []
        normals: list[NDArray[np.float64]] = []
        faces: list[list[int]] = []
        for axis in range(3):
            for sign in (-1, 1):
                normal = np.zeros(3)
                normal[axis] = sign
                u, v = np.eye(3)[(axis + 1) % 3], np.eye(3)[(axis + 2) % 3]
                start = len(vertices)
                vertices += [(normal + a * u + b * v) * 0.5 for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
                normals += [normal] * 4
                faces += [[start, start + 1, start + 2], [start, start + 2, start + 3]]
        c, s = np.cos(turn), np.sin(turn)
        rotation = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
        self.mesh(
            np.array(vertices) * size @ rotation.T + centre,
            np.array(normals) @ rotation.T,
            np.array(faces),
            kind,
        )

    def blob(self, centre: tuple[float, float, float], radius: float, kind: int) -> None:
        """Add a lumpy ball: the crown of a tree, a bush."""
        self.balls.append((*centre, radius * (1 + LUMPS)))
        around, up = 14, 8
        theta = np.linspace(0, 2 * np.pi, around, endpoint=False)
        phi = np.linspace(-np.pi / 2, np.pi / 2, up)
        unit = np.array(
            [[np.cos(p) * np.cos(t), np.cos(p) * np.sin(t), np.sin(p)] for p in phi for t in theta]
        )
        lumps = 1 + LUMPS * np.clip(self.rng.normal(size=(len(unit), 1)), -1, 1)
        faces = []
        for i in range(up - 1):
            for j in range(around):
                a, b = i * around + j, i * around + (j + 1) % around
                faces += [[a, b, a + around], [b, b + around, a + around]]
        self.mesh(unit * lumps * radius + centre, unit, np.array(faces), kind)


def colour(rng: np.random.Generator, low: float, high: float, tint: float) -> Array:
    """A linear colour of random brightness and tint."""
    return np.clip(rng.uniform(low, high) * (1 + rng.normal(0, tint, 3) * (1, 0.6, 1)), 0.01, 0.9).astype(
        np.float32
    )


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


def draw_light(rng: np.random.Generator, *, indoor: bool, night: bool) -> Light:
    """Sun, overcast, indoor lamps or a street at night."""
    azimuth, elevation = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 1.25)
    direction = np.array(
        [np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)]
    )
    white = np.array([1.0, 1.0, 1.0])
    if indoor or night:
        direction = np.array([rng.normal(0, 0.25), rng.normal(0, 0.25), 1.0])
        warm = np.array([1, 0.9, 0.72]) if night else np.array([1, 0.96, 0.9])
        sun = warm * (rng.uniform(0.10, 0.25) if night else rng.uniform(0.1, 0.4))
        sky = np.array([1, 0.92, 0.8]) * (rng.uniform(0.03, 0.07) if night else rng.uniform(0.45, 0.8))
        haze_colour = (
            np.array([0.02, 0.022, 0.03]) if night else np.array([0.7, 0.68, 0.62]) * rng.uniform(0.2, 0.6)
        )
    elif rng.random() < 0.55:
        sun, sky = (
            np.array([1, 0.93, 0.82]) * rng.uniform(0.7, 1.2),
            np.array([0.78, 0.9, 1.1]) * rng.uniform(0.28, 0.5),
        )
        haze_colour = np.array([0.75, 0.85, 0.98]) * rng.uniform(0.6, 1.1)
    else:
        sun, sky = white * rng.uniform(0.05, 0.25), np.array([0.96, 1, 1.05]) * rng.uniform(0.5, 0.9)
        haze_colour = np.array([0.85, 0.9, 0.95]) * rng.uniform(0.6, 1.0)
    leafy = not indoor and not night and rng.random() < 0.35
    f32 = np.float32
    return Light(
        (direction / np.linalg.norm(direction)).astype(f32),
        sun.astype(f32),
        sky.astype(f32),
        (sky * rng.uniform(0.3, 0.5)).astype(f32),
        haze_colour.astype(f32),
        float(rng.choice([0, 0, 0.002, 0.006])),
        float(rng.uniform(0.5, 0.9)) if leafy else 0.0,
        float(rng.choice([0.15, 0.3, 0.8])),
    )


def draw_place(rng: np.random.Generator) -> Place:
    """A random place."""
    indoor = bool(rng.random() < 0.35)
    night = bool(not indoor and rng.random() < 0.15)
    distance, walk_width = rng.uniform(4.0, 9.0), rng.uniform(3.5, 5.5)
    build = Builder(rng)
    build_walls(build, distance, indoor)
    build_furniture(build, distance, walk_width, indoor)
    paving = int(
        rng.choice([0, 1], p=[0.7, 0.3]) if indoor else rng.choice([0, 1, 2, 3], p=[0.44, 0.12, 0.32, 0.12])
    )
    a = colour(rng, 0.12, 0.45, 0.05)
    b = (
        np.array([0.06, 0.13, 0.04], np.float32)
        if paving == 3
        else np.clip(a * rng.uniform(0.5, 1.4), 0.02, 0.9).astype(np.float32)
    )
    ground = Ground(paving, a, b, float(rng.uniform(0.4, 1.2)), float(rng.integers(1000)), indoor)
    if not build.vertices:
        build.box((0, 40, 1), (1, 1, 2), build.surface(colour(rng, 0.1, 0.4, 0.2)))
    return Place(
        np.concatenate(build.vertices),
        np.concatenate(build.normals),
        np.concatenate(build.kinds),
        np.concatenate(build.faces),
        np.stack(build.surfaces),
        draw_light(rng, indoor=indoor, night=night),
        ground,
        float(walk_width),
        night,
        Solids(np.array(build.boxes).reshape(-1, 7), np.array(build.balls).reshape(-1, 4)),
    )
