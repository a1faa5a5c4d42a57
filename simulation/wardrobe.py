"""Garments of a wardrobe directory: MakeHuman clothes bound to the base mesh (.mhclo with .obj).

The directory holds clothes/<name>/<name>.mhclo and hair/<name>/<name>.mhclo. Such files are data of their
users; none is part of the project, which dresses people from the body's own helper meshes without them.

A garment vertex lies at a barycentric point of three body vertices plus an offset that scales with body
extents (MakeHuman community documentation, "MHCLO file format").
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulation.body import Array, Faces
from simulation.errors import BadWardrobe

BASE_VERTICES = 19158
LARGEST = 1000.0  # weight, or offset in decimetres
LARGEST_FILE = 64 << 20


@dataclass(frozen=True)
class BoundMesh:
    """A mesh bound to the body: base vertices (N, 3), their weights (N, 3), offsets (N, 3) in decimetres."""

    name: str
    anchors: NDArray[np.int32]
    weights: Array
    offsets: Array
    scales: Sequence[
        tuple[int, int, int, float]
    ]  # axis, two base vertices, their distance on the author's body
    faces: Faces

    def fit(self, vertices: Array) -> Array:
        """Positions (N, 3) on a body whose rest vertices (19158, 3) are given, metres."""
        scale = np.ones(3, np.float32)
        for axis, first, second, distance in self.scales:
            along = (0, 2, 1)[axis]  # MakeHuman has y up and looks along +z
            scale[axis] = abs(float(vertices[first, along] - vertices[second, along])) * 10 / distance
        offset = self.offsets * scale
        turned = np.stack([offset[:, 0], -offset[:, 2], offset[:, 1]], 1) * np.float32(0.1)
        anchored = (vertices[self.anchors] * self.weights[:, :, None]).sum(1)
        return np.asarray(anchored + turned, np.float32)


def fingerprint(directory: Path) -> str:
    """SHA-256 over names and contents of a wardrobe's files. Raises BadWardrobe when there is none."""
    paths = sorted(path for path in directory.glob("*/*/*") if path.suffix in {".mhclo", ".obj"})
    if not paths:
        raise BadWardrobe(f"{directory} holds no clothes/<name>/<name>.mhclo and no hair")
    digest = sha256()
    for path in paths:
        digest.update(f"{path.relative_to(directory)}\0".encode())
        digest.update(sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def read_mesh(path: Path) -> BoundMesh:
    """Read one .mhclo with its .obj. Raises BadWardrobe with file and line."""
    anchors: list[list[int]] = []
    weights: list[list[float]] = []
    offsets: list[list[float]] = []
    scales: list[tuple[int, int, int, float]] = []
    geometry: Path | None = None
    inside = False
    for number, line in enumerate(read_text(path).splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            if words[0] == "obj_file":
                geometry = path.parent / Path(words[1]).name
            elif words[0] in ("x_scale", "y_scale", "z_scale"):
                scales.append(("xyz".index(words[0][0]), int(words[1]), int(words[2]), float(words[3])))
            elif inside and words[0].isdigit():
                row = [int(words[0])] * 3 if len(words) == 1 else [int(word) for word in words[:3]]
                anchors.append(row)
                weights.append([1, 0, 0] if len(words) == 1 else [float(word) for word in words[3:6]])
                offsets.append([0, 0, 0] if len(words) == 1 else [float(word) for word in words[6:9]])
            elif words[0] in ("verts", "delete_verts"):
                inside = words[0] == "verts"
        except (ValueError, IndexError) as error:
            raise BadWardrobe(f"{path}:{number}: {error}") from error
    if geometry is None or not anchors:
        raise BadWardrobe(f"{path}: no obj_file or no vertices")
    mesh = bound_mesh(path, anchors, weights, offsets, scales)
    return replace(mesh, faces=read_faces(geometry, len(anchors)))


def bound_mesh(
    path: Path,
    anchors: list[list[int]],
    weights: list[list[float]],
    offsets: list[list[float]],
    scales: list[tuple[int, int, int, float]],
) -> BoundMesh:
    """The mesh without its faces. Raises BadWardrobe when numbers are missing, endless or beyond the body."""
    named = [*(row for row in anchors), *([first, second] for _, first, second, _ in scales)]
    if not all(0 <= vertex < BASE_VERTICES for row in named for vertex in row):
        raise BadWardrobe(f"{path}: bound to a vertex the body does not have")
    if not all(len(row) == 3 for rows in (anchors, weights, offsets) for row in rows):
        raise BadWardrobe(f"{path}: a vertex line has neither one nor nine numbers")
    shares, shifts = np.array(weights, np.float64), np.array(offsets, np.float64)
    extents = [distance for *_, distance in scales]
    if not all(np.isfinite(values).all() for values in (shares, shifts, extents)):
        raise BadWardrobe(f"{path}: numbers that are not finite")
    if np.abs(shares).max() > LARGEST or np.abs(shifts).max() > LARGEST or any(d < 1e-6 for d in extents):
        raise BadWardrobe(f"{path}: weights or offsets too large, or an extent of nothing")
    if (np.abs(shares).sum(1) < 1e-6).any():
        raise BadWardrobe(f"{path}: a vertex without weights")
    none = np.zeros((0, 3), np.int32)
    bound = np.array(anchors, np.int32)
    return BoundMesh(path.stem, bound, shares.astype(np.float32), shifts.astype(np.float32), scales, none)


def read_faces(path: Path, vertices: int) -> Faces:
    """Triangles of a Wavefront file with `vertices` vertices, (F, 3)."""
    faces: list[list[int]] = []
    count = 0
    for number, line in enumerate(read_text(path).splitlines(), 1):
        words = line.split()
        if words[:1] == ["v"]:
            count += 1
        elif words[:1] == ["f"]:
            try:
                corner = [int(word.split("/")[0]) - 1 for word in words[1:]]
            except ValueError as error:
                raise BadWardrobe(f"{path}:{number}: {error}") from error
            faces.extend([corner[0], corner[k], corner[k + 1]] for k in range(1, len(corner) - 1))
    inside = all(0 <= vertex < count for face in faces for vertex in face)
    triangles = np.array(faces if inside else [], np.int32).reshape(-1, 3)
    if count != vertices or not len(triangles):
        raise BadWardrobe(
            f"{path}: {count} vertices where the garment binds {vertices}, or faces beyond them"
        )
    return triangles


def read_text(path: Path) -> str:
    """The file's text; garment files come in several encodings and only their ASCII part matters."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BadWardrobe(f"{path}: larger than {LARGEST_FILE} bytes")
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise BadWardrobe(f"{path}: {error.strerror}") from error
    except ValueError as error:  # a null byte in the name
        raise BadWardrobe(f"{path!r}: {error}") from error


def components(faces: Faces, vertices: int) -> NDArray[np.int32]:
    """Label (V,) of each vertex's connected component, by repeated minimum over faces."""
    label = np.arange(vertices, dtype=np.int32)
    while True:
        least = label[faces].min(1)
        new = label.copy()
        for corner in range(3):
            np.minimum.at(new, faces[:, corner], least)
        new = new[new]
        if np.array_equal(new, label):
            return label
        label = new
