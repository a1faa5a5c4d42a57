"""Boxes of detectors: as loose as they are said to be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.detector import Aim, Detector, draw_detector

PERSON = (100.0, 50.0, 140.0, 170.0)  # left, top, right, bottom
seeds = st.integers(0, 2**32)


def test_an_exact_aim_is_the_box_of_the_person() -> None:
    assert Aim(np.zeros(4)).box(*PERSON).tolist() == list(PERSON)


@pytest.mark.parametrize("side", range(4))
def test_a_cut_takes_a_share_of_one_side(side: int) -> None:
    cut = np.zeros(4)
    cut[side] = 0.25

    box = Aim(np.zeros(4), cut).box(*PERSON)

    expected = np.array(PERSON)
    expected[side] += (0.25 if side < 2 else -0.25) * (40 if side % 2 == 0 else 120)
    assert box.tolist() == pytest.approx(expected.tolist())


def test_an_error_counts_in_widths_and_heights() -> None:
    box = Aim(np.array([0.1, -0.1, 0.2, 0.05])).box(*PERSON)

    assert box.tolist() == pytest.approx([104, 38, 148, 176])


@given(st.floats(0.0, 0.2), st.floats(0.0, 0.8))
def test_margin_and_shape_only_widen_and_keep_the_middle(margin: float, aspect: float) -> None:
    left, top, right, bottom = Aim(np.zeros(4), margin=margin, aspect=aspect).box(*PERSON)

    assert left <= PERSON[0]
    assert right >= PERSON[2]
    assert top == pytest.approx(PERSON[1] - margin * 120)
    assert bottom == pytest.approx(PERSON[3] + margin * 120)
    assert (left + right) / 2 == pytest.approx(120)
    assert right - left >= aspect * 120 - 1e-9


@given(seeds)
def test_every_aim_leaves_most_of_the_person_in_the_box(seed: int) -> None:
    rng = np.random.default_rng(seed)
    aim = draw_detector(rng).aim(rng)
    for _ in range(30):
        aim.wander(rng)

    left, top, right, bottom = aim.box(*PERSON)

    shared_wide = min(right, PERSON[2]) - max(left, PERSON[0])
    shared_high = min(bottom, PERSON[3]) - max(top, PERSON[1])
    assert shared_wide * shared_high > 0.25 * 40 * 120


@given(seeds)
def test_errors_follow_from_frame_to_frame_and_do_not_grow(seed: int) -> None:
    rng = np.random.default_rng(seed)
    aim = Detector().aim(rng)
    errors = []
    for _ in range(400):
        aim.wander(rng)
        errors.append(aim.error)

    values = np.array(errors)[100:]
    assert np.abs(np.diff(values, axis=0)).mean() < np.abs(values).mean() * 1.2
    assert values.std() < 0.05


def test_loose_detectors_cut_heads_and_feet_now_and_then() -> None:
    rng = np.random.default_rng(1)
    cuts = np.array([Detector(loose=True).aim(rng).cut for _ in range(2000)])

    assert 0.15 < (cuts > 0).any(1).mean() < 0.25
    assert (cuts > 0).any(0).all()
    assert cuts[:, 1].max() <= 0.12
    assert cuts[:, 3].max() <= 0.35
