"""Clusters against scikit-learn's DBSCAN, and the promises about links, cameras and changes of the radius."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN

from models.adaptation.clusters import SINGLE, Groups, cluster, relabel, stable_clusters, without_camera_means
from models.adaptation.jaccard import Pairs
from models.adaptation.settings import Neighbourhood

GAPS = Neighbourhood(change=0.02, stability=0.6)


def pairs_of(distances: np.ndarray) -> Pairs:
    first, second = np.triu_indices(len(distances), k=1)
    return Pairs(first, second, distances[first, second].astype(np.float32))


def random_pairs(seed: int, count: int) -> Pairs:
    half = np.random.default_rng(seed).uniform(0, 1, (count, count)).round(2)
    return pairs_of(half + half.T - np.diag(2 * np.diag(half)))


def chain(*gaps: float) -> Pairs:
    """Points on a line, one gap after another."""
    places = np.concatenate([[0], np.cumsum(gaps)])
    return pairs_of(np.abs(places[:, None] - places))


@settings(deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(2, 30), hundredths=st.integers(1, 60))
def test_without_links_it_is_dbscan_with_two_to_a_cluster(seed: int, count: int, hundredths: int) -> None:
    pairs = random_pairs(seed, count)
    radius = hundredths / 100 + 0.005  # distances are whole hundredths: rounding decides nothing
    dense = np.zeros((count, count))
    dense[pairs.first, pairs.second] = dense[pairs.second, pairs.first] = pairs.distances.astype(np.float64)

    theirs = DBSCAN(eps=radius, min_samples=2, metric="precomputed").fit_predict(dense)

    assert cluster(pairs, count, radius).tolist() == theirs.tolist()


@settings(deadline=None)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(2, 30),
    radius=st.floats(0.05, 1),
    links=st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=60),
)
def test_two_people_are_never_in_one_cluster(
    seed: int, count: int, radius: float, links: list[tuple[int, int]]
) -> None:
    apart = [(a % count, b % count) for a, b in links if a % count != b % count]
    pairs = random_pairs(seed, count)
    for labels in (
        cluster(pairs, count, radius, apart),
        stable_clusters(pairs, count, radius, GAPS, apart),
    ):
        assert all(labels[a] != labels[b] or labels[a] == SINGLE for a, b in apart)
        used = sorted(set(labels.tolist()) - {SINGLE})
        assert used == list(range(len(used)))
        assert all((labels == label).sum() > 1 for label in used)


@settings(deadline=None)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(2, 30),
    radius=st.floats(0.05, 1),
    links=st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29), st.booleans()), max_size=60),
)
def test_who_is_said_to_be_one_person_is_in_one_cluster(
    seed: int, count: int, radius: float, links: list[tuple[int, int, bool]]
) -> None:
    apart = [(a % count, b % count) for a, b, same in links if not same and a % count != b % count]
    groups = Groups(count, apart)
    together = [(a % count, b % count) for a, b, same in links if same and groups.join(a % count, b % count)]
    pairs = random_pairs(seed, count)
    for labels in (
        cluster(pairs, count, radius, apart, together=together),
        stable_clusters(pairs, count, radius, GAPS, apart, together=together),
    ):
        assert all(labels[a] == labels[b] for a, b in together)
        assert all(labels[a] != SINGLE for a, b in together if a != b)
        assert all(labels[a] != labels[b] or labels[a] == SINGLE for a, b in apart)


def test_who_belongs_together_for_sure_stays_where_a_wider_radius_would_merge() -> None:
    near = chain(0.1, 0.41, 0.1)
    assert stable_clusters(near, 4, 0.4, GAPS, [], together=[(2, 3)]).tolist() == [SINGLE, SINGLE, 0, 0]
    assert stable_clusters(near, 4, 0.4, GAPS, [], together=[(0, 3)]).tolist() == [0, 0, 0, 0]


def test_of_two_who_are_apart_the_nearer_one_is_joined() -> None:
    pairs = chain(0.1, 0.2)  # 0 and 2 are two people; 1 is nearer to 0

    assert cluster(pairs, 3, 0.25, [(0, 2)]).tolist() == [0, 0, SINGLE]


def test_a_cluster_that_a_wider_radius_would_merge_is_left_single() -> None:
    near = chain(0.1, 0.41, 0.1)  # two pairs, hardly farther apart than the radius

    assert cluster(near, 4, 0.4).tolist() == [0, 0, 1, 1]
    assert stable_clusters(near, 4, 0.4, GAPS, []).tolist() == [SINGLE] * 4
    assert stable_clusters(chain(0.1, 0.5, 0.1), 4, 0.4, GAPS, []).tolist() == [0, 0, 1, 1]


def test_a_cluster_that_a_tighter_radius_would_break_is_its_pieces() -> None:
    weak = chain(0.1, 0.39, 0.1)

    assert cluster(weak, 4, 0.4).tolist() == [0, 0, 0, 0]
    assert stable_clusters(weak, 4, 0.4, GAPS, []).tolist() == [0, 0, 1, 1]


def test_who_hangs_on_by_a_thread_may_stay_with_many() -> None:
    """Four of five are one piece by the tighter radius: more than the share that has to stay."""
    assert stable_clusters(chain(0.1, 0.1, 0.1, 0.39), 5, 0.4, GAPS, []).tolist() == [0] * 5
    assert stable_clusters(chain(0.39), 2, 0.4, GAPS, []).tolist() == [SINGLE] * 2


def test_without_a_change_every_cluster_counts() -> None:
    careless = Neighbourhood(change=0)

    assert stable_clusters(chain(0.1, 0.39, 0.1), 4, 0.4, careless, []).tolist() == [0] * 4


def test_labels_are_numbered_as_they_come() -> None:
    assert relabel([7, 3, 7, 9, 3]).tolist() == [0, 1, 0, SINGLE, 1]
    assert relabel([]).tolist() == []


def test_the_camera_is_taken_off() -> None:
    """Two cameras shift everybody their own way; without the shifts each person meets their like."""
    rng = np.random.default_rng(0)
    people = rng.normal(size=(200, 16))
    shifts = 4 * rng.normal(size=(2, 16))
    features = np.concatenate([people + shift for shift in shifts])
    features = (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32)
    cameras = np.repeat([0, 1], 200)

    centred = without_camera_means(features, cameras)

    def found(x: np.ndarray) -> float:
        return float(((x[:200] @ x[200:].T).argmax(axis=1) == np.arange(200)).mean())

    assert found(features) < 0.5
    assert found(centred) > 0.9
    assert np.linalg.norm(centred, axis=1) == pytest.approx(1, abs=1e-5)
