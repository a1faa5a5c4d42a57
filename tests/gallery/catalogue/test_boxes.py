"""Boxes as bytes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gallery.catalogue.boxes import pack, unpack
from gallery.errors import InvalidInput
from gallery.records.tracklets import BOX_DTYPE
from tests.gallery.making import make_boxes

finite = st.floats(-1e6, 1e6, width=32)
positive = st.floats(2.0**-10, 1e6, width=32)


@st.composite
def boxes(draw: st.DrawFn) -> "np.ndarray[tuple[int], np.dtype[np.void]]":
    times = sorted(draw(st.sets(st.integers(0, 2**62), min_size=1, max_size=20)))
    made = np.zeros(len(times), BOX_DTYPE)
    made["time_us"] = times
    made["frame"] = draw(hnp.arrays(np.int32, len(times), elements=st.integers(0, 2**31 - 1)))
    for name in ("x", "y", "score"):
        made[name] = draw(hnp.arrays(np.float32, len(times), elements=finite))
    for name in ("w", "h"):
        made[name] = draw(hnp.arrays(np.float32, len(times), elements=positive))
    return made


@given(boxes())
def test_what_is_packed_comes_back(original: "np.ndarray[tuple[int], np.dtype[np.void]]") -> None:
    packed = pack(original)
    assert packed == pack(original.copy())
    np.testing.assert_array_equal(unpack(packed), original)


@pytest.mark.parametrize(
    ("name", "row", "value"),
    [
        ("x", 1, np.nan),
        ("score", 0, np.inf),
        ("w", 2, 0.0),
        ("h", 0, -1.0),
        ("time_us", 0, -1),
        ("time_us", 2, 100_000),
        ("frame", 0, -1),
    ],
)
def test_impossible_boxes_are_refused(name: str, row: int, value: float) -> None:
    made = make_boxes(0, 3)
    made[name][row] = value
    with pytest.raises(InvalidInput):
        pack(made)


@pytest.mark.parametrize(
    "made", [np.zeros(0, BOX_DTYPE), np.zeros((2, 2), BOX_DTYPE), np.zeros(3), make_boxes(0, 2)["x"]]
)
def test_other_arrays_are_refused(made: "np.ndarray[tuple[int], np.dtype[np.void]]") -> None:
    with pytest.raises(InvalidInput):
        pack(made)


@pytest.mark.parametrize("data", [b"", b"\x02", b"\x01abc", pack(make_boxes(0, 3))[:-1]])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        unpack(data)
