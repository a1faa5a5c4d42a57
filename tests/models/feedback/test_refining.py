"""Probes that verdicts move, and which verdicts to ask for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.svm import LinearSVC

from models.feedback.judging import line_between, to_judge
from models.feedback.refining import ENOUGH, Method, refine
from models.feedback.svm import separating
from tests.models.feedback.test_fusion import vectors

NONE = np.zeros((0, 24), np.float32)


@given(seed=st.integers(0, 2**32 - 1), matches=st.integers(0, 12), others=st.integers(0, 12))
def test_any_verdicts_give_a_probe(seed: int, matches: int, others: int) -> None:
    probe, *rest = vectors(seed, 1 + matches + others)
    found = refine(probe, np.array(rest[:matches] or NONE), np.array(rest[matches:] or NONE))
    assert np.linalg.norm(found.vector) == pytest.approx(1, abs=1e-5)
    assert found.vector.dtype == np.float32
    enough = matches and others and matches + others >= ENOUGH
    assert found.method is (Method.SVM if enough else Method.ROCCHIO)
    if not matches and not others:
        assert np.array_equal(found.vector, probe)


def test_it_moves_towards_matches_and_away_from_others() -> None:
    probe, match, other = vectors(1, 3)
    moved = refine(probe, match[np.newaxis], other[np.newaxis]).vector
    assert moved @ match > probe @ match
    assert moved @ other < probe @ other
    away = refine(probe, NONE, other[np.newaxis]).vector
    assert away @ other < probe @ other
    assert away @ probe > 0.9, "what is not the person says little of who is"


def test_verdicts_that_cancel_the_probe_leave_it() -> None:
    (probe,) = vectors(2, 1)
    assert np.array_equal(refine(probe, -probe[np.newaxis], NONE).vector, probe)


def test_from_five_on_it_learns_what_tells_people_apart() -> None:
    """The person differs from others in one direction that the photo does not show."""
    rng = np.random.default_rng(3)
    people = vectors(3, 1) + 0.02 * rng.standard_normal((60, 24)).astype(np.float32)
    people[:30, 0] += 0.15
    people /= np.linalg.norm(people, axis=1, keepdims=True)
    probe = vectors(3, 1)[0]
    found = refine(probe, people[:5], people[30:35])
    assert found.method is Method.SVM

    def apart(query: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
        return float((people[5:30] @ query).min() - (people[35:] @ query).max())

    assert apart(probe) < 0 < apart(found.vector)


@pytest.mark.parametrize("seed", range(5))
def test_the_machine_is_that_of_a_library(seed: int) -> None:
    rng = np.random.default_rng(seed)
    examples = np.concatenate([vectors(seed, 14).astype(np.float64), np.ones((14, 1))], axis=1)
    labels = np.where(rng.random(14) < 0.4, 1, -1)
    labels[:2] = [1, -1]
    costs = rng.uniform(0.5, 2, 14)
    library = LinearSVC(C=1.0, loss="hinge", fit_intercept=False, tol=1e-10, max_iter=10**6)
    library.fit(examples, labels, sample_weight=costs)
    assert separating(examples, labels, costs) == pytest.approx(library.coef_[0], abs=1e-4)


def test_hits_near_the_line_are_asked_about_from_all_cameras_in_turn() -> None:
    values = np.array([0.95, 0.6, 0.52, 0.5, 0.45, 0.1])
    assert to_judge(values, ["a"] * 6, 0.5, 3) == [3, 2, 4]
    assert to_judge(values, ["b", "a", "a", "a", "b", "c"], 0.5, 4) == [3, 4, 5, 2]
    assert to_judge(values, ["a"] * 6, 0.5, 99) == [3, 2, 4, 1, 5, 0]
    assert to_judge(values[:0], [], 0.5, 5) == []


def test_the_line_lies_between_the_verdicts() -> None:
    scores = np.array([9.0, 8.0, 4.0, 2.0, 1.0])
    assert line_between(scores, [0, 1], [3]) == pytest.approx((8.5 + 2) / 2)
    assert line_between(scores, [], []) == 9, "without verdicts the first hits say most"
    assert line_between(scores, [], [0, 1]) == 9
    assert line_between(scores, [0, 2], []) == 4
