"""Other people in the picture: those who walk near the subject, and those who cross in front of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulation.camera import Camera
from simulation.identity import Identity
from simulation.studio import Actor
from simulation.walking import HALF_STRIP, Moment, Pass, Standing, cycle_length


def random_pass(rng: np.random.Generator, walk_width: float) -> Pass:
    """A way along the strip."""
    room = walk_width / 2 - 0.4
    return Pass(
        0,
        0,
        0.0,
        int(rng.choice([-1, 1])),
        float(rng.uniform(-room, room)),
        float(rng.uniform(-room, room)),
        2 * HALF_STRIP,
        0.0,
        float(rng.random()),
        float(rng.uniform(0.92, 1.08)),
    )


@dataclass(frozen=True)
class Follower:
    """Somebody who walks near the subject: ahead, behind or beside, at times between it and the camera."""

    walk: Pass
    gap: float  # metres ahead of the subject

    def at(self, identity: Identity, subject: Moment, time: float, camera: Camera) -> Moment:
        """Where it is when the subject is at a moment."""
        del camera
        turn = 0.0 if self.gap > 0 else np.pi
        drift = self.gap * 1.2 + (time % 3.0 - 1.5) * (0.25 if self.gap > 0 else 1.6)
        return Moment(
            subject.x + drift,
            subject.y + (self.walk.y_start - subject.y) * 0.6,
            subject.heading + turn,
            phase(self.walk, identity, time),
            1.0,
        )


@dataclass(frozen=True)
class Crosser:
    """Somebody who passes between the camera and the subject."""

    walk: Pass
    time: float  # seconds, when it is in the line of sight
    before: float  # metres before the subject
    speed: float  # metres a second relative to the subject, positive to its left as the camera sees it

    def at(self, identity: Identity, subject: Moment, time: float, camera: Camera) -> Moment:
        """Where it is when the subject is at a moment."""
        to_camera = camera.position[:2] - (subject.x, subject.y)
        reach = max(float(np.hypot(*to_camera)), 1e-6)
        towards = to_camera / reach
        along = np.array([-towards[1], towards[0]])
        x, y = towards * min(self.before, 0.4 * reach) + along * (self.speed * (time - self.time))
        across = along * np.sign(self.speed)
        return Moment(
            float(subject.x + x),
            float(subject.y + y),
            float(np.arctan2(across[1], across[0])),
            phase(self.walk, identity, time),
            1.0,
        )


Companion = Follower | Crosser
Cast = Sequence[tuple[int, Actor, Standing]]  # number in the picture, who, and how it stands


class Stretch:
    """A stretch of the subject's way past a camera, at some times, with its company."""

    def __init__(
        self,
        subject: Actor,
        company: Sequence[tuple[Actor, Sequence[Moment]]],
        moments: Sequence[Moment],
        poses: Callable[[Actor, Sequence[Moment]], list[Standing]],
    ) -> None:
        self._actors, self._poses = [subject, *(actor for actor, _ in company)], poses
        self._company = company
        self.subject = poses(subject, moments)

    def speed(self, k: int) -> float:
        """Pixels by which the subject moves to the right up to time k."""
        return self._middles[k] - self._middles[max(k - 1, 0)]

    def cast(self, k: int) -> Cast:
        """Who stands how at time k; the subject is number 0."""
        at_once = [each[k] for each in (self.subject, *self._others)]
        return [(n, each, at) for n, (each, at) in enumerate(zip(self._actors, at_once, strict=True))]

    @cached_property
    def _others(self) -> list[list[Standing]]:
        """The company, posed when somebody looks: most stretches are given up for the subject's sake."""
        return [self._poses(actor, moments) for actor, moments in self._company]

    @cached_property
    def _middles(self) -> list[float]:
        return [float(at.points[:, 0].mean()) for at in self.subject]


def phase(walk: Pass, identity: Identity, time: float) -> float:
    """Of the gait, 0 to 1."""
    return (walk.phase + time * walk.speed(identity) / cycle_length(identity)) % 1.0
