"""What is known from boxes and times."""

import numpy as np
import pytest

from models.adaptation.links import MOST, iou, seen_together
from models.adaptation.source import Sighting


def walk(name: str, left: float, times: range, *, camera: str = "hall", recording: str = "one") -> Sighting:
    """Somebody who stands at one place, 10 wide and 20 high."""
    boxes = np.tile(np.array([left, 0, left + 10, 20], dtype=np.float32), (len(times), 1))
    return Sighting(name, camera, recording, 0, 1, np.array(times, dtype=np.int64), boxes)


def test_side_by_side_are_two_people() -> None:
    assert seen_together([walk("a", 0, range(10)), walk("b", 50, range(5, 15))]).apart == [(0, 1)]


@pytest.mark.parametrize(
    "other",
    [
        walk("two frames in common", 50, range(8, 15)),
        walk("later", 50, range(10, 20)),
        walk("another recording", 50, range(10), recording="two"),
        walk("another camera", 50, range(10), camera="yard"),
        walk("half over the first", 3, range(10)),
        Sighting("no boxes", "hall", "one"),
    ],
    ids=lambda other: other.id,
)
def test_of_others_nothing_is_known(other: Sighting) -> None:
    together = seen_together([walk("a", 0, range(10)), other])

    assert together.apart == []
    assert together.twice == {}


def test_boxes_that_meet_once_are_in_doubt() -> None:
    passing = walk("b", 50, range(10))
    passing.boxes[4] = [2, 0, 12, 20]

    assert seen_together([walk("a", 0, range(10)), passing]).apart == []


def test_who_is_tracked_twice_counts_once() -> None:
    """The shorter of the two repeats the longer one, whichever came first."""
    assert seen_together([walk("a", 1, range(4, 10)), walk("b", 0, range(10))]).twice == {0: 1}
    assert seen_together([walk("a", 0, range(10)), walk("b", 0, range(10))]).twice == {1: 0}


def test_a_little_of_a_long_tracklet_repeats_nothing() -> None:
    assert seen_together([walk("a", 0, range(20)), walk("b", 0, range(16, 60))]).twice == {}


@pytest.mark.long
def test_a_crowd_is_not_compared_with_everybody() -> None:
    crowd = [walk(str(place), 20 * place, range(3)) for place in range(3 * MOST)]

    apart = seen_together(crowd).apart

    assert len(apart) <= len(crowd) * MOST
    assert len(apart) > len(crowd)


def test_intersection_over_union() -> None:
    box = np.array([[0, 0, 10, 10]] * 4, dtype=np.float32)
    others = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [20, 0, 30, 10], [3, 3, 3, 3]], dtype=np.float32)

    assert iou(box, others) == pytest.approx([1, 1 / 3, 0, 0])
