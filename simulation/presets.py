"""Presets of sets of tracklets."""

from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class TrackletPreset:
    """A set to make. `identities` are numbered from 1; the last `test_identities` form the test split.

    People are drawn in parts of `people`. Each part is a world of its own, with cameras of its own, unless
    `one_test_world` puts all that have test identities before the same cameras.
    """

    seed: int
    identities: int
    test_identities: int
    cameras: int = 4  # a world, at most; every identity passes all of them
    people: int = 100  # a part
    frames: tuple[int, int] = (8, 12)
    fps: float = 8.0
    width: int = 1280
    height: int = 720
    truth: bool = False
    unlike: bool = False  # cameras that disagree, loose boxes, varied surroundings
    fewest_cameras: int | None = None  # a world has so many at least, or `cameras`
    crossed: float = 0.0  # share of tracklets in which somebody passes between the camera and the subject
    crossed_first: bool = False  # in the test split in all of them, at the beginning
    least_visible: float = 0.35  # share of a person that has to show in a frame
    one_test_world: bool = False
    alike: float = 0.0  # share of people in groups that wear the same dark winter clothes
    lively: bool = False  # folds in clothes, bags with handles and pockets, busy hands
    photographed: float = 0.5  # share of people drawn from a people directory, where there is one

    def resized(self, identities: int) -> "TrackletPreset":
        """The same with so many people: all to test with where all were, or else a third at most."""
        all_test = self.test_identities == self.identities
        tests = identities if all_test else min(self.test_identities, identities // 3)
        return replace(self, identities=identities, test_identities=tests)

    @property
    def parts(self) -> int:
        """Number of parts; each is made on its own."""
        return -(-self.identities // self.people)

    def world(self, part: int) -> int:
        """Which cameras a part is filmed by."""
        first = (self.identities - self.test_identities) // self.people
        return min(part, first) if self.one_test_world else part

    def is_test(self, identity: int) -> bool:
        """Return whether an identity belongs to the test split."""
        return identity > self.identities - self.test_identities

    def is_crossed(self, identity: int, rng: np.random.Generator) -> bool:
        """Return whether somebody passes in front of an identity in the next tracklet."""
        if self.crossed_first and self.is_test(identity):
            return True
        return self.crossed > 0 and bool(rng.random() < self.crossed)


PRESETS = {
    "train-3000": TrackletPreset(seed=101, identities=3200, test_identities=200),
    "train-9000": TrackletPreset(
        seed=104,
        identities=9225,
        test_identities=225,
        cameras=6,
        fewest_cameras=4,
        people=75,
        frames=(2, 4),
        fps=2.5,
        unlike=True,
        alike=0.3,
        lively=True,
        crossed=0.2,
    ),
    "unseen": TrackletPreset(
        seed=105,
        identities=400,
        test_identities=400,
        cameras=5,
        people=100,
        frames=(4, 6),
        fps=4.0,
        unlike=True,
        alike=0.2,
        lively=True,
        crossed=0.2,
    ),
    "clips": TrackletPreset(
        seed=106,
        identities=2000,
        test_identities=1000,
        cameras=3,
        people=100,
        frames=(24, 32),
        unlike=True,
        alike=0.3,
        lively=True,
        crossed=0.5,
        crossed_first=True,
        least_visible=0.12,
        one_test_world=True,
    ),
    # As PRID-2011: the first half of one world's people to train, the others to test, frame by frame.
    "pairs": TrackletPreset(
        seed=108,
        identities=200,
        test_identities=100,
        cameras=2,
        people=200,
        frames=(32, 48),
        fps=25.0,
        unlike=True,
        lively=True,
    ),
    "small": TrackletPreset(seed=102, identities=600, test_identities=100),
    "tiny": TrackletPreset(
        seed=103,
        identities=6,
        test_identities=3,
        cameras=3,
        people=3,
        frames=(4, 6),
        width=400,
        height=300,
        truth=True,
    ),
}
