"""Sparse Jaccard distances against dense matrices and loops, and what must always hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.adaptation.jaccard import near_pairs
from models.errors import BadDistances
from models.evaluation.reranking import Features


def unit(rng: np.random.Generator, count: int, groups: int = 4, dimension: int = 6) -> Features:
    centres = rng.normal(size=(groups, dimension))
    vectors = centres[rng.integers(groups, size=count)] + 0.4 * rng.normal(size=(count, dimension))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def literally(features: Features, k1: int, k2: int) -> NDArray[np.float64]:
    """Sections 3.2 to 3.4 of Zhong et al. for all pairs."""
    x = features.astype(np.float64)
    n = len(x)
    squared = np.array([[((a - b) ** 2).sum() for b in x] for a in x])
    scaled = squared / squared.max(axis=1, keepdims=True)
    ranks = [sorted(range(n), key=lambda j, row=row: (row[j], j)) for row in squared]  # type: ignore[misc]

    def reciprocal(i: int, k: int) -> set[int]:
        return {j for j in ranks[i][: k + 1] if i in ranks[j][: k + 1]}

    encoded = np.zeros((n, n))
    for i in range(n):
        close = reciprocal(i, k1)
        together = set(close)
        for j in close:
            candidate = reciprocal(j, round(k1 / 2))
            if len(candidate & close) > 2 / 3 * len(candidate):
                together |= candidate
        for j in together:
            encoded[i, j] = np.exp(-scaled[i, j])
        encoded[i] /= encoded[i].sum()
    averaged = np.array([encoded[ranks[i][:k2]].mean(axis=0) for i in range(n)])
    return np.array(
        [[1 - np.minimum(a, b).sum() / np.maximum(a, b).sum() for b in averaged] for a in averaged]
    )


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(2, 40),
    k1=st.integers(1, 15),
    k2=st.integers(1, 5),
    limit=st.floats(0.05, 0.95),
)
def test_the_pairs_of_the_dense_matrix_that_are_near(
    seed: int, count: int, k1: int, k2: int, limit: float
) -> None:
    features = unit(np.random.default_rng(seed), count)
    dense = literally(features, k1, k2)

    pairs = near_pairs(features, k1=k1, k2=k2, limit=limit)

    found = dict(
        zip(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True), pairs.distances, strict=True)
    )
    for i in range(count):
        for j in range(i + 1, count):
            if abs(dense[i, j] - limit) < 1e-4:  # rounding decides
                continue
            assert ((i, j) in found) == (dense[i, j] <= limit)
            if (i, j) in found:
                assert found[i, j] == pytest.approx(dense[i, j], abs=1e-4)


def test_pairs_come_in_order_and_once() -> None:
    pairs = near_pairs(unit(np.random.default_rng(1), 200), k1=10, k2=3, limit=0.9)

    order = list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    assert order == sorted(set(order))
    assert all(first < second for first, second in order)
    assert len(pairs.within(0.3).first) < len(order)


def test_equal_features_are_no_distance_apart() -> None:
    features = np.repeat(unit(np.random.default_rng(2), 5), 4, axis=0)

    pairs = near_pairs(features, k1=3, k2=1, limit=0.5)

    same = {(i, j) for i in range(20) for j in range(i + 1, 20) if i // 4 == j // 4}
    assert same <= set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    assert pairs.distances.min() >= 0


@pytest.mark.parametrize("count", [0, 1])
def test_nobody_has_no_neighbours(count: int) -> None:
    assert len(near_pairs(np.ones((count, 3), dtype=np.float32), k1=15, k2=4, limit=0.5).first) == 0


def test_what_is_not_finite_is_refused() -> None:
    features = unit(np.random.default_rng(3), 10)
    features[3, 2] = np.nan

    with pytest.raises(BadDistances):
        near_pairs(features, k1=3, k2=1, limit=0.5)
