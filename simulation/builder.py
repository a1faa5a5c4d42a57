"""Geometry of a place: boxes and balls with their surfaces."""

import numpy as np
from numpy.typing import NDArray

from simulation.body import Array, Faces
from simulation.scene import SURFACES

LUMPS = 0.18  # share by which a crown's surface goes in and out


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
        top: float = 0.0,
    ) -> int:
        """Add a surface and return its number; when the table is full an earlier one is used again."""
        if len(self.surfaces) == SURFACES:
            return int(self.rng.integers(SURFACES))
        b, c = a if b is None else b, a if c is None else c
        row = [
            [*a, pattern],
            [*b, scale],
            [*c, duty],
            [float(self.rng.integers(1000)), float(band), gloss, top],
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
