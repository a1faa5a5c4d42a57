"""Re-ranking by k-reciprocal neighbours.

Zhong et al., "Re-ranking Person Re-identification with k-reciprocal Encoding", CVPR 2017.

Two entries are alike when they have the same neighbours. Each entry is described by those that are among its
nearest and have it among theirs; entries are compared by these sets (Jaccard), and that is mixed with the
plain distance. Distances among queries and among gallery entries count too: an answer depends on what else is
asked and stored, so re-ranked figures are never to be mixed with plain ones.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.errors import BadDistances

Features = NDArray[np.float32]
Ints = NDArray[np.int64]

ROWS: Final = 512  # of the distance matrix that are in memory together


class Neighbours(NamedTuple):
    """The part of the (N, N) matrix of squared distances that re-ranking needs, N = Q + G.

    Attributes:
        nearest: (N, k) entries, the nearest first, ties in order of their numbers.
        largest: (N,) the largest distance from each entry.
        plain: (Q, G) distances from queries to the gallery.
    """

    nearest: Ints
    largest: Features
    plain: Features


class Sparse(NamedTuple):
    """A row of few values: where they stand, ascending, and the values, which sum to 1."""

    columns: Ints
    values: NDArray[np.float64]


def k_reciprocal(
    query: Features, gallery: Features, *, k1: int = 20, k2: int = 6, weight: float = 0.3
) -> Features:
    """Re-rank all queries against the whole gallery.

    The (N, N) matrix of distances, N = Q + G, is worked on in stripes: beside the answer, memory grows with
    N x k1, not with the square of N. Time does grow with it.

    Args:
        query: (Q, D) unit vectors.
        gallery: (G, D) unit vectors.
        k1: neighbours that may be reciprocal.
        k2: neighbours whose descriptions are averaged ("local query expansion"); 1 does without.
        weight: share of the plain distance in the result, from 0 to 1; lambda in the paper.

    Returns:
        (Q, G) distances from 0 to 1: (1 - weight) x Jaccard + weight x squared distance, as a share of the
        query's largest one.

    Raises:
        BadDistances: the features are not finite matrices of one width.
        ValueError: parameters out of range.
    """
    if k1 < 1 or k2 < 1 or not 0 <= weight <= 1:
        raise ValueError(f"k1 {k1}, k2 {k2}, weight {weight}")
    for features in (query, gallery):
        if features.ndim != 2 or features.shape[1] != query.shape[-1] or not np.isfinite(features).all():
            raise BadDistances(f"{query.shape} and {gallery.shape} are not finite features of one width")
    if not len(query) or not len(gallery):
        return np.zeros((len(query), len(gallery)), dtype=np.float32)
    features = np.concatenate([query, gallery], dtype=np.float32)
    rows, neighbours = describe(features, len(query), k1=k1, k2=k2)
    mixed = (1 - weight) * _jaccard(rows, len(query)) + weight * neighbours.plain
    return np.asarray(mixed, dtype=np.float32)


def describe(features: Features, queries: int, *, k1: int, k2: int) -> tuple[list[Sparse], Neighbours]:
    """Describe each entry by its reciprocal neighbours, averaged over its nearest: section 3 of the paper.

    Two entries are alike in as far as their descriptions share (equation 10; the values of each sum to 1).

    Args:
        features: (N, D) unit vectors, the queries first.
        queries: Q.
        k1: neighbours that may be reciprocal.
        k2: neighbours whose descriptions are averaged.
    """
    neighbours = _neighbours(features, queries, max(k1 + 1, k2))
    return _expand(_encode(features, neighbours, k1), neighbours.nearest[:, :k2]), neighbours


def _neighbours(features: Features, queries: int, k: int) -> Neighbours:
    count = len(features)
    nearest = np.empty((count, min(k, count)), dtype=np.int64)
    largest = np.empty(count, dtype=np.float32)
    plain = np.empty((queries, count - queries), dtype=np.float32)
    for start in range(0, count, ROWS):
        stripe = _squared_distances(features[start : start + ROWS], features)
        end = start + len(stripe)
        largest[start:end] = np.maximum(stripe.max(axis=1), np.finfo(np.float32).tiny)
        for index, row in enumerate(stripe, start):
            nearest[index] = _smallest(row, nearest.shape[1])
        if start < queries:
            kept = stripe[: queries - start, queries:]
            plain[start : start + len(kept)] = kept / largest[start : start + len(kept), None]
    return Neighbours(nearest, largest, plain)


def _squared_distances(some: Features, all_: Features) -> Features:
    """(A, D), (B, D) -> (A, B)."""
    squares = np.square(some).sum(axis=1)[:, None] + np.square(all_).sum(axis=1)
    distances: Features = np.maximum(squares - 2 * some @ all_.T, 0)
    return distances


def _smallest(row: NDArray[np.floating[Any]], k: int) -> Ints:
    """Where the k smallest values stand, as a stable sort of the whole row would list them."""
    candidates = np.flatnonzero(row <= np.partition(row, k - 1)[k - 1])
    return candidates[np.argsort(row[candidates], kind="stable")][:k]


def _reciprocal(nearest: Ints, entry: int, k: int) -> Ints:
    """R(entry, k), equation 4: its k nearest (and itself) that have it among their k nearest."""
    forward = nearest[entry, : k + 1]
    kept: Ints = forward[(nearest[forward, : k + 1] == entry).any(axis=1)]
    return kept


def _encode(features: Features, neighbours: Neighbours, k1: int) -> list[Sparse]:
    """Describe each entry by its reciprocal neighbours and by those of theirs, equations 5 to 7."""
    nearest = neighbours.nearest
    halves = [_reciprocal(nearest, entry, round(k1 / 2)) for entry in range(len(features))]
    rows = []
    for entry in range(len(features)):
        close = _reciprocal(nearest, entry, k1)
        friends = [
            half for half in (halves[c] for c in close) if np.isin(half, close).sum() > 2 / 3 * len(half)
        ]
        columns = np.unique(np.concatenate([close, *friends]))
        distances = _squared_distances(features[entry : entry + 1], features[columns])[0]
        values = np.exp(-distances.astype(np.float64) / neighbours.largest[entry])
        rows.append(Sparse(columns, values / values.sum()))
    return rows


def _expand(rows: Sequence[Sparse], nearest: Ints) -> list[Sparse]:
    """Average each row with those of its nearest, equation 11."""
    expanded = []
    for entries in nearest:
        columns = np.concatenate([rows[entry].columns for entry in entries])
        values = np.concatenate([rows[entry].values for entry in entries])
        kept, places = np.unique(columns, return_inverse=True)
        expanded.append(Sparse(kept, np.bincount(places, values, len(kept)) / len(entries)))
    return expanded


def _jaccard(rows: Sequence[Sparse], queries: int) -> Features:
    """Jaccard distances of the first rows to the others, equation 10: (Q, G).

    All rows sum to 1, so their union (the sum of the larger values) is 2 less what they share.
    """
    gallery = rows[queries:]
    holders = np.repeat(np.arange(len(gallery)), [len(row.columns) for row in gallery])
    columns = np.concatenate([row.columns for row in gallery])
    values = np.concatenate([row.values for row in gallery])
    order = np.argsort(columns, kind="stable")
    holders, values = holders[order], values[order]
    starts = np.searchsorted(columns[order], np.arange(len(rows) + 1))
    distances = np.empty((queries, len(gallery)), dtype=np.float32)
    for index, row in enumerate(rows[:queries]):
        shared = np.zeros(len(gallery))
        for column, value in zip(row.columns, row.values, strict=True):
            held = slice(starts[column], starts[column + 1])
            shared[holders[held]] += np.minimum(value, values[held])
        distances[index] = 1 - shared / (2 - shared)
    return distances
