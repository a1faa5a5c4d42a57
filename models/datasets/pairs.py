"""Data sets of two cameras that each saw every person once: camera 1 asks, camera 2 answers."""

from collections.abc import Iterable, Mapping

from models.datasets.layout import Layout
from models.datasets.records import Split, Tracklet

People = Mapping[int, Tracklet]
"""Person to its tracklet."""


def check_same(layout: Layout, *cameras: People) -> None:
    """Raise BadDataset unless everybody is on all cameras."""
    everybody = set().union(*cameras)
    missing = sorted(person for person in everybody if any(person not in camera for camera in cameras))
    if missing:
        raise layout.error(f"{len(missing)} people are not on all cameras, such as person {missing[0]:03d}")


def split(
    first: People, second: People, query: People, *, train: Iterable[int], test: Iterable[int]
) -> Split:
    """A split by people.

    Args:
        first: what camera 1 trains with.
        second: what camera 2 trains and answers with.
        query: what asks.
        train: who trains, on both cameras.
        test: who is looked for.
    """
    tested = sorted(test)
    return Split(
        tuple(camera[person] for person in sorted(train) for camera in (first, second)),
        tuple(query[person] for person in tested),
        tuple(second[person] for person in tested),
    )
