"""Walking as gait books describe it: steps take turns, knees bend one way, arms swing against legs."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulation.body import load_body, pose
from simulation.gait import ANKLE, KNEE, GaitStyle, draw_style, joint_rotations, periodic

BODY = load_body()
HEADS = BODY.shape(3).heads
CYCLE = np.linspace(0, 1, 40, endpoint=False)
STYLE = GaitStyle(lean=0.0, hunch=0.0, head_pitch=0.0)


def joints(style: GaitStyle, walk: float = 1.0) -> NDArray[np.float64]:
    """Where every bone's head is over a gait cycle (T, J, 3)."""
    rotations = joint_rotations(BODY, HEADS, style, CYCLE, np.full(len(CYCLE), walk))
    transforms = pose(BODY, HEADS, rotations, len(CYCLE))
    at = HEADS.astype(np.float64)
    return np.asarray((transforms[..., :3] * at[None, :, None, :]).sum(-1) + transforms[..., 3])


def of(path: NDArray[np.float64], bone: str) -> NDArray[np.float64]:
    return np.asarray(path[:, BODY.bone(bone)])


@pytest.mark.parametrize("curve", [KNEE, ANKLE])
def test_a_curve_goes_through_its_knots_and_closes(
    curve: tuple[tuple[float, ...], tuple[float, ...]],
) -> None:
    np.testing.assert_allclose(periodic(curve, np.array(curve[0])), curve[1], atol=1e-9)
    ends = periodic(curve, np.array([0.0, 1.0 - 1e-9]))
    assert ends[0] == pytest.approx(ends[1], abs=1e-4)


@given(st.floats(0, 0.999))
def test_a_curve_has_no_jumps(phase: float) -> None:
    near = periodic(KNEE, np.array([phase, (phase + 1e-4) % 1.0]))

    assert abs(near[1] - near[0]) < 0.1


def test_the_left_foot_is_ahead_at_its_heel_strike() -> None:
    path = joints(STYLE)
    left, right = of(path, "foot.L")[:, 1], of(path, "foot.R")[:, 1]

    assert left[0] < right[0] - 0.2  # people face -y
    np.testing.assert_allclose(left, np.roll(right, len(CYCLE) // 2), atol=0.02)


def test_a_longer_stride_takes_longer_steps() -> None:
    reach = [np.ptp(of(joints(replace(STYLE, stride=s)), "foot.L")[:, 1]) for s in (0.7, 0.9, 1.1)]

    assert reach[0] < reach[1] < reach[2]


def test_knees_bend_backwards_only() -> None:
    path = joints(STYLE)
    hip, knee, ankle = (of(path, f"{name}.L") for name in ("upperleg01", "lowerleg01", "foot"))
    thigh, shin = knee - hip, ankle - knee
    # The turn from thigh to shin about the axis to the left, which bends the shin back.
    bend = np.arctan2(thigh[:, 1] * shin[:, 2] - thigh[:, 2] * shin[:, 1], (thigh * shin).sum(1))

    assert bend.min() > -0.2
    assert bend.max() > 0.7


def test_arms_swing_against_the_legs_of_their_side() -> None:
    path = joints(replace(STYLE, arm_swing=20.0))
    for side in "LR":
        hand, foot = (of(path, f"{name}.{side}")[:, 1] for name in ("wrist", "foot"))
        assert np.corrcoef(hand, foot)[0, 1] < -0.7


def test_who_stands_has_the_feet_below_the_hips_and_still_arms() -> None:
    path = joints(STYLE, walk=0.0)

    assert np.ptp(path, axis=0).max() < 1e-6
    hips, feet = of(path, "upperleg01.L")[0], of(path, "foot.L")[0]
    assert abs(hips[1] - feet[1]) < 0.08
    assert abs(hips[0] - feet[0]) < 0.1


@pytest.mark.parametrize(
    ("manner", "low", "high"), [("swing", -0.8, -0.25), ("pocket", -0.6, 0.0), ("phone", -0.35, 0.35)]
)
def test_a_hand_is_at_the_height_of_what_it_does(manner: str, low: float, high: float) -> None:
    path = joints(replace(STYLE, left_arm=manner))
    drop = of(path, "wrist.L")[:, 2] - of(path, "upperarm01.L")[:, 2]

    assert low < drop.min()
    assert drop.max() < high


def test_a_lean_moves_the_head_ahead_of_the_hips() -> None:
    upright, leaning = (of(joints(replace(STYLE, lean=lean)), "head")[:, 1].mean() for lean in (0.0, 8.0))

    assert leaning < upright - 0.05


def test_styles_are_personal_and_fit_the_body() -> None:
    rng = np.random.default_rng(0)
    shapes = [BODY.shape(index) for index in range(150)]
    styles = [draw_style(rng, shape) for shape in shapes]

    assert len({style.stride for style in styles}) == len(styles)
    assert all(0.68 <= style.stride <= 1.1 for style in styles)
    out = np.array([style.arm_out for style in styles])
    weight = np.array([shape.weight for shape in shapes])
    assert out[weight > 0.6].mean() > out[weight < 0.4].mean() + 1.0
    cadence = np.array([style.cadence for style in styles])
    child = np.array([shape.child for shape in shapes])
    assert cadence[child].mean() > cadence[~child].mean()
