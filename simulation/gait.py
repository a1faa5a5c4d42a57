"""Procedural walking: joint angles over the gait cycle, with a personal style.

The knee and ankle curves are periodic cubic splines through the angles that gait textbooks print for normal
walking; hips swing as a cosine, arms counter-swing, pelvis and chest counter-rotate. A phase of 0 is the
left heel strike.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulation.body import Array, Body, Shape, compose, rotation

Angles = NDArray[np.float64]

DEGREE = np.pi / 180
BUSY = {  # what arms do, and how often
    "swing": 0.44,
    "hold": 0.14,
    "both hold": 0.06,
    "strap": 0.06,
    "pocket": 0.07,
    "pockets": 0.11,
    "phone": 0.05,
    "still": 0.07,
}
HELD_UP = {"hold": (8.0, 88.0, 38.0), "strap": (-12.0, 128.0, 42.0)}  # upper arm, elbow, inwards; degrees
KNEE = ((0.0, 0.15, 0.40, 0.60, 0.72, 0.95), (5.0, 18.0, 6.0, 35.0, 60.0, 6.0))
ANKLE = ((0.0, 0.07, 0.45, 0.62, 0.80), (0.0, -6.0, 9.0, -17.0, 0.0))


@dataclass(frozen=True)
class GaitStyle:
    """The gait of one person; angles in degrees."""

    stride: float = 0.9  # scales the hip swing
    cadence: float = 0.95  # gait cycles a second
    leg_spread: float = 0.0  # of the thighs from the vertical, outwards
    toe_out: float = 7.0
    arm_out: float = 10.0
    arm_swing: float = 16.0
    arm_bias: float = 0.0
    elbow: float = 22.0
    lean: float = 2.0
    hunch: float = 4.0
    head_yaw: float = 0.0
    head_pitch: float = 3.0
    left_arm: str = "swing"  # swing, still, phone, pocket, hold, strap
    right_arm: str = "swing"


def draw_style(rng: np.random.Generator, shape: Shape) -> GaitStyle:
    """A personal style: heavier people hold their arms further out, children take quicker steps."""
    arms = rng.choice(["swing", "phone_left", "phone_right", "pockets"], p=[0.84, 0.04, 0.04, 0.08])
    return GaitStyle(
        stride=rng.uniform(0.68, 1.1),
        cadence=rng.uniform(0.8, 1.02) * (1.72 / max(shape.stature, 1.0)) ** 0.5,
        leg_spread=rng.uniform(-2.0, 0.5) + 2 * shape.weight,
        toe_out=rng.uniform(2, 14),
        arm_out=rng.uniform(6, 12) + 8 * shape.weight,
        arm_swing=rng.uniform(8, 24),
        arm_bias=rng.uniform(-5, 6),
        elbow=rng.uniform(10, 36),
        lean=rng.uniform(0, 5),
        hunch=float(np.clip(rng.normal(4, 4) + 8 * max(shape.age - 0.8, 0), 0, 18)),
        head_yaw=rng.normal(0, 8),
        head_pitch=rng.normal(3, 6),
        left_arm={"phone_left": "phone", "pockets": "pocket"}.get(arms, "swing"),
        right_arm={"phone_right": "phone", "pockets": "pocket"}.get(arms, "swing"),
    )


def lively_style(rng: np.random.Generator, shape: Shape) -> GaitStyle:
    """A style in which hands are busy more often: something held before the chest, a strap, pockets."""
    style = draw_style(rng, shape)
    kind = str(rng.choice(list(BUSY), p=list(BUSY.values())))
    left = bool(rng.random() < 0.5)
    both = {"pockets": "pocket", "both hold": "hold"}.get(kind)
    if both is not None:
        return replace(style, left_arm=both, right_arm=both)
    return replace(style, left_arm=kind if left else "swing", right_arm="swing" if left else kind)


def periodic(curve: tuple[tuple[float, ...], tuple[float, ...]], phase: Angles) -> Angles:
    """Periodic cubic Hermite interpolation of `curve` at phases 0..1, in degrees."""
    x, y = (np.asarray(part) for part in curve)
    x = np.concatenate([x[-2:] - 1, x, x[:2] + 1])
    y = np.concatenate([y[-2:], y, y[:2]])
    slope = (y[2:] - y[:-2]) / (x[2:] - x[:-2])
    i = np.clip(np.searchsorted(x, phase, side="right") - 1, 1, len(x) - 3)
    width = x[i + 1] - x[i]
    t = (phase - x[i]) / width
    a, b = 2 * t**3 - 3 * t**2 + 1, t**3 - 2 * t**2 + t
    return np.asarray(
        a * y[i] + b * width * slope[i - 1] + (1 - a) * y[i + 1] + (t**3 - t**2) * width * slope[i]
    )


def joint_rotations(
    body: Body, heads: Array, style: GaitStyle, phase: Angles, walk: Angles
) -> dict[str, Angles]:
    """Bone rotations (T, 3, 3) at gait phases (T,); `walk` (T,) is 1 while walking and 0 while standing."""
    out: dict[str, Angles] = {}
    for side, offset in (("L", 0.0), ("R", 0.5)):
        beat = (phase + offset) % 1.0
        out |= leg_rotations(body, heads, side, style, beat=beat, walk=walk)
        out |= arm_rotations(body, heads, side, style, beat=beat, walk=walk)
    turn = np.cos(2 * np.pi * phase) * walk
    sway = np.sin(2 * np.pi * phase) * walk
    out["root"] = compose(
        rotation(2, 4 * DEGREE * turn), rotation(1, 2 * DEGREE * sway), rotation(0, style.lean * DEGREE)
    )
    out["spine03"] = compose(rotation(2, -6 * DEGREE * turn), rotation(0, style.hunch * DEGREE))
    out["neck02"] = rotation(0, -0.5 * style.hunch * DEGREE)
    out["head"] = compose(rotation(2, style.head_yaw * DEGREE), rotation(0, style.head_pitch * DEGREE))
    return out


def leg_rotations(
    body: Body, heads: Array, side: str, style: GaitStyle, *, beat: Angles, walk: Angles
) -> dict[str, Angles]:
    """Hip, knee and ankle of one leg; the rest pose stands astride, which is taken off first."""
    sign = 1 if side == "L" else -1
    hip_joint, ankle_joint = (
        heads[body.bone(f"{name}.{side}")].astype(np.float64) for name in ("upperleg01", "foot")
    )
    astride = np.arctan2(sign * (ankle_joint[0] - hip_joint[0]), hip_joint[2] - ankle_joint[2])
    inward = sign * (astride - style.leg_spread * DEGREE)
    hip = (7 + 18 * np.cos(2 * np.pi * beat)) * style.stride * DEGREE * walk
    knee = periodic(KNEE, beat) * (0.75 + 0.25 * style.stride) * DEGREE * walk
    ankle = periodic(ANKLE, beat) * DEGREE * walk
    return {
        f"upperleg01.{side}": compose(rotation(0, -hip), rotation(1, inward)),
        f"lowerleg01.{side}": rotation(0, knee),
        f"foot.{side}": compose(
            rotation(0, -ankle), rotation(1, -inward), rotation(2, sign * style.toe_out * DEGREE)
        ),
    }


def arm_angles(
    style: GaitStyle, sign: int, lower: Angles, opposite: Angles, walk: Angles
) -> tuple[Angles, Angles, Angles]:
    """What an arm does: the upper arm's rotation, the bend of the elbow (T,), the fore arm's turn inwards.

    `sign` is 1 for the left arm, `lower` lets it hang, `opposite` (T,) is the swing against the leg.
    """
    manner = style.left_arm if sign > 0 else style.right_arm
    bend = (style.elbow + 8 * opposite * walk) * DEGREE
    straight = rotation(2, 0.0)
    if manner == "phone":
        upper = compose(rotation(0, np.full_like(opposite, -25 * DEGREE)), lower)
        return upper, np.full_like(opposite, 136 * DEGREE), straight
    if manner == "pocket":
        tucked = compose(rotation(0, 12 * DEGREE), rotation(1, -sign * 8 * DEGREE), lower)
        return np.broadcast_to(tucked, (len(opposite), 3, 3)), np.full_like(opposite, 52 * DEGREE), straight
    if manner in HELD_UP:
        raised, elbow, turn = HELD_UP[manner]
        upper = np.broadcast_to(compose(rotation(0, -raised * DEGREE), lower), (len(opposite), 3, 3))
        return upper, (elbow + 3 * opposite * walk) * DEGREE, rotation(2, -sign * turn * DEGREE)
    reach = style.arm_swing * (0.25 if manner == "still" else 1.0)
    swing = (reach * opposite * walk + style.arm_bias) * DEGREE
    return compose(rotation(0, -swing), lower), bend, straight


def arm_rotations(
    body: Body, heads: Array, side: str, style: GaitStyle, *, beat: Angles, walk: Angles
) -> dict[str, Angles]:
    """Shoulder, elbow and fingers of one arm.

    The rest pose holds the arm out and the elbow bent; both are measured on this body and taken off first.
    """
    sign = 1 if side == "L" else -1
    shoulder, elbow, wrist = (
        heads[body.bone(f"{name}.{side}")].astype(np.float64)
        for name in ("upperarm01", "lowerarm01", "wrist")
    )
    reach = wrist - shoulder
    lower = rotation(1, sign * (np.arctan2(abs(reach[0]), -reach[2]) - style.arm_out * DEGREE))
    upper_arm, fore_arm = elbow - shoulder, wrist - elbow
    lengths = np.sqrt((upper_arm**2).sum() * (fore_arm**2).sum())
    straight = (upper_arm * fore_arm).sum() / lengths
    bent_at_rest = float(np.arccos(np.clip(straight, -1, 1)))
    opposite = np.cos(2 * np.pi * (beat + 0.5))
    upper, bend, inward = arm_angles(style, sign, lower, opposite, walk)
    out = {
        f"upperarm01.{side}": upper,
        f"lowerarm01.{side}": compose(lower.T, inward, rotation(0, -(bend - bent_at_rest)), lower),
    }
    curl = compose(lower.T, rotation(1, sign * 25 * DEGREE), lower)
    for finger in "2345":
        for joint in "12":
            out[f"finger{finger}-{joint}.{side}"] = curl
    return out
