"""Things round the neck: a scarf, a collar of fur, a hood that hangs down the back."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simulation.accessories import hung, rounded_box
from simulation.body import SKIN_VERTICES, TORSO, Array, Body, Faces, Shape
from simulation.pieces import Piece, Slot

AROUND, SECTION = 18, 8
NECK = (0.555, 0.60)  # canonical levels between which the neck is measured
BROAD = 0.085  # canonical half width of what is still neck
BONE = "spine01"


def torus(radii: NDArray[np.floating], tube: float, tall: float, tilt: float) -> tuple[Array, Faces]:
    """A ring round z with half extents `radii` (2,), `tall` times as high as thick, `tilt` higher behind."""
    u, v = np.meshgrid(
        np.linspace(0, 2 * np.pi, AROUND, endpoint=False),
        np.linspace(0, 2 * np.pi, SECTION, endpoint=False),
        indexing="ij",
    )
    out = tube * np.cos(v)
    x, y = (radii[0] + out) * np.cos(u), (radii[1] + out) * np.sin(u)
    points = np.stack([x, y, tall * tube * np.sin(v) + tilt * y], -1).reshape(-1, 3)
    faces = []
    for i in range(AROUND):
        for j in range(SECTION):
            a, b = i * SECTION + j, i * SECTION + (j + 1) % SECTION
            c, d = (a + SECTION) % len(points), (b + SECTION) % len(points)
            faces += [[a, c, b], [b, c, d]]
    return points.astype(np.float32), np.array(faces, np.int32)


def neck(body: Body, points: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Middle (3,) and half extents (3,) of the neck of a body whose base vertices are given."""
    t = body.template[:SKIN_VERTICES]
    around = (t[:, 2] > NECK[0]) & (t[:, 2] < NECK[1]) & (np.abs(t[:, 0]) < BROAD) & (t[:, 1] > -0.1)
    found = points[:SKIN_VERTICES][around].astype(np.float64)
    low, high = found.min(0), found.max(0)
    return (low + high) / 2, (high - low) / 2


def ring(body: Body, shape: Shape, *, tube: float, tall: float, drop: float, gap: float) -> Piece:
    """A ring round the neck, `drop` metres below its middle and `gap` away from it."""
    placed = []
    for points in (shape.vertices, body.template):
        middle, half = neck(body, points)
        vertices, faces = torus(half[:2] + gap + tube * 0.6, tube, tall, 0.25)
        placed.append(vertices + middle.astype(np.float32) - np.array([0, 0, drop], np.float32))
    zero = np.zeros(3, np.float32)
    piece = hung(body, Slot.EXTRA, placed[0], faces, bone=BONE, centre=zero, region=TORSO)
    return replace(piece, canonical=placed[1])


def scarf(rng: np.random.Generator, body: Body, shape: Shape, worn: Sequence[Piece]) -> list[Piece]:
    """A scarf, its end perhaps hanging over the chest."""
    pieces = [ring(body, shape, tube=rng.uniform(0.026, 0.036), tall=1.35, drop=0.01, gap=0.004)]
    if rng.random() < 0.6:
        half = (rng.uniform(0.035, 0.055), 0.014, rng.uniform(0.09, 0.17))
        vertices, faces = rounded_box(half, 0.5)
        middle, extent = neck(body, shape.vertices)
        level = middle[2] - 0.05 - half[2]
        points = np.concatenate([piece.vertices for piece in worn])
        near = (np.abs(points[:, 2] - level) < half[2]) & (np.abs(points[:, 0]) < 0.08)
        front = float(points[near, 1].min()) if near.any() else float(middle[1] - extent[1])
        at = np.array([rng.uniform(-0.05, 0.05), front - 0.008, level], np.float32)
        pieces.append(hung(body, Slot.EXTRA, vertices, faces, bone="spine02", centre=at))
    return pieces


def fur_collar(rng: np.random.Generator, body: Body, shape: Shape, _worn: Sequence[Piece]) -> list[Piece]:
    """A thick collar that lies on the shoulders."""
    return [ring(body, shape, tube=rng.uniform(0.03, 0.042), tall=1.1, drop=0.03, gap=0.012)]


def hood(rng: np.random.Generator, body: Body, shape: Shape, _worn: Sequence[Piece]) -> list[Piece]:
    """A hood folded back between the shoulders."""
    middle, half = neck(body, shape.vertices)
    vertices, faces = rounded_box((rng.uniform(0.10, 0.13), 0.055, rng.uniform(0.08, 0.12)), 0.8)
    at = middle + np.array([0.0, half[1] + 0.045, -0.045])
    return [hung(body, Slot.EXTRA, vertices, faces, bone=BONE, centre=at.astype(np.float32))]
