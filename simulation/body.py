"""The parametric body: a population of shapes, a skeleton, skinning.

Conventions: metres, z up, the person faces -y, its left is +x. The rest pose has the arms about 45 degrees
out. Vertices are numbered as in MakeHuman's base mesh (19158, helper meshes included), so garments bound to
that mesh fit.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Faces = NDArray[np.int32]

TORSO, ARM_L, ARM_R, LEG_L, LEG_R, HEAD = range(6)
ARM_BONES = ("clavicle", "upperarm", "lowerarm", "wrist", "finger", "metacarpal")
LEG_BONES = ("upperleg", "lowerleg", "foot", "toe")
SKIN_VERTICES = 13380
CHILD = 0.34  # on anny's scale of ages, below it


@dataclass(frozen=True)
class Shape:
    """One person's body at rest: vertices (V, 3), joint heads (J, 3), and who that is."""

    vertices: Array
    heads: Array
    female: bool
    age: float  # anny's scale: below 0.34 a child, 1 old
    weight: float  # 0 thin .. 1 heavy
    muscle: float
    stature: float  # metres, barefoot
    ancestry: tuple[float, float, float]  # african, asian, caucasian

    @property
    def child(self) -> bool:
        """True for a child."""
        return self.age < CHILD


@dataclass(frozen=True, eq=False)
class Body:
    """The baked body model; read-only and shared by all identities."""

    mean: Array  # (V + J, 3)
    basis: NDArray[np.float16]  # (K, V + J, 3)
    coefficients: Array  # (B, K)
    template: Array  # (V, 3) neutral body: the canonical coordinates of every point of a person
    template_heads: Array  # (J, 3)
    bone_names: tuple[str, ...]
    bone_parents: NDArray[np.int16]
    skin_bones: NDArray[np.uint8]  # (V, 6)
    skin_weights: Array  # (V, 6), rows sum to 1
    skin_faces: Faces
    tights: Faces
    skirt: Faces
    hair: Faces
    female: NDArray[np.bool_]
    age: Array
    weight: Array
    muscle: Array
    ancestry: Array
    stature: Array

    @property
    def population(self) -> int:
        """Number of bodies to draw from."""
        return len(self.coefficients)

    def bone(self, name: str) -> int:
        """Index of a bone."""
        return self.bone_names.index(name)

    def shape(self, index: int) -> Shape:
        """Body number `index` of the population."""
        # One sum a component in a fixed order: a BLAS product could differ in the last bit by machine.
        points = self.mean.astype(np.float64)
        for component, value in zip(self.basis, self.coefficients[index], strict=True):
            points += component.astype(np.float64) * float(value)
        vertices = len(self.template)
        african, asian, caucasian = (float(share) for share in self.ancestry[index])
        return Shape(
            vertices=points[:vertices].astype(np.float32),
            heads=points[vertices:].astype(np.float32),
            female=bool(self.female[index]),
            age=float(self.age[index]),
            weight=float(self.weight[index]),
            muscle=float(self.muscle[index]),
            stature=float(self.stature[index]),
            ancestry=(african, asian, caucasian),
        )

    def regions(self) -> NDArray[np.uint8]:
        """Body region of each vertex (V,): TORSO, ARM_L, ARM_R, LEG_L, LEG_R or HEAD."""
        return vertex_regions(self)


@cache
def vertex_regions(body: Body) -> NDArray[np.uint8]:
    """Body region of each vertex (V,): that of the bones that move it most."""
    out = strongest_regions(body.bone_names, body.skin_bones, body.skin_weights)
    out.flags.writeable = False
    return out


def strongest_regions(names: tuple[str, ...], bones: NDArray[np.uint8], weights: Array) -> NDArray[np.uint8]:
    """Region (N,) with the largest share of the weights (N, S) of bones (N, S)."""
    region, rows = bone_regions(names)[bones], np.arange(len(bones))
    share = np.zeros((len(bones), 6))
    for slot in range(bones.shape[1]):
        share[rows, region[:, slot]] += weights[:, slot]
    return np.asarray(share.argmax(1), np.uint8)


def bone_regions(names: tuple[str, ...]) -> NDArray[np.uint8]:
    """Region of each bone."""

    def region(name: str) -> int:
        left = name.endswith(".L")
        if name.startswith(ARM_BONES) and not name.startswith("clavicle"):
            return ARM_L if left else ARM_R
        if name.startswith(LEG_BONES):
            return LEG_L if left else LEG_R
        return HEAD if name.startswith(("neck", "head", "eye")) else TORSO

    return np.array([region(name) for name in names], np.uint8)


@cache
def load_body() -> Body:
    """The body model that ships with the project."""
    with (
        (files("simulation") / "assets/body.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as data,
    ):
        vertices = len(data["template"])
        weights = data["skin_weights"].astype(np.float32)
        names = tuple(str(name) for name in data["bone_names"])
        return Body(
            mean=data["mean"],
            basis=data["basis"],
            coefficients=data["coefficients"],
            template=data["template"][: vertices - len(names)],
            template_heads=data["template"][vertices - len(names) :],
            bone_names=names,
            bone_parents=data["bone_parents"],
            skin_bones=data["skin_bones"],
            skin_weights=weights / weights.sum(1, keepdims=True),
            skin_faces=data["skin_faces"].astype(np.int32),
            tights=data["helper_tights"].astype(np.int32),
            skirt=data["helper_skirt"].astype(np.int32),
            hair=data["helper_hair"].astype(np.int32),
            female=data["female"],
            age=data["age"],
            weight=data["weight"],
            muscle=data["muscle"],
            ancestry=data["ancestry"],
            stature=data["stature"],
        )


def rotation(axis: int, angle: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """Rotation matrices (..., 3, 3) about x (0), y (1) or z (2), right-handed, radians."""
    angle = np.asarray(angle, np.float64)
    cosine, sine = np.cos(angle), np.sin(angle)
    out = np.zeros((*angle.shape, 3, 3))
    i, j = ((1, 2), (2, 0), (0, 1))[axis]
    out[..., axis, axis] = 1.0
    out[..., i, i] = out[..., j, j] = cosine
    out[..., i, j], out[..., j, i] = -sine, sine
    return out


def compose(first: NDArray[np.float64], *others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Product of matrices (..., 3, 3), summed in a fixed order: `@` may go through BLAS."""
    out = first
    for other in others:
        out = sum(
            (out[..., :, k, None] * other[..., None, k, :] for k in range(1, 3)),
            out[..., :, 0, None] * other[..., None, 0, :],
        )
    return out


def pose(
    body: Body, heads: Array, rotations: dict[str, NDArray[np.float64]], frames: int
) -> NDArray[np.float64]:
    """Forward kinematics: bone transforms (T, J, 3, 4) from rest to posed, in the person's frame.

    `rotations` turns bones (T, 3, 3) or (3, 3) about their rest heads in rest-world axes; bones not named
    follow their parents.
    """
    transforms = np.zeros((frames, len(body.bone_names), 3, 4))
    for j, name in enumerate(body.bone_names):
        parent = int(body.bone_parents[j])
        above = (
            transforms[:, parent] if parent >= 0 and j > 0 else np.broadcast_to(np.eye(3, 4), (frames, 3, 4))
        )
        if name not in rotations:
            transforms[:, j] = above
            continue
        turn = np.broadcast_to(rotations[name], (frames, 3, 3))
        head = heads[j].astype(np.float64)
        shift = head - (turn * head).sum(-1)
        transforms[:, j, :, :3] = compose(above[:, :, :3], turn)
        transforms[:, j, :, 3] = (above[:, :, :3] * shift[:, None, :]).sum(-1) + above[:, :, 3]
    return transforms


def skin(vertices: Array, bones: NDArray[np.uint8], weights: Array, transforms: NDArray[np.float64]) -> Array:
    """Linear blend skinning: vertices (N, 3), bones, weights (N, S), transforms (T, J, 3, 4) to (T, N, 3)."""
    blended = np.einsum("ns,tnsij->tnij", weights, transforms.astype(np.float32)[:, bones])
    homogeneous = np.concatenate([vertices, np.ones((len(vertices), 1), np.float32)], 1)
    return np.asarray(np.einsum("tnij,nj->tni", blended, homogeneous), np.float32)
