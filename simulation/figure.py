"""Meshes on the GPU: people and what stands around them."""

from collections.abc import Sequence

import moderngl
import numpy as np
from numpy.typing import NDArray

from simulation.body import Array, Faces
from simulation.pieces import Piece
from simulation.scene import SURFACES
from simulation.simplify import join_cells

# Edge of the cells whose vertices are one, metres: where a person is small on the picture, and in shadows.
COARSE, SHADOW = 0.018, 0.05

PERSON_LAYOUT = (
    ("position", "3f"),
    ("normal", "3f"),
    ("canonical", "3f"),
    ("weights_a", "4f"),
    ("weights_b", "4f"),
    ("tags", "4f"),
    ("bones_a", "4i"),
    ("bones_b", "4i"),
    ("uv", "2f"),
)
NO_PHOTOGRAPH = -1.0  # u and v of what is not photographed


class Figure:
    """A person's mesh, materials (slots, 10, 4), prints (2, S, S, 4), perhaps a photograph (H, W, 5).

    `lit` draws all of it, `coarse` the same with fewer triangles, `shadow` what casts its shadow. A figure
    with a photograph is drawn by the program for such figures, has no coarse mesh (a texture does not survive
    that its vertices are joined), and shows both sides of its cloth.
    """

    def __init__(
        self,
        context: moderngl.Context,
        lit: moderngl.Program,
        shadow: moderngl.Program,
        *,
        pieces: Sequence[Piece],
        materials: Array,
        prints: NDArray[np.uint8],
        photograph: NDArray[np.uint8] | None = None,
    ) -> None:
        vertices, faces, offset = [], [], 0
        for piece in pieces:
            vertices.append(interleave(piece))
            faces.append(piece.faces + offset)
            offset += len(piece.vertices)
        points = np.concatenate([piece.vertices for piece in pieces])
        mesh, labels = np.concatenate(faces), sides(pieces)
        self._vertices = context.buffer(np.concatenate(vertices).tobytes())
        self._faces = [
            context.buffer(indices.astype("<i4").tobytes())
            for indices in (
                mesh,
                mesh if photograph is not None else join_cells(points, mesh, COARSE, labels),
                join_cells(points, mesh, SHADOW, labels >> 3),
            )
        ]
        self.materials = context.buffer(materials.astype("<f4").tobytes())
        size = prints.shape[1]
        self.prints = context.texture_array((size, size, 2), 4, prints.tobytes())
        self.prints.build_mipmaps()
        self.prints.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        self.photograph: moderngl.Texture | None = None
        if photograph is not None:
            size_of = photograph.shape[1::-1]
            self.photograph = context.texture(size_of, 4, photograph[..., :4].tobytes())
            self.garments = context.texture(size_of, 1, photograph[..., 4].tobytes(), alignment=1)
            self.garments.filter = (moderngl.NEAREST, moderngl.NEAREST)
            self.photograph.build_mipmaps()
            self.photograph.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        self.lit, self.coarse, self.shadow = (
            self._bind(context, program, indices)
            for program, indices in zip((lit, lit, shadow), self._faces, strict=True)
        )

    def _bind(
        self, context: moderngl.Context, program: moderngl.Program, indices: moderngl.Buffer
    ) -> moderngl.VertexArray:
        used = [(name, size) for name, size in PERSON_LAYOUT]
        layout = " ".join(size if name in program else f"{int(size[0]) * 4}x" for name, size in used)
        return context.vertex_array(
            program, [(self._vertices, layout, *(n for n, _ in used if n in program))], indices
        )

    def release(self) -> None:
        """Free the GPU memory."""
        for array in (self.lit, self.coarse, self.shadow):
            array.release()
        for buffer in (self._vertices, *self._faces, self.materials):
            buffer.release()
        self.prints.release()
        if self.photograph is not None:
            self.photograph.release()
            self.garments.release()


def sides(pieces: Sequence[Piece]) -> NDArray[np.int64]:
    """A label (N,) a vertex: its piece and region, and in the lowest three bits the way its normal points."""
    labels = []
    for number, piece in enumerate(pieces):
        axis = np.abs(piece.normals).argmax(1)
        forward = np.take_along_axis(piece.normals, axis[:, None], 1)[:, 0] > 0
        labels.append((number * 8 + piece.region.astype(np.int64)) * 8 + axis * 2 + forward)
    return np.concatenate(labels)


def interleave(piece: Piece) -> NDArray[np.int32]:
    """One row a vertex, in the order of PERSON_LAYOUT."""
    count = len(piece.vertices)
    bones = np.zeros((count, 8), np.int32)
    bones[:, : piece.bones.shape[1]] = piece.bones
    weights = np.zeros((count, 8), np.float32)
    weights[:, : piece.weights.shape[1]] = piece.weights
    tags = np.stack([piece.cut, np.full(count, piece.slot), piece.region, np.full(count, piece.layer)], 1)
    reals = np.concatenate([piece.vertices, piece.normals, piece.canonical, weights, tags], 1).astype("<f4")
    uv = np.full((count, 2), NO_PHOTOGRAPH) if piece.uv is None else piece.uv
    return np.concatenate([reals.view("<i4"), bones, uv.astype("<f4").view("<i4")], 1)


class Scenery:
    """Fixed objects of a place: vertices, normals (N, 3), surface numbers (N,), faces, surfaces (S, 4, 4)."""

    def __init__(
        self,
        context: moderngl.Context,
        lit: moderngl.Program,
        shadow: moderngl.Program,
        *,
        vertices: Array,
        normals: Array,
        kinds: Array,
        faces: Faces,
        surfaces: Array,
    ) -> None:
        data = np.concatenate([vertices, normals, kinds[:, None]], 1).astype("<f4")
        table = np.zeros((SURFACES, 4, 4), "<f4")
        table[: len(surfaces)] = surfaces
        self._vertices, self._faces = (
            context.buffer(data.tobytes()),
            context.buffer(faces.astype("<i4").tobytes()),
        )
        self.surfaces = context.buffer(table.tobytes())
        self.lit = context.vertex_array(
            lit, [(self._vertices, "3f 3f 1f", "position", "normal", "material")], self._faces
        )
        self.shadow = context.vertex_array(shadow, [(self._vertices, "3f 16x", "position")], self._faces)

    def release(self) -> None:
        """Free the GPU memory."""
        for item in (self.lit, self.shadow, self._vertices, self._faces, self.surfaces):
            item.release()
