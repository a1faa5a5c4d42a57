"""Checks of embeddings: one dimension, finite, of length one."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gallery.errors import InvalidInput
from gallery.records.tracklets import FloatArray

LENGTH_TOLERANCE = 1e-3  # bf16 embedders normalise this well; a raw feature is far off


def checked_vector(vector: NDArray[Any], dimension: int, what: str) -> FloatArray:
    """Return a vector, (D,) of any float type, as float32.

    Raises:
        InvalidInput: another dimension, a value that is no finite number, or not L2-normalised.
    """
    if not isinstance(vector, np.ndarray) or vector.dtype.kind != "f":
        raise InvalidInput(f"{what} must be an array of floats")
    if vector.shape != (dimension,):
        raise InvalidInput(f"{what} has shape {vector.shape}, not ({dimension},)")
    checked = np.ascontiguousarray(vector, np.float32)
    if not np.isfinite(checked).all():
        raise InvalidInput(f"{what} contains values that are no finite numbers")
    length = float(np.linalg.norm(checked))
    if abs(length - 1.0) > LENGTH_TOLERANCE:
        raise InvalidInput(f"{what} has length {length:.4g}: it must be L2-normalised")
    return checked
