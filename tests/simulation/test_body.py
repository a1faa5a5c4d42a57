"""The body and its skeleton: poses turn what hangs on a bone, and nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.body import (
    ARM_L,
    ARM_R,
    CHILD,
    HEAD,
    LEG_L,
    LEG_R,
    SKIN_VERTICES,
    TORSO,
    bone_regions,
    compose,
    load_body,
    pose,
    rotation,
    skin,
    strongest_regions,
)

BODY = load_body()
SHAPE = BODY.shape(11)
ANGLE = st.floats(-3.0, 3.0)


@given(st.integers(0, 2), ANGLE)
def test_a_rotation_keeps_lengths_and_its_axis(axis: int, angle: float) -> None:
    turn = rotation(axis, angle)

    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(turn @ np.eye(3)[axis], np.eye(3)[axis], atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1.0)


@given(st.lists(st.tuples(st.integers(0, 2), ANGLE), min_size=1, max_size=4))
def test_composing_is_the_product_of_matrices(turns: list[tuple[int, float]]) -> None:
    matrices = [rotation(axis, angle) for axis, angle in turns]
    expected = np.linalg.multi_dot([*matrices, np.eye(3)])

    np.testing.assert_allclose(compose(matrices[0], *matrices[1:]), expected, atol=1e-12)


def test_nobody_moves_without_rotations() -> None:
    transforms = pose(BODY, SHAPE.heads, {}, 3)
    posed = skin(SHAPE.vertices, BODY.skin_bones, BODY.skin_weights, transforms)

    np.testing.assert_allclose(posed, np.broadcast_to(SHAPE.vertices, posed.shape), atol=1e-5)


@pytest.mark.parametrize(
    ("bone", "moved", "still"),
    [
        ("upperarm01.L", ARM_L, (ARM_R, LEG_L, LEG_R, HEAD)),
        ("upperleg01.R", LEG_R, (ARM_L, ARM_R, LEG_L, HEAD)),
        ("neck02", HEAD, (ARM_L, ARM_R, LEG_L, LEG_R)),
    ],
)
def test_a_turned_bone_takes_its_limb_along(bone: str, moved: int, still: tuple[int, ...]) -> None:
    transforms = pose(BODY, SHAPE.heads, {bone: rotation(0, 0.5)}, 1)
    posed = skin(SHAPE.vertices, BODY.skin_bones, BODY.skin_weights, transforms)[0]
    distance = np.linalg.norm(posed - SHAPE.vertices, axis=1)
    regions = BODY.regions()

    assert np.median(distance[regions == moved]) > 0.02
    # Where the thighs touch a vertex hangs on both.
    assert np.quantile(distance[np.isin(regions, still)], 0.97) < 0.005


def test_a_bone_turns_about_its_own_head() -> None:
    elbow = BODY.bone("lowerarm01.L")
    transforms = pose(BODY, SHAPE.heads, {"lowerarm01.L": rotation(2, 1.0)}, 1)[0, elbow]
    head = SHAPE.heads[elbow].astype(np.float64)

    np.testing.assert_allclose(transforms[:, :3] @ head + transforms[:, 3], head, atol=1e-6)


def test_regions_lie_where_limbs_are() -> None:
    t, regions = BODY.template[:SKIN_VERTICES], BODY.regions()[:SKIN_VERTICES]

    assert (t[regions == ARM_L, 0] > 0.1).all()
    assert (t[regions == ARM_R, 0] < -0.1).all()
    assert (t[regions == HEAD, 2] > 0.5).all()
    assert t[regions == LEG_L, 2].max() < 0.1
    assert np.abs(t[regions == TORSO, 0]).max() < 0.25
    left, right = ((regions == region).sum() for region in (LEG_L, LEG_R))
    assert left == pytest.approx(right, rel=0.02)
    assert not BODY.regions().flags.writeable


def test_the_region_of_a_point_is_that_of_its_strongest_bones() -> None:
    names = ("root", "upperarm01.L", "lowerarm01.L", "upperleg01.R")
    bones = np.array([[0, 1, 2], [3, 0, 0], [0, 1, 1]], np.uint8)
    weights = np.array([[0.4, 0.3, 0.3], [0.6, 0.4, 0.0], [0.8, 0.1, 0.1]], np.float32)

    assert bone_regions(names).tolist() == [TORSO, ARM_L, ARM_L, LEG_R]
    assert strongest_regions(names, bones, weights).tolist() == [ARM_L, LEG_R, TORSO]


def test_the_population_is_of_people() -> None:
    grown = BODY.age >= CHILD

    assert BODY.population > 5000
    assert 0.4 < BODY.female.mean() < 0.6
    assert BODY.stature[grown].min() > 1.35
    assert BODY.stature[grown & ~BODY.female].mean() > BODY.stature[grown & BODY.female].mean() + 0.08
    np.testing.assert_allclose(BODY.ancestry.sum(1), 1.0, atol=1e-3)
    for index in (0, 100, 5000):
        shape = BODY.shape(index)
        tall = np.ptp(shape.vertices[:SKIN_VERTICES, 2])
        assert tall == pytest.approx(shape.stature, rel=0.03)
        assert shape.child == (shape.age < CHILD)
