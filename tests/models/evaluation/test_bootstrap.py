"""Intervals that are known, exactly or nearly."""

import numpy as np
import pytest

from models.errors import BadDataset
from models.evaluation.bootstrap import bootstrap, paired_bootstrap


def test_intervals_come_from_people_not_from_queries() -> None:
    """Two people, right in all or in none of their 1000 queries: the mean is as unsure as two people are."""
    values, people = np.repeat([0.0, 1.0], 1000), np.repeat([5, 7], 1000)
    interval = bootstrap([values], [people])
    assert (interval.low, interval.high) == (0, 1)


def test_intervals_agree_with_the_normal_approximation() -> None:
    rng = np.random.default_rng(3)
    values = rng.uniform(size=400)
    interval = bootstrap([values], [np.arange(400)], draws=4000)
    error = 1.96 * values.std() / np.sqrt(400)
    assert interval.low == pytest.approx(values.mean() - error, abs=0.003)
    assert interval.high == pytest.approx(values.mean() + error, abs=0.003)
    assert interval == bootstrap([values], [np.arange(400)], draws=4000)
    assert interval != bootstrap([values], [np.arange(400)], draws=4000, seed=1)


def test_a_person_in_several_splits_is_drawn_for_all_of_them() -> None:
    """The same people asked for in both splits tell no more than once."""
    values, people = np.array([0.0, 1.0, 1.0]), np.array([1, 2, 3])
    assert bootstrap([values, values], [people, people]) == bootstrap([values], [people])


def test_splits_count_alike_whatever_their_size() -> None:
    ones, zeros = np.ones(50), np.zeros(5)
    interval = bootstrap([ones, zeros], [np.zeros(50, dtype=int), np.zeros(5, dtype=int)])
    assert (interval.low, interval.high) == (0.5, 0.5)


def test_without_queries_there_is_no_interval() -> None:
    nobody = np.array([], dtype=np.int64)
    for values, people in (
        ([], []),
        ([np.zeros(0)], [nobody]),
        ([np.ones(1), np.zeros(0)], [nobody + 1, nobody]),
    ):
        with pytest.raises(BadDataset, match="no query has a match"):
            bootstrap(values, people)


def test_a_small_gain_on_every_query_is_clear_though_intervals_overlap() -> None:
    """Queries differ by far more than the models do; on each one the second is .02 better."""
    first = np.random.default_rng(1).uniform(0, 0.9, size=200)
    second, people = first + 0.02, np.arange(200)
    assert bootstrap([second], [people]).low < bootstrap([first], [people]).high
    gain = paired_bootstrap([second], [first], [people])
    assert [gain.value, gain.low] == pytest.approx([0.02, 0.02])
    assert gain.p < 0.01
    loss = paired_bootstrap([first], [second], [people])
    assert [loss.value, loss.high] == pytest.approx([-0.02, -0.02])


def test_a_difference_agrees_with_the_normal_approximation() -> None:
    rng = np.random.default_rng(3)
    first, second = rng.uniform(size=400), rng.uniform(size=400)
    found = paired_bootstrap([first], [second], [np.arange(400)], draws=4000)
    error = 1.96 * (first - second).std() / np.sqrt(400)
    assert found.low == pytest.approx((first - second).mean() - error, abs=0.005)
    assert found.high == pytest.approx((first - second).mean() + error, abs=0.005)
    assert 0 < found.p <= 1


def test_equal_models_do_not_differ() -> None:
    same = np.array([0.0, 1.0, 1.0])
    found = paired_bootstrap([same], [same], [np.arange(3)])
    assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)
