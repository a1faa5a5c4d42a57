"""Foreign skeletons on the body's bones: the same gait, the same truth, the same things to wear.

A figure's joints are matched with bones of the body. Between two skeletons at rest each bone has an affine
map, and points follow the maps of their bones as in skinning: that brings a figure's vertices to the body's
canonical pose, the body's vertices to the figure, and a figure to another stature and build.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from simulation.avatars import Avatar, Region, height
from simulation.body import HEAD, SKIN_VERTICES, Array, Body, load_body
from simulation.errors import BadPeople

Maps = NDArray[np.float64]  # (J, 3, 4), one a bone

# Bones with a map of their own: joint where it begins, joint it points to, the bone, the bone it points to.
LIMBS = (
    ("{}Shoulder", "{}Arm", "clavicle.{}", "upperarm01.{}"),
    ("{}Arm", "{}ForeArm", "upperarm01.{}", "lowerarm01.{}"),
    ("{}ForeArm", "{}Hand", "lowerarm01.{}", "wrist.{}"),
    ("{}Hand", "{}HandMiddle1", "wrist.{}", "finger3-1.{}"),
    ("{}UpLeg", "{}Leg", "upperleg01.{}", "lowerleg01.{}"),
    ("{}Leg", "{}Foot", "lowerleg01.{}", "foot.{}"),
    ("{}Foot", "{}ToeBase", "foot.{}", "toe3-1.{}"),
)
TRUNK = (
    ("Hips", "Spine", "root", "spine04"),
    ("Spine", "Spine1", "spine04", "spine03"),
    ("Spine1", "Spine2", "spine03", "spine02"),
    ("Spine2", "Neck", "spine02", "neck01"),
    ("Neck", "Head", "neck01", "head"),
    ("Head", "HeadEnd", "head", "head"),
)
SEGMENTS = TRUNK + tuple(
    (start.format(word), end.format(word), bone.format(side), to.format(side))
    for word, side in (("Left", "L"), ("Right", "R"))
    for start, end, bone, to in LIMBS
)
FINGERS = {"Thumb": 1, "Index": 2, "Middle": 3, "Ring": 4, "Pinky": 5}
EYES = ("LeftEye", "RightEye")


@dataclass(frozen=True)
class Rig:
    """Binding of a figure to the body's bones."""

    heads: Array  # (J, 3) where the body's bones begin in the figure at rest
    bones: NDArray[np.uint8]  # (V, 6) of the figure's vertices
    weights: Array  # (V, 6)
    to_template: Maps  # from the figure at rest to the body's canonical pose


def rig(avatar: Avatar) -> Rig:
    """Hang a figure on the body's bones. Raises BadPeople when it lacks a joint."""
    body = load_body()
    missing = [name for pair in SEGMENTS for name in pair[:2] if name not in avatar.joints]
    if missing or any(eye not in avatar.joints for eye in EYES):
        raise BadPeople(f"{avatar.entry.name}: no joint {', '.join(missing) or 'for an eye'}")
    bone_of = {name: bone_for(name) for name in avatar.joints}
    index = np.array([body.bone(bone_of[name]) for name in avatar.joints], np.uint8)
    bones = np.zeros((len(avatar.vertices), 6), np.uint8)
    weights = np.zeros((len(avatar.vertices), 6), np.float32)
    bones[:, :4], weights[:, :4] = index[avatar.joint_index], avatar.joint_weight
    to_template, from_template = (np.zeros((len(body.bone_names), 3, 4)) for _ in range(2))
    width = template_height() / height(avatar)
    for start, end, bone, to in SEGMENTS:
        here = body.bone(bone)
        one, other = (avatar.joints[name].astype(np.float64) for name in (start, end))
        first, second = (body.template_heads[body.bone(name)].astype(np.float64) for name in (bone, to))
        to_template[here] = (
            head_map(body, avatar) if to == bone else stretch(one, other, first, second, width)
        )
        from_template[here] = inverse(to_template[here])
    own = owners(body)
    to_template, from_template = to_template[own], from_template[own]
    heads = moved(from_template, np.arange(len(own)), body.template_heads)
    for name, bone in bone_of.items():
        if name in joints_with_heads():
            heads[body.bone(bone)] = avatar.joints[name]
    return Rig(heads.astype(np.float32), bones, weights, to_template)


def bone_for(joint: str) -> str:
    """The body's bone that a joint's weights go to."""
    for start, _, bone, _ in SEGMENTS:
        if joint == start:
            return "neck02" if bone == "neck01" else bone
    side = "L" if joint.startswith("Left") else "R"
    for word, number in FINGERS.items():
        if f"Hand{word}" in joint:
            return f"finger{number}-{min(int(joint[-1]), 3)}.{side}"
    if joint.endswith("FingerBase"):
        return f"wrist.{side}"
    return f"foot.{side}" if "Toe" in joint else "head"


@cache
def joints_with_heads() -> frozenset[str]:
    """Joints whose place is that of the bone they stand for, and not a part of it."""
    fingers = (
        f"{word}Hand{finger}{k}" for word in ("Left", "Right") for finger in FINGERS for k in (1, 2, 3)
    )
    return frozenset([*(start for start, *_ in SEGMENTS), *fingers])


def owners(body: Body) -> NDArray[np.intp]:
    """For each bone the one at or above it that has a map of its own (J,)."""
    own = {body.bone(bone) for _, _, bone, _ in SEGMENTS}
    out = np.arange(len(body.bone_names))
    for bone, parent in enumerate(body.bone_parents):  # parents come first
        if bone not in own:
            out[bone] = out[parent]
    return out


def stretch(
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    new_start: NDArray[np.float64],
    new_end: NDArray[np.float64],
    width: float,
) -> NDArray[np.float64]:
    """The map (3, 4) of one segment onto another: turned the shortest way, scaled across by `width`."""
    old, new = end - start, new_end - new_start
    length, new_length = np.sqrt((old**2).sum()), np.sqrt((new**2).sum())
    along, new_along = old / length, new / new_length
    axis, cosine = np.cross(along, new_along), float((along * new_along).sum())
    skew = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    turn = np.eye(3) + skew + skew @ skew / (1 + cosine)
    scale = width * np.eye(3) + (new_length / length - width) * np.outer(along, along)
    matrix = turn @ scale
    return np.concatenate([matrix, (new_start - matrix @ start)[:, None]], 1)


def head_map(body: Body, avatar: Avatar) -> NDArray[np.float64]:
    """The map (3, 4) of a figure's head onto the body's: what is above the eyes fills the same box."""
    boxes = []
    eyes = float(np.mean([avatar.joints[eye][2] for eye in EYES]))
    bare = avatar.vertices[(avatar.region == Region.HEAD) & (avatar.vertices[:, 2] > eyes)]
    skull = body.template[:SKIN_VERTICES][body.regions()[:SKIN_VERTICES] == HEAD]
    level = float(np.mean([body.template_heads[body.bone(f"eye.{side}")][2] for side in "LR"]))
    for points, bottom in ((bare, eyes), (skull[skull[:, 2] > level], level)):
        low, high = points.min(0).astype(np.float64), points.max(0).astype(np.float64)
        low[2] = bottom
        boxes.append((low, np.maximum(high - low, 1e-3)))
    (low, size), (new_low, new_size) = boxes
    scale = new_size / size
    return np.concatenate([np.diag(scale), (new_low - scale * low)[:, None]], 1)


def inverse(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """The map (3, 4) back."""
    back = np.linalg.inv(affine[:, :3])
    return np.concatenate([back, -(back @ affine[:, 3])[:, None]], 1)


def moved(maps: Maps, bone: NDArray[np.integer], points: NDArray[np.floating]) -> NDArray[np.float64]:
    """Each point (N, 3) by the map of its bone (N,)."""
    return np.asarray((maps[bone, :, :3] * points[:, None, :]).sum(-1) + maps[bone, :, 3])


def blended(maps: Maps, bones: NDArray[np.uint8], weights: Array, points: Array) -> Array:
    """Each point (N, 3) by the maps of its bones (N, S), mixed by weight."""
    out = np.zeros((len(points), 3))
    for slot in range(bones.shape[1]):
        used = weights[:, slot] > 0
        out[used] += weights[used, slot, None] * moved(maps, bones[used, slot], points[used])
    return out.astype(np.float32)


@cache
def template_height() -> float:
    """Sole to crown of the canonical body, metres."""
    return float(np.ptp(load_body().template[:SKIN_VERTICES, 2]))


def reshaped(heads: Array, size: float, parts: Mapping[str, float], build: float) -> tuple[Array, Maps]:
    """A figure of another size: new heads (J, 3) and the map of each bone.

    `parts` scales the length of bones by the beginning of their names, `build` what lies around all bones but
    those of neck and head.
    """
    body = load_body()
    own = owners(body)
    ends = {body.bone(bone): body.bone(to) for _, _, bone, to in SEGMENTS}
    old = heads.astype(np.float64)
    new = old * size
    maps = np.zeros((len(heads), 3, 4))
    for bone, name in enumerate(body.bone_names):  # parents come first
        if bone > 0:
            above = int(own[body.bone_parents[bone]])
            new[bone] = moved(maps, np.array([above]), old[bone : bone + 1])[0]
        if own[bone] != bone:
            maps[bone] = maps[own[bone]]
            continue
        length = size * next((factor for start, factor in parts.items() if name.startswith(start)), 1.0)
        along = old[ends[bone]] - old[bone]
        unit = along / max(float(np.sqrt((along**2).sum())), 1e-6)
        across = size * (1.0 if name in ("head", "neck01") else build)
        matrix = across * np.eye(3) + (length - across) * np.outer(unit, unit)
        maps[bone] = np.concatenate([matrix, (new[bone] - matrix @ old[bone])[:, None]], 1)
    return new.astype(np.float32), maps
