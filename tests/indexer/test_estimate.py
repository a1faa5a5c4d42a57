"""How much of the work is done, for stages of known speed."""

import pytest

from indexer.counters import Counters
from indexer.estimate import UNFINISHED, Estimate

SECOND = 1_000_000


def test_work_is_weighed_by_the_seconds_it_takes() -> None:
    """100 frames of 0.1 s each and 200 crops of 0.05 s each: 20 seconds, half of them the network's."""
    estimate, counters = Estimate(10 * SECOND), Counters(tracked_us=5 * SECOND, tracked_frames=50)
    counters.crops_active, counters.crops_due, counters.crops_embedded = 40, 60, 60
    assert estimate.fraction(counters, {"detect": 5.0, "embed": 3.0}) == pytest.approx(8 / 20)


def test_crops_that_wait_after_the_last_frame_are_work_left() -> None:
    estimate, counters = Estimate(10 * SECOND), Counters(tracked_us=10 * SECOND, tracked_frames=100)
    counters.crops_due, counters.crops_embedded = 200, 100
    assert estimate.fraction(counters, {"detect": 10.0, "embed": 5.0}) == pytest.approx(15 / 20)


def test_it_never_falls_and_is_never_done() -> None:
    estimate, counters = Estimate(10 * SECOND), Counters(tracked_us=9 * SECOND, tracked_frames=90)
    before = estimate.fraction(counters, {"detect": 9.0})
    counters.crops_active = 1000
    assert estimate.fraction(counters, {"detect": 9.0}) == before
    counters.tracked_us, counters.crops_active = 20 * SECOND, 0
    assert estimate.fraction(counters, {"detect": 10.0}) == UNFINISHED


def test_without_a_length_or_a_frame_nothing_is_known() -> None:
    assert Estimate(0).fraction(Counters(tracked_us=SECOND, tracked_frames=9), {"detect": 1.0}) == 0
    assert Estimate(SECOND).fraction(Counters(), {}) == 0
