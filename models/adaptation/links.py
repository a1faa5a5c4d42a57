"""What boxes and times say without labels: who was seen side by side, and what was tracked twice."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.adaptation.source import Boxes, Sighting

FRAMES: Final = 3  # in common before two tracklets say anything about each other
APART: Final = 0.5  # IoU below which two boxes are two people
SAME: Final = 0.7  # IoU above which they are one, tracked twice
MOST: Final = 200  # tracklets at the same time that each is compared with


class Together(NamedTuple):
    """Tracklets seen at the same time on one recording.

    Attributes:
        apart: pairs that are two people, each (smaller index, larger index).
        twice: tracklets that repeat another one, to the one that is longer.
    """

    apart: list[tuple[int, int]]
    twice: dict[int, int]


def seen_together(sightings: Sequence[Sighting]) -> Together:
    """Compare the boxes of all tracklets of a recording that overlap in time.

    Two are two people when they have three frames in common and their boxes are apart in all of them: a box
    that hops from one person to the other is in doubt, and says nothing.
    """
    apart: list[tuple[int, int]] = []
    twice: dict[int, int] = {}
    for one, other in _overlapping(sightings):
        overlaps = overlap(sightings[one], sightings[other])
        if len(overlaps) < FRAMES:
            continue
        if overlaps.max() < APART:
            apart.append((min(one, other), max(one, other)))
        elif overlaps.min() > SAME:
            shorter, longer = sorted((one, other), key=lambda i: (len(sightings[i].times), -i))
            if 2 * len(overlaps) >= len(sightings[shorter].times):
                twice.setdefault(shorter, longer)
    return Together(sorted(apart), twice)


def overlap(one: Sighting, other: Sighting) -> NDArray[np.float32]:
    """(F,) intersection over union of the boxes in the F frames that two tracklets have in common."""
    _, here, there = np.intersect1d(one.times, other.times, return_indices=True)
    return iou(one.boxes[here], other.boxes[there])


def iou(ones: Boxes, others: Boxes) -> NDArray[np.float32]:
    """Intersection over union of boxes, pair by pair: (F, 4), (F, 4) -> (F,)."""
    low, high = np.maximum(ones[:, :2], others[:, :2]), np.minimum(ones[:, 2:], others[:, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = sum(np.prod(np.clip(b[:, 2:] - b[:, :2], 0, None), axis=1) for b in (ones, others))
    return np.asarray(shared / np.maximum(areas - shared, 1e-6), dtype=np.float32)


def _overlapping(sightings: Sequence[Sighting]) -> Iterator[tuple[int, int]]:
    """Pairs of one recording that are there at the same time; in a crowd each with the MOST latest ones."""
    recordings: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for index, sighting in enumerate(sightings):
        if len(sighting.times) >= FRAMES:
            recordings[sighting.camera, sighting.recording].append(index)
    for own in recordings.values():
        there: list[int] = []
        for index in sorted(own, key=lambda i: (int(sightings[i].times[0]), i)):
            begins = sightings[index].times[0]
            there = [i for i in there if sightings[i].times[-1] >= begins][-MOST:]
            for earlier in there:
                yield earlier, index
            there.append(index)
