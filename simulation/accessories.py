"""Bags and hat brims: rounded boxes hung on a bone."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simulation.body import HEAD, LEG_L, LEG_R, SKIN_VERTICES, TORSO, Array, Body, Faces, Shape
from simulation.pieces import LAYER, TOES, Piece, Slot

CANONICAL_OFFSET = np.array([0.0, 1.0, 0.0], np.float32)  # away from every body chart


def rounded_box(
    half: tuple[float, float, float], power: float, around: int = 14, up: int = 10
) -> tuple[Array, Faces]:
    """A superellipsoid with half extents `half`; the smaller `power`, the boxier."""

    def shaped(value: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.sign(value) * np.abs(value) ** power)

    theta = np.linspace(0, 2 * np.pi, around, endpoint=False)
    phi = np.linspace(-np.pi / 2, np.pi / 2, up)
    p, t = np.meshgrid(phi, theta, indexing="ij")
    points = np.stack(
        [shaped(np.cos(p)) * shaped(np.cos(t)), shaped(np.cos(p)) * shaped(np.sin(t)), shaped(np.sin(p))], -1
    )
    faces = []
    for i in range(up - 1):
        for j in range(around):
            a, b = i * around + j, i * around + (j + 1) % around
            faces += [[a, b, a + around], [b, b + around, a + around]]
    return (points.reshape(-1, 3) * half).astype(np.float32), np.array(faces, np.int32)


def hung(
    body: Body, slot: Slot, vertices: Array, faces: Faces, *, bone: str, centre: Array, region: int = TORSO
) -> Piece:
    """A stiff thing on one bone; its canonical coordinates are its own, around (0, 1, 0)."""
    count = len(vertices)
    bones, weights = np.zeros((count, 6), np.uint8), np.zeros((count, 6), np.float32)
    bones[:, 0], weights[:, 0] = body.bone(bone), 1.0
    ones = np.ones(count, np.float32)
    return Piece(
        slot,
        (vertices + centre).astype(np.float32),
        vertices + CANONICAL_OFFSET,
        bones,
        weights,
        faces,
        ones,
        np.full(count, region, np.uint8),
        LAYER[slot],
    )


def backpack(
    rng: np.random.Generator, body: Body, shape: Shape, worn: Sequence[Piece], _side: float
) -> Piece:
    """A backpack that touches the back of whatever is worn."""
    half = (rng.uniform(0.12, 0.17), rng.uniform(0.05, 0.10), rng.uniform(0.17, 0.25))
    vertices, faces = rounded_box(half, rng.uniform(0.3, 0.55))
    level = shape.heads[body.bone("spine02")][2] + rng.uniform(0.0, 0.06)
    points = np.concatenate([piece.vertices for piece in worn])
    near = (np.abs(points[:, 2] - level) < 0.12) & (np.abs(points[:, 0]) < 0.1)
    back = float(points[near, 1].max()) if near.any() else 0.1
    return hung(
        body,
        Slot.BAG,
        vertices,
        faces,
        bone="spine02",
        centre=np.array([0, back + half[1] * 0.75, level], np.float32),
    )


def shoulder_bag(
    rng: np.random.Generator, body: Body, shape: Shape, worn: Sequence[Piece], side: float
) -> Piece:
    """A bag at the hip, its strap over the other shoulder."""
    vertices, faces = rounded_box(
        (rng.uniform(0.05, 0.08), rng.uniform(0.11, 0.16), rng.uniform(0.08, 0.14)), 0.35
    )
    level = float(shape.heads[body.bone("root")][2]) + 0.02
    points = np.concatenate([piece.vertices for piece in worn if piece.slot != Slot.BAG])
    torso = np.concatenate([piece.region for piece in worn if piece.slot != Slot.BAG]) == TORSO
    near = torso & (np.abs(points[:, 2] - level) < 0.1)
    hip = float(np.abs(points[near, 0]).max()) if near.any() else 0.17
    return hung(
        body,
        Slot.BAG,
        vertices,
        faces,
        bone="root",
        centre=np.array([side * (hip + 0.04), 0.03, level], np.float32),
    )


def hand_bag(
    rng: np.random.Generator, body: Body, shape: Shape, _worn: Sequence[Piece], side: float
) -> Piece:
    """A bag or shopping bag below one hand."""
    half = (rng.uniform(0.04, 0.08), rng.uniform(0.10, 0.19), rng.uniform(0.10, 0.18))
    vertices, faces = rounded_box(half, 0.25)
    name = f"wrist.{'L' if side > 0 else 'R'}"
    wrist = shape.heads[body.bone(name)].astype(np.float64)
    elbow = shape.heads[body.bone(f"lowerarm01.{'L' if side > 0 else 'R'}")].astype(np.float64)
    along = (wrist - elbow) / np.sqrt(((wrist - elbow) ** 2).sum())
    # At rest the arm is half raised: the bag continues the fore arm, which points down when walking.
    down = along
    outward = np.cross([0.0, 1.0, 0.0], down) * side
    outward /= np.sqrt((outward**2).sum())
    forward = np.cross(outward, down)
    turned = vertices[:, :1] * outward + vertices[:, 1:2] * forward - vertices[:, 2:3] * down
    return hung(
        body,
        Slot.BAG,
        turned.astype(np.float32),
        faces,
        bone=name,
        centre=(wrist + along * (half[2] + 0.16)).astype(np.float32),
    )


def toe_caps(body: Body, shape: Shape, *, sole: float) -> list[Piece]:
    """The fronts of two closed shoes, around the toes of each foot."""
    caps = []
    for region, side in ((LEG_L, "L"), (LEG_R, "R")):
        t = body.template[:SKIN_VERTICES]
        toes = (body.regions()[:SKIN_VERTICES] == region) & (t[:, 2] < -0.75) & (t[:, 1] < TOES + 0.03)
        unit, faces = rounded_box((1.0, 1.0, 1.0), 0.6)
        boxes = []
        for points in (shape.vertices[:SKIN_VERTICES][toes], t[toes]):
            low = points.min(0) - np.array([0.007, 0.012, sole])
            high = points.max(0) + np.array([0.007, 0.0, 0.006])
            boxes.append((low + high) / 2 + unit * (high - low) / 2)
        piece = hung(
            body,
            Slot.SHOES,
            boxes[0],
            faces,
            bone=f"foot.{side}",
            centre=np.zeros(3, np.float32),
            region=region,
        )
        caps.append(replace(piece, canonical=boxes[1].astype(np.float32)))
    return caps


def cap_brim(body: Body, shape: Shape) -> Piece:
    """The brim of a cap, at the front of the head."""
    angle = np.linspace(-1.3, 1.3, 9)
    rings = [
        np.stack(
            [
                np.sin(angle) * 0.075,
                -np.cos(angle) * reach,
                np.full(9, -0.02 * (reach > 0.05)) - 0.012 * np.sin(angle) ** 2,
            ],
            1,
        )
        for reach in (0.0, 0.075)
    ]
    faces = [[i, i + 1, i + 9] for i in range(8)] + [[i + 1, i + 10, i + 9] for i in range(8)]
    head = shape.vertices[:13380]
    brow = head[(body.regions()[:13380] == HEAD) & (np.abs(body.template[:13380, 2] - 0.735) < 0.012)]
    centre = np.array([0, brow[:, 1].min() + 0.005, brow[:, 2].mean() + 0.004], np.float32)
    return hung(
        body,
        Slot.HAT,
        np.concatenate(rings).astype(np.float32),
        np.array(faces, np.int32),
        bone="head",
        centre=centre,
        region=HEAD,
    )
