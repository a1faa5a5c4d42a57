"""People who cross are between the camera and the subject when they are said to be."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.body import load_body
from simulation.camera import Camera
from simulation.company import Crosser, Follower, Stretch, random_pass
from simulation.identity import Identity, draw_identity
from simulation.studio import Actor
from simulation.walking import HALF_STRIP, Moment, Puppet, Standing

SOMEBODY = draw_identity(1)
PUPPET = Puppet.of(SOMEBODY)
coordinate = st.floats(-5, 5)
directions = st.sampled_from([-1.4, -0.7, 0.7, 1.4])


@dataclass
class Stand:
    """What of an actor poses: nothing on a GPU."""

    identity: Identity
    puppet: Puppet


def camera_at(x: float, y: float) -> Camera:
    return Camera.looking_at(
        np.array([x, y, 3.0]), np.array([0.0, 0.0, 0.9]), field=0.8, width=1280, height=720
    )


def crosser(time: float, speed: float, before: float = 1.2) -> Crosser:
    return Crosser(random_pass(np.random.default_rng(1), 4.0), time, before, speed)


@given(coordinate, coordinate, directions, st.floats(0, 10))
def test_at_its_time_it_stands_in_the_line_of_sight(x: float, y: float, speed: float, time: float) -> None:
    camera, subject = camera_at(9.0, 2.0), Moment(x, y, 0.3, 0.0, 1.0)

    at = crosser(time, speed).at(SOMEBODY, subject, time, camera)

    to_subject, to_other = (np.array([p.x, p.y]) - camera.position[:2] for p in (subject, at))
    assert to_subject[0] * to_other[1] == pytest.approx(to_subject[1] * to_other[0], abs=1e-6)
    assert 0 < np.hypot(*to_other) < np.hypot(*to_subject)


@given(coordinate, directions, st.floats(0.1, 3))
def test_it_comes_from_one_side_goes_to_the_other_and_looks_where_it_goes(
    x: float, speed: float, later: float
) -> None:
    camera, subject = camera_at(9.0, 0.0), Moment(x, 0.0, 0.3, 0.0, 1.0)
    walker = crosser(5.0, speed)

    before, after = (walker.at(SOMEBODY, subject, 5.0 + t, camera) for t in (-later, later))

    moved = np.array([after.x - before.x, after.y - before.y])
    assert np.hypot(*moved) == pytest.approx(2 * later * abs(speed))
    assert moved @ [np.cos(after.heading), np.sin(after.heading)] == pytest.approx(np.hypot(*moved))


def test_it_never_steps_into_the_camera() -> None:
    camera, subject = camera_at(1.0, 0.0), Moment(0.0, 0.0, 0.0, 0.0, 1.0)

    at = crosser(0.0, 1.0, before=2.0).at(SOMEBODY, subject, 0.0, camera)

    assert at.x == pytest.approx(0.4)


@given(st.floats(-1.6, 1.6), st.floats(0, 20))
def test_followers_stay_near(gap: float, time: float) -> None:
    subject = Moment(1.0, 0.5, 0.0, 0.0, 1.0)
    walk = random_pass(np.random.default_rng(2), 4.0)

    at = Follower(walk, gap).at(SOMEBODY, subject, time, camera_at(9.0, 0.0))

    assert abs(at.x - subject.x) < 4.5
    assert abs(at.y - subject.y) < 2.0
    assert 0 <= at.phase < 1


@given(st.integers(0, 2**32), st.floats(2.0, 8.0))
def test_ways_stay_on_the_strip(seed: int, width: float) -> None:
    walk = random_pass(np.random.default_rng(seed), width)

    assert max(abs(walk.y_start), abs(walk.y_end)) <= max(width / 2 - 0.4, 0.6)
    assert walk.pause_at == 2 * HALF_STRIP


def test_company_is_posed_only_when_somebody_looks() -> None:
    posed: list[int] = []
    camera, body = camera_at(9.0, 0.0), load_body()
    subject, other = (
        cast("Actor", Stand(draw_identity(seed), Puppet.of(draw_identity(seed)))) for seed in (1, 2)
    )

    def poses(actor: Actor, moments: Sequence[Moment]) -> list[Standing]:
        posed.append(actor.identity.seed)
        return actor.puppet.stand(body, moments, camera)

    way = [Moment(0.2 * k, 0.0, 0.0, 0.1 * k, 1.0) for k in range(3)]
    stretch = Stretch(subject, [(other, way)], way, poses)

    assert posed == [1]
    assert [(number, actor.identity.seed) for number, actor, _ in stretch.cast(1)] == [(0, 1), (1, 2)]
    stretch.cast(2)
    assert posed == [1, 2]
    assert stretch.speed(0) == 0.0
    assert abs(stretch.speed(1)) > 0


@given(st.floats(0, 1), coordinate, coordinate)
def test_kept_steps_are_near_the_pose_itself(phase: float, x: float, y: float) -> None:
    puppet, camera = PUPPET, camera_at(12.0, 0.0)
    at = Moment(x, y, 0.4, phase, 1.0)

    (kept,), (exact,) = puppet.walk([at], camera), puppet.stand(load_body(), [at], camera)

    assert np.abs(kept.points - exact.points)[:, :2].max() < 0.03 * np.ptp(exact.points[:, 1]) + 1.0
    assert kept.spread == exact.spread
