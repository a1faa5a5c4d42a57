"""Places: ground, walls, street furniture, plants, and the light that falls on them.

A place has a strip in which people walk, along x and `walk_width` metres wide around y = 0, that stays free.
"""

from dataclasses import dataclass

import numpy as np

from simulation.body import Array, Faces
from simulation.builder import Builder, colour
from simulation.furniture import build_furniture, build_walls
from simulation.scene import Ground, Light
from simulation.view import Solids


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
    return finished(
        build, draw_light(rng, indoor=indoor, night=night), ground, float(walk_width), night=night
    )


def finished(build: Builder, light: Light, ground: Ground, walk_width: float, *, night: bool) -> Place:
    """The place of what was built."""
    if not build.vertices:
        build.box((0, 40, 1), (1, 1, 2), build.surface(colour(build.rng, 0.1, 0.4, 0.2)))
    return Place(
        np.concatenate(build.vertices),
        np.concatenate(build.normals),
        np.concatenate(build.kinds),
        np.concatenate(build.faces),
        np.stack(build.surfaces),
        light,
        ground,
        walk_width,
        night,
        Solids(np.array(build.boxes).reshape(-1, 7), np.array(build.balls).reshape(-1, 4)),
    )
