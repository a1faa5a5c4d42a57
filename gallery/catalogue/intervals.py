"""Arithmetic of sets of time.

Each is (N, 2) int64 of starts and ends in µs, [start, end), ascending and apart.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Spans = NDArray[np.int64]
NOTHING: Spans = np.zeros((0, 2), np.int64)


def union(spans: Iterable[tuple[int, int]] | Spans, *, joined_us: int = 0) -> Spans:
    """Unite any spans, in any order, overlapping or not; gaps shorter than `joined_us` are closed."""
    array = np.array([*spans], np.int64).reshape(-1, 2)
    array = array[array[:, 1] > array[:, 0]]
    if not len(array):
        return NOTHING
    array = array[np.argsort(array[:, 0], kind="stable")]
    reached = np.maximum.accumulate(array[:, 1])
    begins = np.flatnonzero(np.concatenate([[True], array[1:, 0] >= reached[:-1] + max(1, joined_us)]))
    ends = np.append(begins[1:], len(array)) - 1
    return np.stack([array[begins, 0], reached[ends]], axis=1)


def complement(spans: Spans, start_us: int, end_us: int) -> Spans:
    """Return what of [start_us, end_us) is not in `spans`."""
    inside = np.clip(spans, start_us, end_us)
    gaps = np.stack([np.append(start_us, inside[:, 1]), np.append(inside[:, 0], end_us)], axis=1)
    return gaps[gaps[:, 1] > gaps[:, 0]].astype(np.int64)


def intersection(one: Spans, other: Spans, start_us: int, end_us: int) -> Spans:
    """Return what of [start_us, end_us) is in both."""
    outside = [complement(spans, start_us, end_us) for spans in (one, other)]
    return complement(union(np.concatenate(outside)), start_us, end_us)


def length_us(spans: Spans) -> int:
    """Add up how long they are."""
    return int((spans[:, 1] - spans[:, 0]).sum())
