"""A photographed figure at a stature and build of its own, cut into the pieces that it wears."""

import numpy as np

from simulation.avatars import HAIR, Avatar, height
from simulation.body import Array, Shape, load_body, strongest_regions
from simulation.dye import atlas
from simulation.garments import cut_of, welded
from simulation.meshes import vertex_normals
from simulation.pieces import Piece, Slot
from simulation.rig import Rig, blended, inverse, reshaped

STATURE = {True: (1.64, 0.062), False: (1.77, 0.068)}  # female or not: mean and deviation, metres
HEEL = 0.03  # metres of a figure's shoes


def body_of(
    rng: np.random.Generator, avatar: Avatar, hang: Rig, stand_off: Array
) -> tuple[Shape, list[Piece]]:
    """A figure at a stature and build of its own in pieces; `stand_off` (V,) is how loose its clothes are."""
    body = load_body()
    mean, deviation = STATURE[avatar.entry.female]
    stature = float(np.clip(rng.normal(mean, deviation), 1.45, 2.02))
    weight = float(np.clip(rng.normal(0.5, 0.2), 0.05, 0.95))
    parts = {
        "upperleg": rng.uniform(0.96, 1.05),
        "lowerleg": rng.uniform(0.96, 1.05),
        "upperarm": rng.uniform(0.96, 1.04),
        "clavicle": rng.uniform(0.92, 1.06),
    }
    build = 0.82 + 0.3 * weight
    heads, maps = reshaped(hang.heads, (stature + HEEL) / height(avatar), parts, build)
    vertices = blended(maps, hang.bones, hang.weights, avatar.vertices)
    canonical = blended(hang.to_template, hang.bones, hang.weights, avatar.vertices)
    back = np.stack([inverse(affine) for affine in hang.to_template])
    figure = blended(back, body.skin_bones, body.skin_weights, body.template)
    shape = Shape(
        vertices=blended(maps, body.skin_bones, body.skin_weights, figure),
        heads=heads,
        female=avatar.entry.female,
        age=float(rng.uniform(0.42, 0.76)),
        weight=weight,
        muscle=0.5,
        stature=float(np.ptp(vertices[np.unique(avatar.faces[avatar.material == 0]), 2])) - HEEL,
        ancestry=(1 / 3, 1 / 3, 1 / 3),
    )
    label = welded(avatar.vertices)
    first = np.unique(label, return_index=True)[1]
    normals = vertex_normals(vertices[first], label[avatar.faces])[label]
    vertices = vertices + stand_off[:, None] * normals
    normals = vertex_normals(vertices[first], label[avatar.faces])[label]
    return shape, cut_apart(avatar, hang, vertices, canonical, normals)


def cut_apart(avatar: Avatar, hang: Rig, vertices: Array, canonical: Array, normals: Array) -> list[Piece]:
    """A figure's mesh as one piece a slot."""
    slots = cut_of(avatar).slots
    of_hair = np.zeros(len(vertices), bool)
    of_hair[avatar.faces[avatar.material == HAIR]] = True
    uv = atlas(avatar.uv, of_hair)
    regions = strongest_regions(load_body().bone_names, hang.bones, hang.weights)
    pieces = []
    for slot in (Slot.SKIN, Slot.SHOES, Slot.BOTTOM, Slot.TOP, Slot.HAIR):
        used, index = np.unique(avatar.faces[slots == slot], return_inverse=True)
        if len(used):
            pieces.append(
                Piece(
                    slot,
                    vertices[used],
                    canonical[used],
                    hang.bones[used],
                    hang.weights[used],
                    index.reshape(-1, 3).astype(np.int32),
                    np.ones(len(used), np.float32),
                    regions[used],
                    layer=0.0,
                    uv=uv[used],
                    smooth=normals[used],
                )
            )
    return pieces
