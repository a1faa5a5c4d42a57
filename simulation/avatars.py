"""Figures of a people directory: rigged meshes with a photographed texture each.

The directory holds index.json, and for each figure NAME.npz, NAME.webp and perhaps NAME.hair.webp. Such files
are data of their users; none is part of the project, which draws people from its own body without them.
docs/simulation.md describes the format.
"""

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from simulation.body import Array, Faces
from simulation.errors import BadPeople

TEXTURE = 512  # edge of a body's texture, pixels
HAIR_TEXTURE = 256
KEPT = 64  # figures kept in memory
LARGEST = 60_000  # vertices
HAIR = 1  # in `Avatar.material`
ARRAYS: Mapping[str, tuple[str, tuple[int | None, ...]]] = {  # kind and shape; None is any length
    "positions": ("f", (None, 3)),
    "uv": ("f", (None, 2)),
    "triangles": ("u", (None, 3)),
    "tri_material": ("u", (None,)),
    "joint_index": ("u", (None, 4)),
    "joint_weight": ("u", (None, 4)),
    "region": ("u", (None,)),
    "inverse_bind": ("f", (None, 4, 4)),
    "joint_names": ("U", (None,)),
    "clothes": ("u", (256, 32)),
}


class Region(IntEnum):
    """Parts of a figure, by the joints that move them most."""

    HEAD = 0
    HAIR = 1
    TORSO = 2
    UPPER_ARM = 3
    FOREARM = 4
    HAND = 5
    HIP = 6
    THIGH = 7
    SHIN = 8
    FOOT = 9
    NECK = 10


@dataclass(frozen=True)
class Entry:
    """A line of index.json."""

    name: str
    female: bool
    outfit: str  # what kind of clothes: Casual, Busi, ...
    group: int  # figures that wear nearly the same share it


@dataclass(frozen=True, eq=False)
class Avatar:
    """A figure at rest, as its files say but in the body's axes: metres, z up, facing -y, the left is +x."""

    entry: Entry
    vertices: Array  # (V, 3)
    uv: Array  # (V, 2), v downwards from the top row
    faces: Faces  # (F, 3)
    material: NDArray[np.uint8]  # (F,) 0 body, 1 hair
    joint_index: NDArray[np.uint8]  # (V, 4)
    joint_weight: Array  # (V, 4), rows sum to 1
    region: NDArray[np.uint8]  # (V,) a Region
    joints: Mapping[str, Array]  # name -> where it is at rest, in the order of joint_index
    texture: NDArray[np.uint8]  # (TEXTURE, TEXTURE, 3) sRGB
    clothes: NDArray[np.bool_]  # (TEXTURE, TEXTURE) clothes or shoes, not skin or hair
    hair: NDArray[np.uint8] | None  # (HAIR_TEXTURE, HAIR_TEXTURE, 3) sRGB

    def dressed(self, region: Region) -> float:
        """Share of a region's vertices that lie under clothes."""
        chosen = self.region == region
        return float(sample(self.clothes, self.uv[chosen]).mean()) if chosen.any() else 0.0


def height(avatar: Avatar) -> float:
    """Sole to crown of a figure in its shoes, without a hair mesh, metres."""
    bare = np.unique(avatar.faces[avatar.material != HAIR])
    return float(np.ptp(avatar.vertices[bare, 2]))


class People:
    """The figures of a directory, by outfit; empty without one."""

    def __init__(self, directory: Path | None = None) -> None:
        self.directory = directory
        self.groups: dict[int, list[Entry]] = {}
        for entry in [] if directory is None else read_index(directory):
            self.groups.setdefault(entry.group, []).append(entry)

    def __bool__(self) -> bool:
        return bool(self.groups)

    def draw(self, rng: np.random.Generator, female: bool | None = None) -> Entry:
        """A figure: every outfit as likely as any other, however many people wear it."""
        fitting = {
            group: [entry for entry in entries if female is None or entry.female == female]
            for group, entries in self.groups.items()
        }
        groups = [entries for entries in fitting.values() if entries] or list(self.groups.values())
        entries = groups[int(rng.integers(len(groups)))]
        return entries[int(rng.integers(len(entries)))]

    def like(self, rng: np.random.Generator, entry: Entry) -> Entry:
        """Somebody of the same sex in the same outfit, perhaps the figure itself."""
        same = [other for other in self.groups[entry.group] if other.female == entry.female]
        return same[int(rng.integers(len(same)))]

    def load(self, entry: Entry) -> Avatar:
        """A figure's files. Raises BadPeople."""
        assert self.directory is not None
        return read_avatar(self.directory, entry)


def fingerprint(directory: Path) -> str:
    """SHA-256 over names and contents of a people directory's files. Raises BadPeople."""
    digest = sha256()
    for entry in read_index(directory):
        for suffix in (".npz", ".webp", ".hair.webp"):
            path = directory / f"{entry.name}{suffix}"
            if path.exists():
                digest.update(f"{path.name}\0{entry}\0".encode())
                digest.update(sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def read_index(directory: Path) -> list[Entry]:
    """Return the entries of index.json. Raises BadPeople."""
    path = directory / "index.json"
    try:
        records = json.loads(path.read_text(encoding="utf-8"))["people"]
        entries = [
            Entry(str(r["name"]), r["gender"] == "F", str(r["outfit"]), int(r["outfit_group"]))
            for r in records
        ]
    except OSError as error:
        raise BadPeople(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadPeople(f"{path}: {error!r}") from error
    if not entries or any(Path(entry.name).name != entry.name for entry in entries):
        raise BadPeople(f"{path}: lists nobody, or a name with a folder in it")
    return sorted(entries, key=lambda entry: entry.name)


@lru_cache(KEPT)
def read_avatar(directory: Path, entry: Entry) -> Avatar:
    """Read one figure. Raises BadPeople."""
    path = directory / f"{entry.name}.npz"
    arrays = read_arrays(path)
    check_numbers(path, arrays)
    names = [str(name) for name in arrays["joint_names"]]
    at_rest = np.linalg.inv(arrays["inverse_bind"].astype(np.float64))[:, :3, 3]
    weight = arrays["joint_weight"].astype(np.float64)
    hair = bool((arrays["tri_material"] == HAIR).any())
    clothes = Image.fromarray(np.unpackbits(arrays["clothes"], axis=1) * np.uint8(255))
    return Avatar(
        entry,
        turned(arrays["positions"]),
        arrays["uv"].astype(np.float32),
        arrays["triangles"].astype(np.int32),
        arrays["tri_material"].astype(np.uint8),
        arrays["joint_index"].astype(np.uint8),
        (weight / weight.sum(1, keepdims=True)).astype(np.float32),
        arrays["region"].astype(np.uint8),
        dict(zip(names, turned(at_rest), strict=True)),
        read_texture(path.with_suffix(".webp"), TEXTURE),
        np.asarray(clothes.resize((TEXTURE, TEXTURE), Image.Resampling.BILINEAR)) > 127,
        read_texture(path.with_suffix(".hair.webp"), HAIR_TEXTURE) if hair else None,
    )


def turned(points: NDArray[np.floating]) -> Array:
    """From the file's axes (y up, facing +z) to the body's."""
    return np.stack([points[:, 0], -points[:, 2], points[:, 1]], 1).astype(np.float32)


def read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a figure file with the kinds and shapes of the format. Raises BadPeople."""
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in ARRAYS}
    except OSError as error:
        raise BadPeople(f"{path}: {error.strerror or error}") from error
    except (ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
        raise BadPeople(f"{path}: {error}") from error
    for name, (kind, shape) in ARRAYS.items():
        array = arrays[name]
        fits = array.ndim == len(shape) and all(
            wanted in (None, length) for wanted, length in zip(shape, array.shape, strict=True)
        )
        if array.dtype.kind != kind or not fits:
            raise BadPeople(f"{path}: {name} is {array.dtype} {array.shape}")
    return arrays


def check_numbers(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Refuse arrays that do not belong together, or point beyond each other. Raises BadPeople."""
    count, joints = len(arrays["positions"]), len(arrays["joint_names"])
    faces = arrays["triangles"]
    a_vertex = ("uv", "joint_index", "joint_weight", "region")
    if not 3 <= count <= LARGEST or any(len(arrays[name]) != count for name in a_vertex):
        raise BadPeople(f"{path}: {count} vertices, and others of what they have")
    if len(faces) != len(arrays["tri_material"]) or not len(faces) or faces.max() >= count:
        raise BadPeople(f"{path}: triangles of vertices that are not there")
    if len(arrays["inverse_bind"]) != joints or arrays["joint_index"].max() >= joints:
        raise BadPeople(f"{path}: weights of joints that are not there")
    reals = [arrays[name] for name in ("positions", "uv", "inverse_bind")]
    if not all(np.isfinite(array).all() for array in reals):
        raise BadPeople(f"{path}: numbers that are not finite")
    if arrays["region"].max() >= len(Region):
        raise BadPeople(f"{path}: regions beyond the format")
    if not arrays["joint_weight"].any(1).all() or np.abs(arrays["positions"]).max() > 4:
        raise BadPeople(f"{path}: a vertex without weights, or metres away")
    if (np.abs(np.linalg.det(arrays["inverse_bind"].astype(np.float64))) < 1e-9).any():
        raise BadPeople(f"{path}: a joint without a place")


def read_texture(path: Path, size: int) -> NDArray[np.uint8]:
    """A picture at a size. Raises BadPeople."""
    try:
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB").resize((size, size), Image.Resampling.BOX))
    except UnidentifiedImageError as error:
        raise BadPeople(f"{path}: not a picture") from error
    except OSError as error:
        raise BadPeople(f"{path}: {error.strerror or error}") from error


def sample(picture: NDArray[Any], uv: NDArray[np.floating] | Sequence[Sequence[float]]) -> NDArray[Any]:
    """The nearest texels (N, ...) of a square picture at uv (N, 2)."""
    size = len(picture)
    at = np.clip((np.asarray(uv) * size).astype(int), 0, size - 1)
    return np.asarray(picture[at[:, 1], at[:, 0]])
