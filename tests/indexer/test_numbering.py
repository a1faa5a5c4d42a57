"""Tracklets are numbered by appearance, whatever the order in which they end."""

from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gallery import BOX_DTYPE, NewTracklet
from indexer.embedding import Settled
from indexer.numbering import by_appearance


def tracklet(start: int, left: float) -> NewTracklet:
    boxes = np.array([(start, 0, left, 0, 10, 20, 1)], dtype=BOX_DTYPE)
    return NewTracklet(boxes, np.ones(2, dtype=np.float32), [], {}, b"")


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 30), st.integers(0, 9)), min_size=1, max_size=40)
)
def test_sorted_by_start_and_place_and_none_held_longer_than_needed(
    tracks: list[tuple[int, int, int]],
) -> None:
    """`tracks` are (start, duration, left)."""
    by_end = sorted(tracks, key=lambda t: t[0] + t[1])
    messages = []
    for position, (start, _, left) in enumerate(by_end):
        horizon = min((t[0] for t in by_end[position + 1 :]), default=10**9)
        messages.append(Settled([tracklet(start, left)], horizon))
    came = 0

    def counted() -> Iterator[Settled[NewTracklet]]:
        nonlocal came
        for message in messages:
            came += 1
            yield message

    keys = []
    for done in by_appearance(counted()):
        keys.append((int(done.boxes["time_us"][0]), float(done.boxes["x"][0])))
        if came < len(messages):
            assert keys[-1][0] < messages[came - 1].horizon_us
    assert keys == sorted((start, float(left)) for start, _, left in tracks)
