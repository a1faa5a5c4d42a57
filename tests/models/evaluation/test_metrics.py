"""Figures that can be worked out by hand."""

import numpy as np
import pytest

from models.errors import BadDataset, BadDistances
from models.evaluation.metrics import (
    average_precisions,
    best,
    cmc,
    identification,
    inverse_negative_penalties,
    rank,
    single_gallery_shot,
    verification,
)
from tests.models.rankings import Problem, labels, listed

OTHER, DISTRACTOR, JUNK = (2, 2), (0, 2), (-1, 2)


def judged(problem: Problem) -> tuple[float, float, float, float]:
    """Rank-1, standard and trapezoid mAP, mINP."""
    ranking = rank(problem.distances, problem.query, problem.gallery)
    return (
        float(cmc(ranking, 1)[0]),
        float(average_precisions(ranking, "standard").mean()),
        float(average_precisions(ranking, "trapezoid").mean()),
        float(inverse_negative_penalties(ranking).mean()),
    )


def test_a_perfect_ranking_is_1_everywhere() -> None:
    assert judged(listed((1, 2), (1, 3), OTHER, DISTRACTOR)) == (1, 1, 1, 1)


@pytest.mark.parametrize("place", [2, 3, 10])
def test_one_match_at_rank_r(place: int) -> None:
    assert judged(listed(*[OTHER] * (place - 1), (1, 2))) == (0, 1 / place, 0.5 / place, 1 / place)


def test_matches_at_ranks_2_and_4() -> None:
    rank_1, standard, trapezoid, minp = judged(listed(OTHER, (1, 2), OTHER, (1, 3)))
    assert (rank_1, minp) == (0, 0.5)
    assert standard == (1 / 2 + 2 / 4) / 2
    assert trapezoid == pytest.approx(((0 + 1 / 2) / 2 + (1 / 3 + 2 / 4) / 2) / 2, abs=1e-15)


def test_the_curve_rises_where_first_matches_come() -> None:
    distances = np.array([[0.0, 1, 2, 3], [3, 2, 1, 0], [0, 3, 2, 1]])
    ranking = rank(distances, labels((1, 1), (2, 1), (3, 1)), labels((1, 2), (2, 2), (3, 2), (4, 2)))
    assert [ranks.tolist() for ranks in ranking.ranks] == [[1], [3], [3]]
    assert cmc(ranking, 6).tolist() == pytest.approx([1 / 3, 1 / 3, 1, 1, 1, 1])


def test_junk_and_the_own_camera_ahead_of_the_match_change_nothing() -> None:
    assert judged(listed(JUNK, (1, 1), JUNK, (1, 2), OTHER)) == (1, 1, 1, 1)


def test_other_people_of_the_own_camera_stay() -> None:
    assert judged(listed((2, 1), (0, 1), (1, 2))) == (0, 1 / 3, 1 / 6, 1 / 3)


def test_a_distractor_ahead_of_the_match_counts() -> None:
    assert judged(listed(DISTRACTOR, (1, 2))) == (0, 1 / 2, 1 / 4, 1 / 2)


def test_queries_without_a_match_are_skipped_and_counted() -> None:
    query = labels((1, 1), (2, 1), (3, 1), (0, 1), (-1, 1))
    gallery = labels((1, 2), (2, 1), (0, 2), (-1, 2))
    ranking = rank(np.zeros((5, 4)), query, gallery)
    assert ranking.queries.tolist() == [0]
    assert ranking.identities.tolist() == [1]
    assert ranking.skipped == 4


def test_when_no_query_has_a_match_there_are_no_figures() -> None:
    ranking = rank(np.zeros((1, 1)), labels((1, 1)), labels((1, 1)))
    with pytest.raises(BadDataset, match="no query has a match"):
        cmc(ranking, 5)
    with pytest.raises(BadDataset, match="no query has a match"):
        single_gallery_shot(np.zeros((1, 1)), labels((1, 1)), labels((1, 1)), 1)


def test_ties_keep_the_order_of_the_gallery() -> None:
    assert judged(Problem(np.zeros((1, 2)), labels((1, 1)), labels(OTHER, (1, 2))))[0] == 0
    assert judged(Problem(np.zeros((1, 2)), labels((1, 1)), labels((1, 2), OTHER)))[0] == 1


def test_the_best_of_one_query() -> None:
    gallery = labels((1, 2), JUNK, OTHER, (1, 1), DISTRACTOR, (1, 3))
    distances = np.array([[0.0] * 6, [0.5, 0.1, 0.4, 0.2, 0.5, 0.3]])
    query = labels((2, 1), (1, 1))

    for depth in (1, 3, 4, 9):
        places, right = best(distances, query, gallery, 1, depth)
        assert places.tolist() == [5, 2, 0, 4][:depth]  # of the tie the first one
        assert right.tolist() == [True, False, True, False][:depth]
    with pytest.raises(BadDistances):
        best(distances[:, :5], query, gallery, 1, 3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_distances_that_are_not_finite_are_refused(value: float) -> None:
    distances = np.array([[0.0, 1.0], [value, 1.0]])
    with pytest.raises(BadDistances, match="query 1 has distances that are not finite"):
        rank(distances, labels((1, 1), (1, 1)), labels((1, 2), OTHER))


@pytest.mark.parametrize("shape", [(2, 2), (1, 3), (1,), (1, 2, 1)])
def test_a_matrix_of_another_size_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadDistances, match="1 queries and 2 entries"):
        rank(np.zeros(shape), labels((1, 1)), labels((1, 2), OTHER))


def test_verification_accepts_below_the_impostor_at_the_rate() -> None:
    """10 negatives at 0.1, 0.2 to 1.0: at a rate of 0.2 two may pass, so the limit is the third."""
    negatives = [(2 + i, 2) for i in range(10)]
    distances = np.array([[(i + 1) / 10 for i in range(10)] + [0.05, 0.25, 0.3, 0.9]])
    gallery = labels(*negatives, *[(1, 2)] * 4)
    strict, loose, all_of_them = verification(distances, labels((1, 1)), gallery, [0.01, 0.2, 1])
    assert (strict.threshold, strict.tar) == (0.1, 0.25)
    assert (loose.threshold, loose.tar) == (0.3, 0.5)
    assert (all_of_them.threshold, all_of_them.tar) == (np.inf, 1)
    assert (loose.positives, loose.negatives) == (4, 10)


def test_a_rate_is_not_lost_to_rounding() -> None:
    """0.29 x 100 is 28.999999999999996 in floating point: 29 of 100 may pass all the same."""
    distances = np.array([[*range(100), 28.5]])
    gallery = labels(*[(2 + i, 2) for i in range(100)], (1, 2))
    (found,) = verification(distances, labels((1, 1)), gallery, [0.29])
    assert (found.threshold, found.tar) == (29, 1)


def test_verification_leaves_out_what_no_query_may_see() -> None:
    """Junk, the own camera, and queries of nobody known."""
    query = labels((1, 1), (0, 1), (-1, 1))
    gallery = labels((1, 2), (1, 1), (0, 2), (-1, 2))
    (found,) = verification(np.zeros((3, 4)), query, gallery, [0.5])
    assert (found.positives, found.negatives) == (1, 1)


@pytest.mark.parametrize("gallery", [[(1, 2)], [OTHER], [(1, 1), JUNK]])
def test_verification_needs_both_kinds_of_pairs(gallery: list[tuple[int, int]]) -> None:
    with pytest.raises(BadDataset, match="pairs of one person and pairs of two"):
        verification(np.zeros((1, len(gallery))), labels((1, 1)), labels(*gallery), [0.1])


def test_open_set_search_finds_the_right_person_first_and_near() -> None:
    """Probes 1 to 4 are known: right and near, right but far, wrong, right and near; 8 and 9 are not."""
    query = labels((1, 1), (2, 1), (3, 1), (4, 1), (8, 1), (9, 1))
    gallery = labels((1, 2), (2, 2), (3, 2), (4, 2), (-1, 2))
    distances = np.full((6, 5), 0.9)
    distances[:, 4] = 0  # junk
    distances[0, 0], distances[1, 1], distances[3, 3] = 0.1, 0.6, 0.2
    distances[2, 0] = 0.1
    distances[4, 2], distances[5, 2] = 0.3, 0.7
    strict, loose = identification(distances, query, gallery, [0.1, 0.5])
    assert (strict.known, strict.unknown) == (4, 2)
    assert (strict.threshold, strict.dir) == (0.3, 0.5)
    assert (loose.threshold, loose.dir) == (0.7, 0.75)


def test_a_query_of_nobody_known_is_an_unknown_probe_and_junk_is_none() -> None:
    query = labels((1, 1), (0, 1), (-1, 1), (2, 1))
    (found,) = identification(np.ones((4, 2)), query, labels((1, 2), (2, 1)), [0.1])
    assert (found.known, found.unknown) == (1, 2)


def test_open_set_search_needs_known_and_unknown_probes() -> None:
    with pytest.raises(BadDataset, match="people who are in the gallery and people who are not"):
        identification(np.ones((1, 1)), labels((1, 1)), labels((1, 2)), [0.1])
    with pytest.raises(BadDataset, match="people who are in the gallery and people who are not"):
        identification(np.ones((1, 1)), labels((1, 1)), labels((1, 1)), [0.1])


def test_a_probe_that_nobody_can_answer_raises_no_alarm() -> None:
    """Seen by the camera of the only entry: it is unknown, at no distance."""
    (found,) = identification(np.array([[0.2], [0.1]]), labels((1, 1), (1, 2)), labels((1, 2)), [0.1])
    assert (found.known, found.unknown, found.dir, found.threshold) == (1, 1, 1, np.inf)


def test_one_entry_a_person_makes_ranks_better() -> None:
    """Two entries of the same other person ahead: one of them is drawn, so the match is second."""
    problem = listed(OTHER, (2, 3), (1, 2), (3, 2))
    curve = single_gallery_shot(problem.distances, problem.query, problem.gallery, 4)
    assert curve.tolist() == [0, 1, 1, 1]


def test_distractors_are_each_a_person() -> None:
    problem = listed((0, 2), (0, 2), (1, 2))
    curve = single_gallery_shot(problem.distances, problem.query, problem.gallery, 4)
    assert curve.tolist() == [0, 0, 1, 1]


def test_which_entry_is_drawn_is_even_and_seeded() -> None:
    """The person's entries are first and last: rank-1 and rank-2 in half of the draws each."""
    problem = listed((1, 2), OTHER, (1, 3))
    parts = problem.distances, problem.query, problem.gallery
    curve = single_gallery_shot(*parts, 2, draws=4000)
    assert curve[0] == pytest.approx(0.5, abs=0.04)
    assert curve[1] == 1
    assert (curve == single_gallery_shot(*parts, 2, draws=4000)).all()
    assert curve[0] != single_gallery_shot(*parts, 2, draws=4000, seed=1)[0]
