"""Jaccard distances between all tracklets, of which only the near ones are kept.

The inside is re-ranking's (models.evaluation.reranking). It never holds an N x N matrix: beside the features
memory grows with N x k1, and with the pairs that are near.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.errors import BadDistances
from models.evaluation.reranking import Features, Ints, Sparse, describe


class Pairs(NamedTuple):
    """Pairs of near tracklets: first < second, and how far apart; in the order of first, then second.

    Attributes:
        first: (P,).
        second: (P,).
        distances: (P,) float32, 0 to the limit.
    """

    first: Ints
    second: Ints
    distances: Features

    def within(self, radius: float) -> "Pairs":
        """The pairs that are at most so far apart."""
        kept = self.distances <= radius
        return Pairs(self.first[kept], self.second[kept], self.distances[kept])


def near_pairs(features: Features, *, k1: int, k2: int, limit: float) -> Pairs:
    """Find all pairs whose Jaccard distance is at most `limit`.

    Zhong et al., "Re-ranking Person Re-identification with k-reciprocal Encoding", CVPR 2017, equations 4 to
    7, 10 and 11, with every tracklet compared to every other.

    Args:
        features: (N, D) unit vectors.
        k1: neighbours that may be reciprocal.
        k2: neighbours whose descriptions are averaged.
        limit: below 1. Tracklets that share nothing are 1 apart, and are never looked at.

    Raises:
        BadDistances: a feature is not finite.
    """
    if not np.isfinite(features).all():
        raise BadDistances("the features of tracklets are not finite")
    if not len(features):
        return Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))
    rows, _ = describe(features, 0, k1=k1, k2=k2)
    holders, values, starts = _inverted(rows)
    shared = np.zeros(len(rows))
    found: list[tuple[NDArray[np.int64], NDArray[np.float64]]] = []
    for index, row in enumerate(rows):
        lists = [slice(starts[column], starts[column + 1]) for column in row.columns]
        for own, held in zip(row.values, lists, strict=True):
            shared[holders[held]] += np.minimum(own, values[held])
        touched = np.unique(np.concatenate([holders[held] for held in lists]))
        later = touched[touched > index]
        distances = 1 - shared[later] / (2 - shared[later])
        near = distances <= limit
        found.append((later[near], distances[near]))
        shared[touched] = 0
    first = np.repeat(np.arange(len(rows)), [len(later) for later, _ in found])
    return Pairs(
        first,
        np.concatenate([later for later, _ in found]),
        np.concatenate([distances for _, distances in found]).clip(min=0).astype(np.float32),
    )


def _inverted(rows: list[Sparse]) -> tuple[Ints, NDArray[np.float64], Ints]:
    """For each column the rows that hold it, ascending, with their values, and where its list starts."""
    holders = np.repeat(np.arange(len(rows)), [len(row.columns) for row in rows])
    columns = np.concatenate([row.columns for row in rows])
    values = np.concatenate([row.values for row in rows])
    order = np.argsort(columns, kind="stable")
    return holders[order], values[order], np.searchsorted(columns[order], np.arange(len(rows) + 1))
