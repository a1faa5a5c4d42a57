"""k-reciprocal re-ranking against its literal definition, and what must always hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.errors import BadDistances
from models.evaluation import reranking
from models.evaluation.reranking import Features, k_reciprocal

Matrix = NDArray[np.float64]


def unit(rng: np.random.Generator, count: int, dimension: int = 6) -> Features:
    """Vectors in a few loose groups, so that reciprocal sets are neither trivial nor everything."""
    centres = rng.normal(size=(4, dimension))
    vectors = centres[rng.integers(4, size=count)] + 0.5 * rng.normal(size=(count, dimension))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def literally(query: Features, gallery: Features, k1: int, k2: int, weight: float) -> Matrix:
    """Sections 3.2 to 3.4 of the paper, word for word, with dense matrices and loops."""
    features = np.concatenate([query, gallery]).astype(np.float64)
    n = len(features)
    squared = np.array([[((a - b) ** 2).sum() for b in features] for a in features])
    original = (squared / squared.max(axis=0)).T
    ranks = [sorted(range(n), key=lambda j, row=row: (row[j], j)) for row in original]  # type: ignore[misc]

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
            encoded[i, j] = np.exp(-original[i, j])
        encoded[i] /= encoded[i].sum()
    averaged = np.array([encoded[ranks[i][:k2]].mean(axis=0) for i in range(n)])
    result = np.zeros((len(query), len(gallery)))
    for i in range(len(query)):
        for j in range(len(gallery)):
            a, b = averaged[i], averaged[len(query) + j]
            jaccard = 1 - np.minimum(a, b).sum() / np.maximum(a, b).sum()
            result[i, j] = (1 - weight) * jaccard + weight * original[i, len(query) + j]
    return result


@pytest.mark.parametrize(
    ("k1", "k2", "weight"),
    [(20, 6, 0.3), (5, 3, 0.3), (6, 1, 0.0), (3, 9, 1.0), (1, 1, 0.5), (200, 200, 0.3)],
)
def test_as_the_paper_defines_it(k1: int, k2: int, weight: float) -> None:
    rng = np.random.default_rng(k1)
    query, gallery = unit(rng, 9), unit(rng, 41)

    found = k_reciprocal(query, gallery, k1=k1, k2=k2, weight=weight)

    assert found.dtype == np.float32
    np.testing.assert_allclose(found, literally(query, gallery, k1, k2, weight), atol=2e-6)


def test_stripes_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    query, gallery = unit(rng, 11), unit(rng, 30)
    whole = k_reciprocal(query, gallery)
    for rows in (1, 4, 11, 12):
        monkeypatch.setattr(reranking, "ROWS", rows)

        np.testing.assert_allclose(k_reciprocal(query, gallery), whole, atol=2e-6)


def test_reciprocity_outranks_mere_nearness() -> None:
    """On a circle: the query's nearest entry has a crowd of its own, the farther one has nobody else."""

    def at(*degrees: float) -> Features:
        radians = np.radians(degrees)
        return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)

    query = at(0)
    gallery = at(20, 25, 26, 27, -24)  # the crowd from 20 degrees, and one alone
    plain = 1 - query @ gallery.T
    found = k_reciprocal(query, gallery, k1=2, k2=1, weight=0.3)

    assert np.argmin(plain) == 0
    assert np.argmin(found) == 4


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 12), st.integers(1, 25), st.integers(1, 8))
def test_what_always_holds(seed: int, queries: int, entries: int, k1: int, k2: int) -> None:
    rng = np.random.default_rng(seed)
    query, gallery = unit(rng, queries), unit(rng, entries)
    found = k_reciprocal(query, gallery, k1=k1, k2=k2)
    order = rng.permutation(entries)

    assert found.shape == (queries, entries)
    assert np.all((found >= -1e-6) & (found <= 1 + 1e-6))
    np.testing.assert_allclose(k_reciprocal(query, gallery[order], k1=k1, k2=k2), found[:, order], atol=2e-6)


def test_only_the_plain_distance_when_it_has_all_the_weight() -> None:
    rng = np.random.default_rng(5)
    query, gallery = unit(rng, 4), unit(rng, 20)
    everybody = np.concatenate([query, gallery])
    squared = 2 - 2 * query @ everybody.T

    found = k_reciprocal(query, gallery, weight=1.0)

    np.testing.assert_allclose(found, (squared / squared.max(axis=1, keepdims=True))[:, 4:], atol=2e-6)


@pytest.mark.parametrize("count", [1, 3, 40])
def test_equal_and_empty_vectors_are_no_reason_to_divide_by_nothing(count: int) -> None:
    for value in (0.0, 1.0):
        vectors = np.full((count, 1), value, dtype=np.float32)

        assert np.isfinite(k_reciprocal(vectors, vectors)).all()


@pytest.mark.parametrize(("queries", "entries"), [(0, 5), (5, 0), (0, 0)])
def test_nothing_to_rank(queries: int, entries: int) -> None:
    found = k_reciprocal(np.ones((queries, 3), np.float32), np.ones((entries, 3), np.float32))

    assert found.shape == (queries, entries)


@pytest.mark.parametrize(
    ("query", "gallery"),
    [
        (np.ones((2, 3)), np.ones((2, 4))),
        (np.ones(3), np.ones((2, 3))),
        (np.ones((2, 3)), np.ones((2, 3, 1))),
        (np.ones((2, 3)), np.array([[1, np.nan, 0]])),
        (np.array([[np.inf, 0]]), np.ones((2, 2))),
    ],
)
def test_features_that_are_none_are_refused(query: Features, gallery: Features) -> None:
    with pytest.raises(BadDistances):
        k_reciprocal(query, gallery)


@pytest.mark.parametrize("parameters", [{"k1": 0}, {"k2": 0}, {"weight": -0.1}, {"weight": 1.1}])
def test_parameters_out_of_range_are_refused(parameters: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="k1"):
        k_reciprocal(np.ones((1, 2), np.float32), np.ones((1, 2), np.float32), **parameters)  # type: ignore[arg-type]
