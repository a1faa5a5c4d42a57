"""Fitting calibrators to pairs of known identity."""

import numpy as np
import pytest

from models.calibration.calibrator import Evidence
from models.calibration.fit import Pairs, calibration_error, fit, log_loss, probabilities
from models.errors import BadDataset
from tests.models.calibration.pairs import MODEL, calibrator, gaussian_pairs


def test_the_likelihood_ratio_of_two_gaussians_is_found() -> None:
    """log N(4, 1) - log N(0, 1) = 4 s - 8."""
    found = fit(gaussian_pairs(400), MODEL, {})
    scores = np.array([0.0, 2.0, 3.0])
    evidence = Evidence(
        scores=scores, cosines=np.zeros(len(scores)), height=np.full(3, 200.0), sharpness=np.full(3, 0.3)
    )
    np.testing.assert_allclose(found.log_ratios(evidence), 4 * scores - 8, atol=1.0)
    assert found.weights[0] == pytest.approx(4, rel=0.1)


def test_probabilities_of_people_it_has_not_seen_are_right() -> None:
    found = fit(gaussian_pairs(300), MODEL, {})
    pairs = gaussian_pairs(300, seed=1)
    error, rows = calibration_error(probabilities(found, pairs), pairs.same)
    assert error < 0.005
    assert sum(row["count"] for row in rows) == len(pairs.same)
    assert log_loss(found, pairs) < log_loss(calibrator(), pairs)


def test_a_curve_that_is_no_logistic_is_corrected() -> None:
    """A step: below 5 all are strangers, above it all are matches or strangers alike."""
    random = np.random.default_rng(2)
    count = 60_000
    scores = random.uniform(0, 10, count)
    same = (scores > 5) & (random.random(count) < 0.05)
    evidence = Evidence(
        scores=scores,
        cosines=np.zeros(count),
        height=np.full(count, 200.0),
        sharpness=np.full(count, 0.3),
    )
    pairs = Pairs(evidence, same, np.arange(count) // 100)
    found = fit(pairs, MODEL, {})
    assert found.knots
    said = probabilities(found, pairs)
    assert said[scores > 6].mean() == pytest.approx(0.05, abs=0.01)
    assert said[(scores > 9)].mean() == pytest.approx(said[(scores > 6) & (scores < 7)].mean(), abs=0.02)
    assert said[scores < 4].mean() < 0.002


@pytest.mark.parametrize("apart", [0.0, -4.0])
def test_scores_that_do_not_speak_for_the_same_person_calibrate_nothing(apart: float) -> None:
    pairs = gaussian_pairs(300, apart=apart, seed=4)
    if apart == 0.0:  # by chance either way: then at least nothing is claimed
        try:
            found = fit(pairs, MODEL, {})
        except BadDataset:
            return
        assert probabilities(found, pairs).max() < 0.1
        return
    with pytest.raises(BadDataset, match="higher score"):
        fit(pairs, MODEL, {})


def test_what_is_the_same_in_all_pairs_counts_for_nothing() -> None:
    pairs = gaussian_pairs(300)
    evidence = pairs.evidence.model_copy(update={"height": np.full(len(pairs.same), 128.0)})
    found = fit(Pairs(evidence, pairs.same, pairs.people), MODEL, {})
    assert found.weights[2] == pytest.approx(0, abs=1e-6)
    assert abs(found.intercept) < 20


def test_too_few_pairs_are_refused() -> None:
    with pytest.raises(BadDataset, match="pairs of one person"):
        fit(gaussian_pairs(20), MODEL, {})


def test_the_calibration_error_is_that_of_the_definition() -> None:
    predicted = np.array([0.05, 0.05, 0.95, 0.95])
    error, rows = calibration_error(predicted, np.array([False, True, True, True]))
    assert error == pytest.approx(0.5 * 0.45 + 0.5 * 0.05)
    assert [row["observed"] for row in rows] == [0.5, 1.0]
