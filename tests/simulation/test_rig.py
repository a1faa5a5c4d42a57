"""Foreign skeletons on the body's bones: points end where their bones say."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.avatars import Avatar, People, Region, height
from simulation.body import SKIN_VERTICES, bone_regions, load_body, pose, skin
from simulation.errors import BadPeople
from simulation.gait import GaitStyle, joint_rotations
from simulation.rig import SEGMENTS, blended, inverse, moved, reshaped, rig, stretch
from tests.simulation.figures import write_people

POINT = st.tuples(*[st.floats(-2, 2)] * 3).map(np.array)


@pytest.fixture(scope="module")
def dan(tmp_path_factory: pytest.TempPathFactory) -> Avatar:
    people = People(write_people(tmp_path_factory.mktemp("people")))
    return next(
        people.load(entry) for entries in people.groups.values() for entry in entries if entry.name == "dan"
    )


@given(POINT, POINT, POINT, POINT, st.floats(0.5, 2))
def test_a_segment_is_laid_on_another(
    start: np.ndarray, along: np.ndarray, new_start: np.ndarray, new_along: np.ndarray, width: float
) -> None:
    lengths = [float(np.linalg.norm(v)) for v in (along, new_along)]
    straight = (along * new_along).sum() / max(lengths[0] * lengths[1], 1e-9)
    if min(lengths) < 0.05 or straight < -0.9:
        return
    affine = stretch(start, start + along, new_start, new_start + new_along, width)
    aside = np.cross(along, [0.3, 0.5, 0.8])

    def to(point: np.ndarray) -> np.ndarray:
        return np.asarray(affine[:, :3] @ point + affine[:, 3])

    np.testing.assert_allclose(to(start), new_start, atol=1e-6)
    np.testing.assert_allclose(to(start + along), new_start + new_along, atol=1e-6)
    across = np.linalg.norm(to(start + aside) - new_start)
    assert across == pytest.approx(width * np.linalg.norm(aside), rel=1e-5, abs=1e-6)
    back = inverse(affine)
    np.testing.assert_allclose(back[:, :3] @ to(aside) + back[:, 3], aside, atol=1e-5)


def test_a_figure_in_the_canonical_pose_has_its_parts_where_the_body_has_them(dan: Avatar) -> None:
    body, hang = load_body(), rig(dan)
    canonical = blended(hang.to_template, hang.bones, hang.weights, dan.vertices)
    crown, sole = body.template[:SKIN_VERTICES, 2].max(), body.template[:SKIN_VERTICES, 2].min()

    assert canonical[dan.region == Region.HEAD, 2].max() == pytest.approx(crown, abs=0.01)
    assert canonical[dan.region == Region.FOOT, 2].min() == pytest.approx(sole, abs=0.05)
    for start, end, bone, to in SEGMENTS:
        if bone != to:
            here = moved(
                hang.to_template,
                np.array([body.bone(bone)] * 2),
                np.stack([dan.joints[start], dan.joints[end]]),
            )
            there = [body.template_heads[body.bone(name)] for name in (bone, to)]
            np.testing.assert_allclose(here, there, atol=1e-5, err_msg=bone)


def test_the_bones_begin_at_the_joints_they_stand_for(dan: Avatar) -> None:
    body, hang = load_body(), rig(dan)

    for start, _, bone, _ in SEGMENTS:
        np.testing.assert_allclose(hang.heads[body.bone(bone)], dan.joints[start], atol=1e-5, err_msg=bone)
    region = bone_regions(body.bone_names)[hang.bones[:, 0]]
    assert set(region[dan.region == Region.FOREARM]) == set(
        bone_regions(("lowerarm01.L", "lowerarm01.R")).tolist()
    )


def test_a_walking_figure_lets_its_arms_hang_and_keeps_its_feet_below_its_hips(dan: Avatar) -> None:
    body, hang = load_body(), rig(dan)
    phases = np.linspace(0, 1, 8, endpoint=False)
    rotations = joint_rotations(body, hang.heads, GaitStyle(), phases, np.ones(8))
    posed = skin(dan.vertices, hang.bones, hang.weights, pose(body, hang.heads, rotations, 8))
    hands, feet = posed[:, dan.region == Region.HAND], posed[:, dan.region == Region.FOOT]

    assert (np.abs(hands[..., 0]) < 0.5).all()
    assert (hands[..., 2] < 1.3).all()
    assert (np.abs(feet[..., 0]) < 0.3).all()
    assert np.ptp(feet[..., 1].mean(1) - posed[..., 1].mean(1)) > 0.0
    assert (feet[..., 2].mean(1) < 0.5).all()


def test_a_figure_grows_as_a_whole_and_by_parts(dan: Avatar) -> None:
    hang = rig(dan)

    def of(size: float, parts: dict[str, float], build: float) -> np.ndarray:
        _, maps = reshaped(hang.heads, size, parts, build)
        return np.asarray(blended(maps, hang.bones, hang.weights, dan.vertices))

    np.testing.assert_allclose(of(1.0, {}, 1.0), dan.vertices, atol=1e-5)
    np.testing.assert_allclose(of(1.1, {}, 1.0), 1.1 * dan.vertices, atol=1e-5)
    wide, long = of(1.0, {}, 1.2), of(1.0, {"upperleg": 1.1, "lowerleg": 1.1}, 1.0)
    trunk, head = dan.region == Region.TORSO, dan.region == Region.HEAD
    assert np.ptp(wide[trunk, 0]) == pytest.approx(1.2 * np.ptp(dan.vertices[trunk, 0]), rel=1e-3)
    assert np.ptp(wide[head, 0]) == pytest.approx(np.ptp(dan.vertices[head, 0]), rel=1e-3)
    assert np.ptp(long[:, 2]) > height(dan) + 0.05


@pytest.mark.parametrize("joint", ["Hips", "LeftHandMiddle1", "RightEye"])
def test_a_figure_without_a_joint_is_refused(dan: Avatar, joint: str) -> None:
    names = {name if name != joint else "Tail": at for name, at in dan.joints.items()}

    with pytest.raises(BadPeople, match="dan"):
        rig(replace(dan, joints=names))
