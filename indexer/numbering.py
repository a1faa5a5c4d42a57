"""Tracklets end in one order and are numbered in another: by first appearance, then by position."""

import heapq
from collections.abc import Iterable, Iterator
from itertools import count

from gallery import NewTracklet
from indexer.embedding import Settled

Key = tuple[int, float, float, float, float]


def by_appearance(messages: Iterable[Settled[NewTracklet]]) -> Iterator[NewTracklet]:
    """Sort a stream of tracklets by start, then by the left, top, width and height of their first box.

    A tracklet is let through as soon as nothing that is still being followed began before it. Tracks are
    cut at a longest duration (see indexer.active), so only what ended within that time is ever held.
    """
    held: list[tuple[Key, int, NewTracklet]] = []
    arrival = count()  # of two with one key the first to come goes first, and tracklets are never compared
    for message in messages:
        for tracklet in message.tracklets:
            heapq.heappush(held, (_key(tracklet), next(arrival), tracklet))
        while held and held[0][0][0] < message.horizon_us:
            yield heapq.heappop(held)[2]
    while held:
        yield heapq.heappop(held)[2]


def _key(tracklet: NewTracklet) -> Key:
    first = tracklet.boxes[0]
    return int(first["time_us"]), float(first["x"]), float(first["y"]), float(first["w"]), float(first["h"])
