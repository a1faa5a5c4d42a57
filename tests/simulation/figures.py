"""A people directory made up on the spot: figures of tubes in the format of docs/simulation.md."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from simulation.avatars import Region

SKIN, SHIRT, TROUSERS, SHOES, HAIR = (200, 150, 120), (150, 40, 40), (40, 60, 120), (30, 30, 30), (60, 40, 20)
AROUND, RINGS = 12, 8
TEXTURE = 128
SIDES = {"Left": 1.0, "Right": -1.0}

TRUNK_JOINTS = {  # where, metres: x to the left, y up, z forward
    "Hips": (0.0, 0.99, -0.04),
    "Spine": (0.0, 1.04, -0.04),
    "Spine1": (0.0, 1.13, -0.04),
    "Spine2": (0.0, 1.24, -0.04),
    "Neck": (0.0, 1.51, 0.0),
    "Head": (0.0, 1.61, 0.04),
    "HeadEnd": (0.0, 1.78, 0.04),
}
SIDE_JOINTS = {
    "Eye": (0.03, 1.67, 0.13),
    "Shoulder": (0.04, 1.48, -0.01),
    "Arm": (0.18, 1.47, -0.01),
    "ForeArm": (0.44, 1.47, -0.01),
    "Hand": (0.69, 1.47, 0.0),
    "HandMiddle1": (0.78, 1.47, 0.0),
    "UpLeg": (0.10, 0.91, 0.0),
    "Leg": (0.10, 0.53, 0.0),
    "Foot": (0.10, 0.09, -0.03),
    "ToeBase": (0.10, 0.03, 0.12),
}

Rect = tuple[float, float, float, float]
Parts = Mapping[float, tuple[str, Region]]


def joints() -> dict[str, tuple[float, float, float]]:
    """Every joint of a figure."""
    both = {
        f"{side}{name}": (sign * x, y, z)
        for side, sign in SIDES.items()
        for name, (x, y, z) in SIDE_JOINTS.items()
    }
    return {**TRUNK_JOINTS, **both}


class Mesh:
    """Tubes with their weights and their places in the texture."""

    def __init__(self) -> None:
        self.names = list(joints())
        self.rows: dict[str, list[Any]] = {
            key: [] for key in ("positions", "uv", "joint_index", "region", "triangles", "tri_material")
        }

    def tube(
        self,
        start: tuple[float, float, float],
        end: tuple[float, float, float],
        radius: float,
        rect: Rect,
        parts: Parts,
        material: int = 0,
    ) -> None:
        """A closed tube; `parts` says from which share of its length on it moves with which joint."""
        first = len(self.rows["positions"])
        a, b = np.array(start), np.array(end)
        along = (b - a) / np.linalg.norm(b - a)
        one = np.cross(along, (0.0, 0.0, 1.0) if abs(along[2]) < 0.9 else (1.0, 0.0, 0.0))
        one /= np.linalg.norm(one)
        other = np.cross(along, one)
        left, top, right, bottom = rect
        for ring in range(RINGS + 1):
            share = ring / RINGS
            joint, region = parts[max(key for key in parts if key <= share)]
            wide = radius * (0.2 if ring in (0, RINGS) else 1.0)
            for k in range(AROUND + 1):
                angle = 2 * np.pi * k / AROUND
                self.rows["positions"].append(
                    a + share * (b - a) + wide * (np.cos(angle) * one + np.sin(angle) * other)
                )
                self.rows["uv"].append((left + share * (right - left), top + k / AROUND * (bottom - top)))
                self.rows["joint_index"].append([self.names.index(joint), 0, 0, 0])
                self.rows["region"].append(region)
        for ring in range(RINGS):
            for k in range(AROUND):
                p = first + ring * (AROUND + 1) + k
                q = p + AROUND + 1
                self.rows["triangles"] += [[p, p + 1, q], [p + 1, q + 1, q]]
                self.rows["tri_material"] += [material, material]


def body(*, sleeves: bool, hair: bool) -> tuple[Mesh, list[Rect], list[tuple[Rect, tuple[int, int, int]]]]:
    """The mesh, where in the texture clothes are, and the colours of the texture."""
    mesh = Mesh()
    trunk, legs = (0.64, 0.50, 1.0, 0.98), (0.30, 0.50, 0.63, 0.98)
    mesh.tube(
        (0, 0.88, -0.02),
        (0, 1.50, -0.02),
        0.16,
        trunk,
        {0.0: ("Hips", Region.HIP), 0.2: ("Spine", Region.TORSO), 0.5: ("Spine2", Region.TORSO)},
    )
    mesh.tube(
        (0, 1.44, 0.02),
        (0, 1.79, 0.05),
        0.09,
        (0.1, 0.1, 0.6, 0.4),
        {0.0: ("Neck", Region.NECK), 0.4: ("Head", Region.HEAD)},
    )
    clothes, colours = [trunk, legs], [(trunk, SHIRT), (legs, TROUSERS)]
    for side, sign in SIDES.items():
        half = (0.50, 0.73) if sign > 0 else (0.75, 0.98)
        mesh.tube(
            (sign * 0.10, 0.12, 0.0),
            (sign * 0.09, 0.96, 0.0),
            0.08,
            (0.30, half[0], 0.63, half[1]),
            {0.0: (f"{side}Leg", Region.SHIN), 0.5: (f"{side}UpLeg", Region.THIGH)},
        )
        arm = (0.05, 0.80, 0.24, 0.98) if sign > 0 else (0.65, 0.20, 0.76, 0.38)
        mesh.tube(
            (sign * 0.16, 1.46, 0),
            (sign * 0.66, 1.47, 0),
            0.05,
            arm,
            {0.0: (f"{side}Arm", Region.UPPER_ARM), 0.5: (f"{side}ForeArm", Region.FOREARM)},
        )
        hand = (0.02, 0.62, 0.2, 0.74) if sign > 0 else (0.64, 0.02, 0.8, 0.1)
        mesh.tube(
            (sign * 0.64, 1.47, 0), (sign * 0.8, 1.47, 0), 0.04, hand, {0.0: (f"{side}Hand", Region.HAND)}
        )
        shoe = (0.8, 0.12, 0.98, 0.24) if sign > 0 else (0.8, 0.26, 0.98, 0.38)
        mesh.tube(
            (sign * 0.10, 0.045, -0.1),
            (sign * 0.10, 0.045, 0.18),
            0.045,
            shoe,
            {0.0: (f"{side}Foot", Region.FOOT)},
        )
        clothes += [shoe, *([arm] if sleeves else [])]
        colours += [(shoe, SHOES), *([(arm, SHIRT)] if sleeves else [])]
    if hair:
        mesh.tube((0, 1.5, -0.05), (0, 1.8, 0.0), 0.1, (0.0, 0.0, 1.0, 1.0), {0.0: ("Head", Region.HAIR)}, 1)
    return mesh, clothes, colours


def painted(size: int, colours: list[tuple[Rect, tuple[int, int, int]]]) -> NDArray[np.uint8]:
    """A texture with a little noise, as a photograph has."""
    out = np.full((size, size, 3), SKIN, np.int16)
    for (left, top, right, bottom), colour in colours:
        out[int(top * size) : int(bottom * size) + 1, int(left * size) : int(right * size) + 1] = colour
    noise = np.random.default_rng(0).integers(-6, 7, out.shape[:2])
    return np.asarray(np.clip(out + noise[..., None], 0, 255), np.uint8)


def write_figure(
    folder: Path,
    name: str,
    *,
    sleeves: bool = True,
    hair: bool = False,
    changes: Mapping[str, Any] | None = None,
) -> None:
    """Write one figure; `changes` replaces arrays of its file, and None leaves them out."""
    mesh, dressed, colours = body(sleeves=sleeves, hair=hair)
    places = np.array(list(joints().values()))
    inverse = np.tile(np.eye(4, dtype=np.float32), (len(places), 1, 1))
    inverse[:, :3, 3] = -places
    clothes = np.zeros((256, 256), np.uint8)
    for left, top, right, bottom in dressed:
        clothes[int(top * 256) : int(bottom * 256) + 1, int(left * 256) : int(right * 256) + 1] = 1
    count = len(mesh.rows["positions"])
    arrays = {
        "positions": np.array(mesh.rows["positions"], np.float32),
        "uv": np.array(mesh.rows["uv"], np.float16),
        "triangles": np.array(mesh.rows["triangles"], np.uint16),
        "tri_material": np.array(mesh.rows["tri_material"], np.uint8),
        "joint_index": np.array(mesh.rows["joint_index"], np.uint8),
        "joint_weight": np.tile(np.array([255, 0, 0, 0], np.uint8), (count, 1)),
        "region": np.array(mesh.rows["region"], np.uint8),
        "inverse_bind": inverse,
        "joint_names": np.array(mesh.names),
        "clothes": np.packbits(clothes, axis=1),
    }
    kept: dict[str, Any] = {
        key: value for key, value in (arrays | dict(changes or {})).items() if value is not None
    }
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / f"{name}.npz", **kept)
    Image.fromarray(painted(TEXTURE, colours)).save(folder / f"{name}.webp", lossless=True)
    if hair:
        Image.fromarray(painted(64, [((0, 0, 1, 1), HAIR)])).save(folder / f"{name}.hair.webp", lossless=True)


def write_index(folder: Path, people: Mapping[str, tuple[str, str, int]]) -> None:
    """Write index.json: name -> gender, outfit, outfit group."""
    records = [
        {"name": name, "gender": gender, "outfit": outfit, "outfit_group": group}
        for name, (gender, outfit, group) in people.items()
    ]
    (folder / "index.json").write_text(json.dumps({"people": records}))


def write_people(folder: Path) -> Path:
    """A directory of four figures, two of which wear the same."""
    write_figure(folder, "ann", hair=True)
    write_figure(folder, "bea", sleeves=False)
    write_figure(folder, "carl", sleeves=False)
    write_figure(folder, "dan")
    outfits = {
        "ann": ("F", "Casual", 0),
        "bea": ("F", "Casual", 1),
        "carl": ("M", "Casual", 1),
        "dan": ("M", "Casual", 2),
    }
    write_index(folder, outfits)
    return folder
