"""Measures of meshes on the body: skinning, arms, normals, and the skin with fewer triangles."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from simulation.body import ARM_L, ARM_R, HEAD, LEG_L, LEG_R, Array, Body, Faces, load_body
from simulation.simplify import join_cells

FINE = 1e-4  # metres: cells in which no two vertices of the body lie


@cache
def simplified_skin() -> Faces:
    """The skin with fewer triangles where they would be too small to see: mouth, hands, feet, back head."""
    body = load_body()
    t, region = body.template, body.regions()
    cell = np.full(len(t), FINE)
    cell[region == HEAD] = 0.010
    cell[(region == HEAD) & (t[:, 1] > -0.02)] = 0.018
    cell[arm_distance(body) > 0.48] = 0.014
    cell[((region == LEG_L) | (region == LEG_R)) & (t[:, 2] < -0.74)] = 0.014
    labels = region.astype(np.int64) * 32 + np.round(cell * 1000).astype(np.int64)
    return join_cells(t, body.skin_faces, cell, labels)


def mix_skinning(body: Body, anchors: NDArray[np.int32], weights: Array) -> tuple[NDArray[np.uint8], Array]:
    """Skinning of points that hang on three base vertices each: the strongest six bones of the mixture."""
    count, slots = len(anchors), body.skin_bones.shape[1]
    dense = np.zeros((count, len(body.bone_names)), np.float32)
    rows = np.arange(count)
    for corner in range(3):
        for slot in range(slots):
            vertex = anchors[:, corner]
            np.add.at(
                dense,
                (rows, body.skin_bones[vertex, slot]),
                weights[:, corner] * body.skin_weights[vertex, slot],
            )
    order = np.argsort(-dense, axis=1, kind="stable")[:, :slots]
    kept = np.take_along_axis(dense, order, 1)
    return order.astype(np.uint8), kept / kept.sum(1, keepdims=True)


@cache
def arm_distance(body: Body) -> Array:
    """Distance along the arm from the shoulder, canonical metres (V,); meaningful on arm vertices."""
    out = np.zeros(len(body.template), np.float32)
    regions = body.regions()
    for region, side in ((ARM_L, "L"), (ARM_R, "R")):
        member = regions == region
        out[member] = along_limb(body, side, body.template[member])
    out.flags.writeable = False
    return out


def along_limb(body: Body, side: str, points: Array) -> Array:
    """Arc length of the nearest point on shoulder-elbow-wrist, (N,)."""
    shoulder, elbow, wrist = (
        body.template_heads[body.bone(f"{n}.{side}")] for n in ("upperarm01", "lowerarm01", "wrist")
    )
    upper, fore = elbow - shoulder, wrist - elbow
    length = np.sqrt((upper**2).sum())
    first = ((points - shoulder) * (upper / length)).sum(-1)
    second = ((points - elbow) * (fore / np.sqrt((fore**2).sum()))).sum(-1)
    return np.asarray(np.where(first < length, first, length + second), np.float32)


def vertex_normals(vertices: Array, faces: Faces) -> Array:
    """Area-weighted unit normals (N, 3)."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    face = np.cross(b - a, c - a).astype(np.float64)
    corners, count = faces.T.ravel(), len(vertices)
    out = np.stack([np.bincount(corners, np.tile(face[:, axis], 3), count) for axis in range(3)], 1)
    return np.asarray(out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12), np.float32)
