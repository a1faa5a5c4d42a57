"""Bags as people carry them: with pockets, handles and straps, and things held before the chest."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulation.accessories import hung, rounded_box
from simulation.body import ARM_L, ARM_R, TORSO, Body, Shape
from simulation.neckwear import torus
from simulation.pieces import Piece, Slot

HAND = 0.085  # metres from the wrist to what the fingers hold


def backpack(
    rng: np.random.Generator, body: Body, shape: Shape, worn: Sequence[Piece], _side: float
) -> list[Piece]:
    """A backpack with a pocket on its back, and pockets or bottles at its sides."""
    half = np.array([rng.uniform(0.12, 0.17), rng.uniform(0.055, 0.11), rng.uniform(0.18, 0.26)])
    level = float(shape.heads[body.bone("spine02")][2] + rng.uniform(-0.02, 0.06))
    back = reach(worn, level, 0.1) if worn else 0.1
    middle = np.array([0, back + half[1] * 0.8, level])
    boxes = [(half, middle, rng.uniform(0.3, 0.5))]
    if rng.random() < 0.75:
        pocket = half * (rng.uniform(0.6, 0.85), 0.45, rng.uniform(0.35, 0.6))
        boxes.append((pocket, middle + half * (0, 0.9, -0.3), 0.4))
    if rng.random() < 0.5:
        side = np.array([0.025, 0.04, rng.uniform(0.06, 0.1)])
        boxes += [(side, middle + half * (x, 0, -0.5), 0.6) for x in (-1, 1)]
    return [stiff(body, "spine02", *box) for box in boxes]


def reach(worn: Sequence[Piece], level: float, near: float) -> float:
    """How far back what is worn reaches at a level, metres."""
    points = np.concatenate([piece.vertices for piece in worn])
    trunk = (np.abs(points[:, 2] - level) < 0.12) & (np.abs(points[:, 0]) < near)
    return float(points[trunk, 1].max()) if trunk.any() else near


def stiff(
    body: Body, bone: str, half: NDArray[np.float64], centre: NDArray[np.float64], power: float
) -> Piece:
    """A rounded box on a bone."""
    vertices, faces = rounded_box((float(half[0]), float(half[1]), float(half[2])), power)
    return hung(body, Slot.BAG, vertices, faces, bone=bone, centre=centre.astype(np.float32))


def tote(
    rng: np.random.Generator, body: Body, shape: Shape, worn: Sequence[Piece], side: float
) -> list[Piece]:
    """A bag under the arm, hanging from the shoulder of its own side by a loop."""
    half = np.array([rng.uniform(0.035, 0.06), rng.uniform(0.13, 0.19), rng.uniform(0.11, 0.16)])
    shoulder = shape.heads[body.bone(f"upperarm01.{'L' if side > 0 else 'R'}")].astype(np.float64)
    points = np.concatenate([piece.vertices for piece in worn])
    trunk = np.concatenate([piece.region for piece in worn]) == TORSO
    level = float(shape.heads[body.bone("root")][2]) + rng.uniform(0.06, 0.2)
    near = trunk & (np.abs(points[:, 2] - level) < 0.1)
    hip = float((points[near, 0] * side).max()) if near.any() else 0.17
    middle = np.array([side * (hip + half[0]), rng.uniform(0.0, 0.06), level])
    top = shoulder[2] + 0.055
    low = level + half[2]
    vertices, faces = torus(np.array([(top - low) / 2, half[1] * 0.55]), 0.008, 1.6, 0.0)
    lean = (side * (abs(shoulder[0]) - 0.045) - middle[0]) / (top - low)
    x, y, z = vertices.T
    upright = np.stack([z + lean * (x + (top - low) / 2), y, x], 1)
    loop = hung(
        body,
        Slot.BAG,
        upright.astype(np.float32),
        faces[:, ::-1].copy(),
        bone="spine02",
        centre=np.array([middle[0], middle[1], (top + low) / 2], np.float32),
    )
    return [stiff(body, "spine02", half, middle, 0.35), loop]


def hand_bag(
    rng: np.random.Generator, body: Body, shape: Shape, _worn: Sequence[Piece], side: float
) -> list[Piece]:
    """A bag or shopping bag that hangs from the fingers by its handle."""
    letter = "L" if side > 0 else "R"
    wrist, axes = fore_arm(body, shape, letter)
    down = -axes[2]
    half = np.array([rng.uniform(0.03, 0.07), rng.uniform(0.10, 0.19), rng.uniform(0.10, 0.18)])
    handle = rng.uniform(0.05, 0.11)
    box, faces = rounded_box((float(half[0]), float(half[1]), float(half[2])), 0.25)
    arc, links = torus(np.array([handle, half[1] * 0.5]), 0.007, 1.0, 0.0)
    ring = np.stack([arc[:, 2], arc[:, 1], arc[:, 0]], 1)
    grip = wrist + down * (HAND + handle)
    pieces = [(box, faces, grip + down * (handle * 0.6 + half[2])), (ring, links[:, ::-1].copy(), grip)]
    return [
        hung(
            body,
            Slot.BAG,
            (points @ axes).astype(np.float32),
            triangles,
            bone=f"wrist.{letter}",
            centre=centre.astype(np.float32),
        )
        for points, triangles, centre in pieces
    ]


def closed_umbrella(rng: np.random.Generator, body: Body, shape: Shape, side: str) -> list[Piece]:
    """An umbrella that hangs rolled up from a hand."""
    half = (0.028, 0.028, float(rng.uniform(0.30, 0.42)))
    wrist, axes = fore_arm(body, shape, side)
    vertices, faces = rounded_box(half, 0.9, around=8, up=8)
    narrow = 0.35 + 0.65 * (vertices[:, 2:] + half[2]) / (2 * half[2])  # towards its tip
    shaped = vertices * np.concatenate([narrow, narrow, np.ones_like(narrow)], 1)
    centre = wrist - axes[2] * (HAND + half[2] * 0.8)
    bone = f"wrist.{side}"
    points = (shaped @ axes).astype(np.float32)
    return [hung(body, Slot.HELD, points, faces, bone=bone, centre=centre.astype(np.float32))]


def fore_arm(body: Body, shape: Shape, side: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the wrist is at rest (3,), and three axes (3, 3): outwards, ahead, up along the fore arm."""
    wrist, elbow = (
        shape.heads[body.bone(f"{name}.{side}")].astype(np.float64) for name in ("wrist", "lowerarm01")
    )
    down = (wrist - elbow) / np.linalg.norm(wrist - elbow)
    outward = np.cross([0.0, 1.0, 0.0], down) * (1 if side == "L" else -1)
    outward /= np.linalg.norm(outward)
    return wrist, np.stack([outward, np.cross(outward, down), -down])


def held(rng: np.random.Generator, body: Body, shape: Shape, side: str) -> tuple[list[Piece], str]:
    """Something flat in a hand, and what it is: papers, a book, a phone."""
    kind = str(rng.choice(["papers", "book", "phone"], p=[0.4, 0.25, 0.35]))
    half = {"papers": (0.105, 0.006, 0.15), "book": (0.08, 0.014, 0.11), "phone": (0.036, 0.006, 0.07)}[kind]
    wrist, elbow = (
        shape.heads[body.bone(f"{name}.{side}")].astype(np.float64) for name in ("wrist", "lowerarm01")
    )
    along = (wrist - elbow) / np.linalg.norm(wrist - elbow)
    across = np.cross(along, [0.0, 1.0, 0.0])
    across /= np.linalg.norm(across)
    # With the fore arm held out it stands upright before the chest.
    axes = np.stack([across, along, np.cross(across, along)])
    vertices, faces = rounded_box(half, 0.2, around=8, up=6)
    piece = hung(
        body,
        Slot.HELD,
        (vertices @ axes).astype(np.float32),
        faces,
        bone=f"wrist.{side}",
        centre=(wrist + along * HAND - axes[2] * half[2] * 0.5).astype(np.float32),
        region=ARM_L if side == "L" else ARM_R,
    )
    return [piece], kind
