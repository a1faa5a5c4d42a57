"""Pieces of a person's mesh: cut, displaced and skinned, all at rest.

Clothing is cut out of a mesh by a signed value per vertex: the renderer keeps what is positive, so hems are
smooth at any length however coarse the mesh. Levels are z in the canonical (template) pose, in metres:
crown 0.81, chin 0.60, collar 0.53, waist 0.09, crotch -0.03, knee -0.35, ankle -0.75, sole -0.82; sleeves
are measured along the arm from the shoulder: elbow 0.25, wrist 0.50.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulation.body import (
    ARM_L,
    ARM_R,
    HEAD,
    LEG_L,
    LEG_R,
    SKIN_VERTICES,
    TORSO,
    Array,
    Body,
    Faces,
    Shape,
)
from simulation.meshes import along_limb, arm_distance, mix_skinning, simplified_skin, vertex_normals
from simulation.wardrobe import BoundMesh, components


class Slot(IntEnum):
    """The kind of a piece; one material each."""

    SKIN = 0
    SHOES = 1
    BOTTOM = 2
    TOP = 3
    OUTER = 4
    HAIR = 5
    HAT = 6
    BAG = 7
    EXTRA = 8  # round the neck
    HELD = 9  # in a hand


# How far towards the camera a slot is drawn, metres: outer layers win over inner ones that poke through less.
LAYER = {
    Slot.SKIN: 0.0,
    Slot.SHOES: 0.012,
    Slot.BOTTOM: 0.016,
    Slot.TOP: 0.026,
    Slot.OUTER: 0.040,
    Slot.HAIR: 0.004,
    Slot.HAT: 0.02,
    Slot.BAG: 0.03,
    Slot.EXTRA: 0.045,
    Slot.HELD: 0.03,
}
ARMHOLE = 0.01  # metres beyond the shoulder at which a sleeveless top ends
FALLING = 0.045  # metres towards the camera: long hair lies over what is worn
NECK_HALF = 0.078  # half the width of a collar, metres
NAPE = 0.025  # metres a collar is higher behind than in front
TOES = -0.11  # canonical y of the ball of the foot
MARGIN = 0.04  # metres inside a hem from which skin is surely hidden


@dataclass(frozen=True)
class Piece:
    """A mesh at rest: positions, canonical coordinates (N, 3), skinning (N, 6), faces (F, 3), cut (N,)."""

    slot: Slot
    vertices: Array
    canonical: Array
    bones: NDArray[np.uint8]
    weights: Array
    faces: Faces
    cut: Array  # what is positive is kept
    region: NDArray[np.uint8]  # (N,) body region
    layer: float
    uv: Array | None = None  # (N, 2) of a photographed piece, in its figure's texture; v downwards
    smooth: Array | None = None  # (N, 3) unit normals where faces alone do not give them

    @property
    def lowest(self) -> float:
        """Canonical level of the lower edge."""
        return float(self.canonical[self.cut > 0, 2].min())

    @cached_property
    def normals(self) -> Array:
        """Unit normals at rest (N, 3)."""
        if self.smooth is not None:
            return self.smooth
        return vertex_normals(self.vertices, self.faces)


class Tailor:
    """Cuts pieces for one body shape."""

    def __init__(self, body: Body, shape: Shape) -> None:
        self.body = body
        self.shape = shape
        self.regions = body.regions()
        self.along_arm = arm_distance(body)

    def from_base(self, slot: Slot, faces: Faces, cut: Array, thickness: float) -> Piece:
        """A piece out of base-mesh faces, pushed out by `thickness` metres along the normals."""
        faces = faces[(cut[faces] > 0).any(1)]
        used, index = np.unique(faces, return_inverse=True)
        faces = index.reshape(-1, 3).astype(np.int32)
        vertices = self.shape.vertices[used]
        if thickness:
            vertices = vertices + thickness * vertex_normals(vertices, faces)
        return Piece(
            slot,
            vertices,
            self.body.template[used],
            self.body.skin_bones[used],
            self.body.skin_weights[used],
            faces,
            cut[used],
            self.regions[used],
            LAYER[slot],
        )

    def skin(self, worn: Sequence[Piece]) -> Piece:
        """The skin that is not surely covered by what is worn."""
        hidden = np.zeros(len(self.body.template), bool)
        for piece in worn:
            hidden |= self.covered_by(piece)
        faces = simplified_skin()
        faces = faces[~hidden[faces].all(1)]
        return self.from_base(Slot.SKIN, faces, np.ones(len(hidden), np.float32), 0.0)

    def covered_by(self, piece: Piece) -> NDArray[np.bool_]:
        """Which base vertices lie well inside a garment, judged by the garment's canonical extent."""
        t = self.body.template
        out = np.zeros(len(t), bool)
        kept = piece.cut > 0
        if piece.slot not in (Slot.TOP, Slot.BOTTOM, Slot.OUTER, Slot.SHOES) or not kept.any():
            return out
        z, region = piece.canonical[kept, 2], piece.region[kept]
        if piece.slot == Slot.SHOES:
            return np.asarray(self.is_leg() & (t[:, 2] < z.max() - 0.035))
        trunk = np.isin(region, (TORSO, LEG_L, LEG_R, HEAD))
        if trunk.any():
            low, high = z[trunk].min() + MARGIN, z[trunk].max() - MARGIN
            body = ~self.is_arm() & (self.regions != HEAD)
            if piece.slot != Slot.BOTTOM:
                body &= (np.abs(t[:, 0]) < 0.14) | (t[:, 2] < 0.40)  # armholes and shoulders stay
            out |= body & (t[:, 2] > low) & (t[:, 2] < high)
        arms = np.isin(region, (ARM_L, ARM_R))
        if arms.any():
            side = [
                along_limb(self.body, s, piece.canonical[kept][region == r])
                for s, r in (("L", ARM_L), ("R", ARM_R))
                if (region == r).any()
            ]
            reach = min(float(s.max()) for s in side)
            out |= self.is_arm() & (self.along_arm > 0.06) & (self.along_arm < reach - MARGIN)
        return out

    def reaches_wrist(self, piece: Piece) -> bool:
        """Return whether a top has long sleeves."""
        left = piece.region == ARM_L
        return bool(left.any()) and float(along_limb(self.body, "L", piece.canonical[left]).max()) > 0.4

    def is_leg(self) -> NDArray[np.bool_]:
        """Which base vertices belong to a leg."""
        return np.asarray((self.regions == LEG_L) | (self.regions == LEG_R))

    def is_arm(self) -> NDArray[np.bool_]:
        """Which base vertices belong to an arm."""
        return np.asarray((self.regions == ARM_L) | (self.regions == ARM_R))

    def top(self, slot: Slot, *, sleeve: float, hem: float, collar: float, thickness: float) -> Piece:
        """Shirt, jumper or jacket out of the tights: sleeve length (0 = none), hem and collar levels."""
        z = self.body.template[:, 2]
        neck = self.outside_collar(collar)
        torso = np.minimum(z - hem, neck)
        arm = np.minimum(sleeve - self.along_arm, neck)
        cut = np.where(self.is_arm(), arm, torso)
        if sleeve <= 0:
            cut = np.minimum(cut, ARMHOLE - self.past_shoulder())
        cut = cut.astype(np.float32)
        return self.from_base(slot, self.body.tights, cut, thickness)

    def outside_collar(self, level: float) -> Array:
        """How far a vertex lies below the collar or beside the neck (V,); negative in the opening."""
        x, y, z = self.body.template.T
        # Higher at the nape than at the throat; the shoulders beside the neck reach above both.
        rise = np.clip((y + 0.06) / 0.08, 0, 1) * NAPE
        return np.asarray(np.maximum(level + rise - z, np.abs(x) - NECK_HALF), np.float32)

    def past_shoulder(self) -> Array:
        """How far a vertex lies beyond the shoulder along the upper arm, metres (V,); -1 elsewhere."""
        t = self.body.template
        out = np.full(len(t), -1.0, np.float32)
        for side, sign in (("L", 1), ("R", -1)):
            shoulder = self.body.template_heads[self.body.bone(f"upperarm01.{side}")]
            near = (t[:, 0] * sign > 0) & (self.is_arm() | (t[:, 2] > shoulder[2] - 0.08))
            out[near] = along_limb(self.body, side, t[near])
        return out

    def trousers(self, *, hem: float, waist: float, thickness: float, flare: float = 0.0) -> Piece:
        """Trousers, shorts or leggings out of the tights; `flare` widens the lower leg, metres."""
        z = self.body.template[:, 2]
        cut = np.where(self.is_arm(), -1.0, np.minimum(waist - z, z - hem)).astype(np.float32)
        piece = self.from_base(Slot.BOTTOM, self.body.tights, cut, thickness)
        if flare:
            below = np.clip((-0.30 - piece.canonical[:, 2]) / 0.45, 0, 1)[:, None]
            normals = vertex_normals(piece.vertices, piece.faces) * np.array([1, 1, 0], np.float32)
            piece = replace(piece, vertices=piece.vertices + flare * below * normals)
        return piece

    def over(self, piece: Piece, clearance: float) -> Piece:
        """The piece with its part below the waist pushed out by `clearance` metres: it falls over another."""
        below = np.clip((0.16 - piece.canonical[:, 2]) / 0.10, 0, 1)[:, None]
        below[np.isin(piece.region, (ARM_L, ARM_R))] = 0.0
        return replace(
            piece, vertices=(piece.vertices + clearance * below * piece.normals).astype(np.float32)
        )

    def skirt(self, slot: Slot, *, hem: float, thickness: float) -> Piece:
        """A skirt, or the lower part of a dress or coat."""
        cut = (self.body.template[:, 2] - hem).astype(np.float32)
        return self.from_base(slot, self.body.skirt, cut, thickness)

    def plain_shoes(self, *, shaft: float, sole: float) -> Piece:
        """Closed shoes out of the feet; `shaft` is their upper edge (z), `sole` their thickness in metres."""
        z = self.body.template[:, 2]
        ankle = np.where(self.is_leg(), shaft - z, -1.0)
        # The toes end under a cap of their own (accessories.toe_caps).
        cut = np.minimum(ankle, np.maximum(self.body.template[:, 1] - TOES, z + 0.75)).astype(np.float32)
        piece = self.from_base(Slot.SHOES, self.body.skin_faces, cut, 0.009)
        # Toes are joined by moving the surface towards a smooth last: flatten what is below the ankle.
        toe = np.clip((-0.79 - piece.canonical[:, 2]) / 0.03, 0, 1)[:, None]
        lowered = piece.vertices - toe * np.array([0, 0, sole], np.float32)
        return replace(piece, vertices=lowered.astype(np.float32))

    def scalp(self, slot: Slot, *, thickness: float, front: float, back: float) -> Piece:
        """Short hair, a cap or a beanie out of the scalp: lower edge at `front` and `back` (z)."""
        t = self.body.template
        share = np.clip((t[:, 1] + 0.14) / 0.2, 0, 1)
        edge = front + (back - front) * share
        cut = np.where(self.regions == HEAD, t[:, 2] - edge, -1.0).astype(np.float32)
        cut[SKIN_VERTICES:] = -1.0
        return self.from_base(slot, self.body.skin_faces, cut, thickness)

    def long_hair(self, *, length: float, crown: float, thickness: float) -> Piece:
        """Long hair out of the hair helper, from level `crown` down to level `length`."""
        x, y, z = self.body.template.T
        face = np.maximum(np.maximum(np.abs(x) - 0.062, y + 0.05), z - 0.752)  # stays free
        cut = np.minimum(np.minimum(z - length, crown - z), face).astype(np.float32)
        return replace(self.from_base(Slot.HAIR, self.body.hair, cut, thickness), layer=FALLING)

    def bound(
        self, slot: Slot, mesh: BoundMesh, *, thickness: float = 0.0, keep: NDArray[np.bool_] | None = None
    ) -> Piece:
        """A wardrobe mesh fitted to this body; `keep` (N,) marks the vertices wanted."""
        base_weights = np.abs(mesh.weights) / np.abs(mesh.weights).sum(1, keepdims=True)
        bones, weights = mix_skinning(self.body, mesh.anchors, base_weights.astype(np.float32))
        fitted, canonical = mesh.fit(self.shape.vertices), mesh.fit(self.body.template)
        faces = mesh.faces if keep is None else mesh.faces[keep[mesh.faces].all(1)]
        used, index = np.unique(faces, return_inverse=True)
        faces = index.reshape(-1, 3).astype(np.int32)
        vertices = fitted[used]
        if thickness:
            vertices = vertices + thickness * vertex_normals(vertices, faces)
        cut = np.ones(len(used), np.float32)
        region = self.regions[mesh.anchors[used, 0]]
        return Piece(
            slot, vertices, canonical[used], bones[used], weights[used], faces, cut, region, LAYER[slot]
        )


def halves(body: Body, mesh: BoundMesh) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which vertices of an outfit are its upper and its lower garments, by the extent of each component."""
    canonical = mesh.fit(body.template)
    label = components(mesh.faces, len(canonical))
    upper = np.zeros(len(canonical), bool)
    lower = np.zeros(len(canonical), bool)
    for part in np.unique(label):
        member = label == part
        z = canonical[member, 2]
        if z.max() > 0.4 and z.min() > -0.25:
            upper |= member
        elif z.max() < 0.25 and member.sum() > 100:
            lower |= member
    return upper, lower
