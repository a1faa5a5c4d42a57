"""Boxes of a tracklet as bytes: one version byte, then the rows of BOX_DTYPE as they are.

Uncompressed on purpose: the same boxes give the same bytes whatever the compression library on the machine.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gallery.errors import InvalidInput
from gallery.records.tracklets import BOX_DTYPE

_VERSION = b"\x01"
_FLOATS = ("x", "y", "w", "h", "score")


def pack(boxes: NDArray[Any]) -> bytes:
    """Encode boxes, (N,) of BOX_DTYPE, N >= 1.

    Raises:
        InvalidInput: another shape or type, no box, times that do not ascend, or a box that is none.
    """
    if boxes.dtype != BOX_DTYPE or boxes.ndim != 1 or not len(boxes):
        raise InvalidInput(
            f"boxes must be a non-empty (N,) array of BOX_DTYPE, not {boxes.shape} {boxes.dtype}"
        )
    if boxes["time_us"][0] < 0 or np.any(np.diff(boxes["time_us"]) <= 0) or np.any(boxes["frame"] < 0):
        raise InvalidInput("the times of boxes must ascend from 0 on")
    if not all(np.isfinite(boxes[name]).all() for name in _FLOATS):
        raise InvalidInput("a box has a coordinate or score that is no finite number")
    if np.any(boxes["w"] <= 0) or np.any(boxes["h"] <= 0):
        raise InvalidInput("a box has no area")
    return _VERSION + boxes.tobytes()


def unpack(data: bytes) -> NDArray[np.void]:
    """Decode what `pack` made: (N,) of BOX_DTYPE, read-only.

    Raises:
        InvalidInput: the bytes are something else.
    """
    if data[:1] != _VERSION or (len(data) - 1) % BOX_DTYPE.itemsize:
        raise InvalidInput(f"{len(data)} bytes are no packed boxes")
    return np.frombuffer(data, BOX_DTYPE, offset=1)
