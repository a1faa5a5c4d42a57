"""Likelihood ratios and probabilities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from models.calibration.calibrator import Calibrator, Evidence, calibrator_of, posteriors
from models.errors import BadCheckpoint
from tests.models.calibration.pairs import MODEL, calibrator

RATIOS = st.lists(st.floats(-12, 12), min_size=1, max_size=40).map(lambda x: np.sort(np.array(x))[::-1])


def evidence(scores: list[float], height: float = 200) -> Evidence:
    return Evidence(
        scores=np.array(scores),
        cosines=np.zeros(len(scores)),
        height=np.array(height),
        sharpness=np.array(0.3),
    )


@given(
    scores=st.lists(st.floats(-50, 50), min_size=2, max_size=20).map(sorted),
    knots=st.lists(st.floats(-20, 20), min_size=2, max_size=5, unique=True).map(sorted),
)
def test_a_higher_score_is_never_weaker_evidence(scores: list[float], knots: list[float]) -> None:
    for one in (calibrator(), calibrator(knots=tuple(knots), ratios=tuple(sorted(knots)))):
        assert (np.diff(one.log_ratios(evidence(scores))) >= 0).all()


def test_no_score_says_more_than_the_pairs_it_was_fitted_on_could_tell() -> None:
    one = calibrator(limit=5)
    np.testing.assert_array_equal(one.log_ratios(evidence([-1e9, 1e9])), [-5, 5])


def test_beyond_what_it_saw_quality_counts_as_the_nearest_that_it_saw() -> None:
    one = calibrator(weights=(1.5, 0.0, 1.0, 0.0))
    tall, taller = (one.log_ratios(evidence([2.0], height=height)) for height in (np.exp(7), 1e6))
    np.testing.assert_allclose(tall, taller)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"weights": (-1.0, 0.0, 0.0, 0.0)}, "higher score"),
        ({"weights": (1.0, 0.0)}, "4"),
        ({"knots": (0.0, 1.0), "ratios": (1.0, 0.0)}, "must not fall"),
        ({"knots": (1.0, 1.0), "ratios": (0.0, 1.0)}, "must rise"),
        ({"knots": (1.0,), "ratios": ()}, "as many"),
        ({"intercept": float("nan")}, "finite"),
        ({"ranges": ((1.0, 0.0), (0.0, 1.0))}, "least and then the most"),
        ({"limit": 0.0}, "greater than 0"),
        ({"model_id": "../../x"}, "pattern"),
        ({"surprise": 1}, "xtra"),
    ],
)
def test_what_is_no_calibrator_is_refused(changed: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Calibrator.model_validate({**calibrator().model_dump(), **changed})


def test_it_is_the_same_after_writing_and_reading() -> None:
    one = calibrator(knots=(0.0, 1.0), ratios=(-2.0, 3.0))
    assert Calibrator.model_validate_json(one.model_dump_json()) == one


@given(ratios=RATIOS, compared=st.integers(40, 10**7))
def test_probabilities_fall_with_the_rank_and_with_the_size_of_the_gallery(
    ratios: np.ndarray, compared: int
) -> None:
    found = posteriors(ratios, compared)
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found) <= 1e-12).all()
    assert (posteriors(ratios, 2 * compared) <= found + 1e-12).all()


def test_a_score_means_less_where_nobody_looks_like_the_person() -> None:
    alone = posteriors(np.array([6.0]), 1000)[0]
    beside = posteriors(np.array([14.0, 12.0, 6.0]), 1000)[2]
    assert alone < beside


def test_an_empty_answer_has_no_probabilities() -> None:
    assert len(posteriors(np.zeros(0), 0)) == 0


def test_probabilities_are_right_where_the_ratios_are() -> None:
    """Half of the people are not there, others once to eight times; they score N(4, 1), strangers N(0, 1)."""
    random = np.random.default_rng(1)
    said, was = [], []
    for _ in range(1000):
        matches, strangers = int(random.integers(1, 9)) * int(random.integers(2)), 300
        scores = np.concatenate([random.normal(4, 1, matches), random.normal(0, 1, strangers)])
        true = np.arange(len(scores)) < matches
        order = np.argsort(-scores)[:50]
        ratios = 4 * scores[order] - 8  # log N(4, 1) - log N(0, 1)
        said.append(posteriors(ratios, len(scores)))
        was.append(true[order])
    predicted, observed = np.concatenate(said), np.concatenate(was)
    for low, high in ((0.02, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 0.98), (0.98, 1.0)):
        here = (predicted >= low) & (predicted <= high)
        assert here.sum() > 20
        assert observed[here].mean() == pytest.approx(predicted[here].mean(), abs=0.06)


def test_a_card_has_its_own_models_calibration_or_none() -> None:
    card = {"calibration": calibrator().model_dump(mode="json")}
    assert calibrator_of(card, MODEL) == calibrator()
    assert calibrator_of({}, MODEL) is None
    with pytest.raises(BadCheckpoint, match="another model"):
        calibrator_of(card, "b" * 64)
    with pytest.raises(BadCheckpoint, match=r"calibration\.limit"):
        calibrator_of({"calibration": {**card["calibration"], "limit": -1}}, MODEL)
