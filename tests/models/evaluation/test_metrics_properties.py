"""What must hold of every ranking."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.evaluation.metrics import (
    Labels,
    average_precisions,
    best,
    cmc,
    identification,
    inverse_negative_penalties,
    rank,
    single_gallery_shot,
    verification,
)
from tests.models.rankings import Problem, extended, permuted, problems, slow_judge

DEPTH = 12
fewer = settings(max_examples=40)  # each is a whole gallery, and many properties hold of each


def figures(problem: Problem) -> tuple[list[float], float, float, float, int]:
    ranking = rank(problem.distances, problem.query, problem.gallery)
    return (
        cmc(ranking, DEPTH).tolist(),
        float(average_precisions(ranking, "standard").mean()),
        float(average_precisions(ranking, "trapezoid").mean()),
        float(inverse_negative_penalties(ranking).mean()),
        ranking.skipped,
    )


@fewer
@given(st.one_of(problems(), problems(ties=True)))
def test_a_slow_judge_agrees(problem: Problem) -> None:
    expected = slow_judge(problem, DEPTH)
    assert expected is not None
    found = figures(problem)
    assert np.allclose(found[0], expected[0], rtol=0, atol=1e-12)
    assert np.allclose(found[1:4], expected[1:4], rtol=0, atol=1e-12)
    assert found[4] == expected[4]


@fewer
@given(st.one_of(problems(), problems(ties=True)))
def test_the_best_are_the_head_of_the_ranking(problem: Problem) -> None:
    ranking = rank(problem.distances, problem.query, problem.gallery)
    for query, ranks in zip(ranking.queries, ranking.ranks, strict=True):
        _, right = best(problem.distances, problem.query, problem.gallery, int(query), DEPTH)
        assert (np.flatnonzero(right) + 1).tolist() == ranks[ranks <= DEPTH].tolist()


@fewer
@given(problems(), st.integers(0, 99))
def test_the_order_of_the_gallery_does_not_matter(problem: Problem, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(problem.gallery))
    assert figures(permuted(problem, order)) == figures(problem)


@fewer
@given(problems(), st.floats(-1, 99))
def test_junk_changes_nothing(problem: Problem, distance: float) -> None:
    more = extended(problem, -1, np.full(len(problem.query), distance))
    assert figures(more) == figures(problem)


@fewer
@given(problems(), st.floats(-1, 99))
def test_distractors_never_help(problem: Problem, distance: float) -> None:
    more = figures(extended(problem, 0, np.full(len(problem.query), distance)))
    before = figures(problem)
    assert np.all(np.array(more[0]) <= before[0])
    assert more[1] <= before[1] + 1e-12
    assert more[2] <= before[2] + 1e-12
    assert more[3] <= before[3] + 1e-12
    assert more[4] == before[4]


@fewer
@given(problems())
def test_a_distractor_ahead_of_all_makes_every_figure_worse(problem: Problem) -> None:
    more = figures(extended(problem, 0, np.full(len(problem.query), -1.0)))
    before = figures(problem)
    assert more[0][0] == 0
    assert max(m - b for m, b in zip(more[1:4], before[1:4], strict=True)) < 0


@fewer
@given(problems())
def test_a_perfect_ranking_is_1_everywhere(problem: Problem) -> None:
    same = problem.query.identities[:, None] == problem.gallery.identities
    perfect = Problem(np.where(same, 0.0, 1.0), problem.query, problem.gallery)
    curve, *means, _ = figures(perfect)
    assert (curve, means) == ([1.0] * DEPTH, [1.0] * 3)
    assert (single_gallery_shot(perfect.distances, perfect.query, perfect.gallery, 3) == 1).all()


@fewer
@given(st.one_of(problems(), problems(ties=True)))
def test_the_trapezoid_is_never_the_larger_one(problem: Problem) -> None:
    ranking = rank(problem.distances, problem.query, problem.gallery)
    both = average_precisions(ranking, "trapezoid"), average_precisions(ranking, "standard")
    assert (both[0] <= both[1] + 1e-12).all()


@fewer
@given(problems(), st.floats(0.5, 20), st.floats(-5, 5))
def test_only_the_order_of_distances_matters(problem: Problem, scale: float, shift: float) -> None:
    moved = Problem(problem.distances * scale + shift, problem.query, problem.gallery)
    assert figures(moved) == figures(problem)


@fewer
@given(st.one_of(problems(), problems(ties=True)), st.floats(0, 1))
def test_no_more_impostors_are_accepted_than_asked_for(problem: Problem, far: float) -> None:
    apart = extended(problem, 99, np.full(len(problem.query), 3.5))  # somebody else, whom verification needs
    (found,) = verification(apart.distances, apart.query, apart.gallery, [far])
    same = apart.query.identities[:, None] == apart.gallery.identities
    seen = same & (apart.query.cameras[:, None] == apart.gallery.cameras)
    kept = ~seen & (apart.gallery.identities != -1)
    accepted = apart.distances < found.threshold
    assert (accepted & kept & ~same).sum() <= far * (kept & ~same).sum() + 1e-9
    assert found.tar == (accepted & kept & same).sum() / (kept & same).sum()
    # The next larger limit would accept too many.
    if np.isfinite(found.threshold):
        assert ((apart.distances <= found.threshold) & kept & ~same).sum() > far * (kept & ~same).sum() - 1e-9


@fewer
@given(problems(lowest=0), st.floats(0, 1))
def test_no_more_false_alarms_are_raised_than_asked_for(problem: Problem, far: float) -> None:
    whole = extended(problem, 98, np.full(len(problem.query), 3.5))  # every query has somebody to see
    gallery = whole.gallery
    query = Labels(np.append(problem.query.identities, 99), np.append(problem.query.cameras, 1))
    distances = np.vstack([whole.distances, np.linspace(7.5, 6.5, len(gallery))])
    (found,) = identification(distances, query, gallery, [far])
    assert found.known + found.unknown == len(query)
    right = alarms = 0
    for row, identity, camera in zip(distances, query.identities, query.cameras, strict=True):
        same = gallery.identities == identity
        kept = ~(same & (gallery.cameras == camera))
        nearest = min(np.flatnonzero(kept), key=lambda g: row[g])
        if row[nearest] < found.threshold:
            alarms += not (same & kept).any()
            right += bool(same[nearest])
    assert alarms <= far * found.unknown + 1e-9
    assert found.dir == right / found.known
