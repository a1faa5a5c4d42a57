"""When people pass cameras: one at a time, at walking speed, with time to get from one to the next."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulation.identity import Identity, draw_identity
from simulation.walking import HALF_STRIP, Pass, moment
from simulation.world import draw_passes

PEOPLE = [draw_identity(seed) for seed in range(4)]
tours = st.builds(
    lambda seed, person, cameras, seconds: (
        PEOPLE[person],
        cameras,
        seconds,
        draw_passes(
            np.random.default_rng(seed),
            person,
            PEOPLE[person],
            cameras=cameras,
            seconds=seconds,
            widths=[3.5 + 0.1 * k for k in range(cameras)],
        ),
    ),
    st.integers(0, 2**32),
    st.integers(0, len(PEOPLE) - 1),
    st.integers(1, 8),
    st.floats(5, 3000),
)
Tour = tuple[Identity, int, float, list[Pass]]


@given(tours)
def test_nobody_is_at_two_cameras_at_once_nor_twice_at_one(tour: Tour) -> None:
    identity, cameras, _, passes = tour
    visited = [walk.camera for walk in passes]

    assert len(visited) == len(set(visited))
    assert set(visited) <= set(range(cameras))
    for before, after in pairwise(passes):
        assert 2.0 <= after.start - before.end(identity) <= 12.0  # travelling


@given(tours)
def test_people_walk_at_walking_speed_and_stay_on_the_strip(tour: Tour) -> None:
    identity, _, seconds, passes = tour
    for walk in passes:
        assert 0.6 < walk.speed(identity) < 2.2
        assert walk.start <= seconds - 4.0
        assert max(abs(walk.y_start), abs(walk.y_end)) <= (3.5 + 0.1 * walk.camera) / 2 - 0.4


@given(tours, st.floats(0, 1))
def test_somebody_is_there_from_entering_to_leaving_and_moves_no_faster_than_it_walks(
    tour: Tour, share: float
) -> None:
    identity, _, _, passes = tour
    for walk in passes:
        leaves = walk.end(identity)
        assert moment(walk, identity, walk.start - 0.01) is None
        assert moment(walk, identity, leaves + 0.01) is None
        time = walk.start + share * (leaves - walk.start - 0.1)
        first, second = moment(walk, identity, time), moment(walk, identity, time + 0.1)
        assert first is not None
        assert second is not None
        moved = np.hypot(second.x - first.x, second.y - first.y)
        assert moved <= 0.1 * walk.speed(identity) + 1e-6
        assert abs(first.x) <= HALF_STRIP + 1e-6


def test_a_pass_crosses_the_whole_strip() -> None:
    walk = Pass(0, 0, 10.0, -1, -1.0, 1.0, 12.0, 3.0, 0.25, 1.0)
    leaves = walk.end(PEOPLE[0])
    first, last = moment(walk, PEOPLE[0], 10.0), moment(walk, PEOPLE[0], leaves - 1e-9)

    assert first is not None
    assert last is not None
    np.testing.assert_allclose([first.x, first.y, last.x, last.y], [-15, -1, 15, 1], atol=1e-6)
    paused = [moment(walk, PEOPLE[0], 10.0 + 12.0 / walk.speed(PEOPLE[0]) + dt) for dt in (0.5, 2.5)]
    assert paused[0] is not None
    assert paused[1] is not None
    assert (paused[0].x, paused[0].walk) == (paused[1].x, 0.0)
