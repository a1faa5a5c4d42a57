"""Agreement with the evaluation code of torchreid and fast-reid, and with scikit-learn's average precision.

`scripts/setup.sh dev` fetches one file of each of the two projects. Both compute the standard average
precision and know neither junk nor distractors, so the problems have none.
"""

import importlib.util
import os
import sys
import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from models.evaluation.metrics import (
    average_precisions,
    cmc,
    inverse_negative_penalties,
    rank,
    single_gallery_shot,
)
from tests.models.rankings import Problem, random_problem

REFERENCES = Path(sys.prefix) / "share/references"
SIZES = [(1, 2, 1), (20, 60, 7), (100, 400, 40), (50, 70, 60)]


def reference(name: str) -> ModuleType:
    """A file of another project as a module; without it the test is skipped, but in CI it fails."""
    path = REFERENCES / f"{name}_rank.py"
    if not path.exists():
        message = f"{path} is missing: run scripts/setup.sh dev with a connection to PyPI"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    spec = importlib.util.spec_from_file_location(f"{name}_rank", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the variant in C is not there
        spec.loader.exec_module(module)
    return module


def problem_of(size: tuple[int, int, int], seed: int = 0) -> Problem:
    """Random and tie-free; the first query has a match whatever the draw."""
    problem = random_problem(np.random.default_rng(seed), *size)
    problem.gallery.identities[0] = problem.query.identities[0]
    problem.gallery.cameras[0] = problem.query.cameras[0] + 1
    return problem


def arguments(problem: Problem) -> list[np.ndarray]:
    """As both take them."""
    query, gallery = problem.query, problem.gallery
    return [problem.distances, query.identities, gallery.identities, query.cameras, gallery.cameras]


@pytest.mark.parametrize("size", SIZES)
def test_torchreid_agrees(size: tuple[int, int, int]) -> None:
    problem = problem_of(size)
    depth = min(50, size[1])
    curve, mean = reference("torchreid").evaluate_rank(*arguments(problem), max_rank=depth, use_cython=False)
    ranking = rank(problem.distances, problem.query, problem.gallery)
    # Their curve is float32.
    assert cmc(ranking, depth)[: len(curve)] == pytest.approx(curve, abs=1e-6)
    assert average_precisions(ranking, "standard").mean() == pytest.approx(mean, abs=1e-14)


@pytest.mark.parametrize("size", SIZES)
def test_fastreid_agrees_query_by_query(size: tuple[int, int, int]) -> None:
    problem = problem_of(size, seed=1)
    depth = min(50, size[1])
    curve, precisions, penalties = reference("fastreid").evaluate_rank(
        *arguments(problem), max_rank=depth, use_cython=False
    )
    ranking = rank(problem.distances, problem.query, problem.gallery)
    assert cmc(ranking, depth)[: len(curve)] == pytest.approx(curve, abs=1e-6)
    assert average_precisions(ranking, "standard") == pytest.approx(np.array(precisions), abs=1e-14)
    assert inverse_negative_penalties(ranking).tolist() == penalties


def test_one_entry_a_person_agrees_with_torchreid() -> None:
    """Their draws are not ours: the curves of 10 draws for each of 400 queries are near, not equal."""
    problem = random_problem(np.random.default_rng(2), 400, 300, 20)
    np.random.seed(0)  # they draw from the global generator
    curve, _ = reference("torchreid").evaluate_rank(
        *arguments(problem), max_rank=19, use_metric_cuhk03=True, use_cython=False
    )
    ours = single_gallery_shot(problem.distances, problem.query, problem.gallery, 19)
    assert ours == pytest.approx(curve, abs=0.03)
    ranking = rank(problem.distances, problem.query, problem.gallery)
    assert abs(cmc(ranking, 5)[4] - curve[4]) > 0.05  # the test can tell the two metrics apart


def test_scikit_learn_agrees_query_by_query() -> None:
    problem = random_problem(np.random.default_rng(3), 60, 200, 15, lowest=0)
    ranking = rank(problem.distances, problem.query, problem.gallery)
    found = average_precisions(ranking, "standard")
    for q, precision in zip(ranking.queries, found, strict=True):
        same = problem.gallery.identities == problem.query.identities[q]
        kept = ~(same & (problem.gallery.cameras == problem.query.cameras[q]))
        expected = average_precision_score(same[kept], -problem.distances[q][kept])
        assert precision == pytest.approx(expected, abs=1e-14)
