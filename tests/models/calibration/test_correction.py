"""Correcting a calibrator by verdicts on hits."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibration.calibrator import Calibrator, Evidence, believed
from models.calibration.correction import LEAST, Judged, correct, lacking
from models.calibration.fit import calibration_error
from tests.models.calibration.pairs import calibrator

TRUE = calibrator(intercept=-8.0, weights=(4.0, 0.0, 0.0, 0.0), limit=30.0)  # log N(4, 1) - log N(0, 1)
BOLD = TRUE.corrected(1.3, 2.0)


def search(random: np.random.Generator, judged: int, strangers: int = 200) -> Judged:
    """One to three matches, which score N(4, 1), or none, among strangers; the first hits are judged."""
    matches = int(random.integers(1, 4)) * int(random.integers(2))
    same = np.arange(strangers) < matches
    scores = random.normal(np.where(same, 4.0, 0.0))
    order = np.argsort(-scores)[:50]
    evidence = Evidence(
        scores=scores[order], cosines=np.zeros(50), height=np.array(200.0), sharpness=np.array(0.3)
    )
    places = np.arange(judged)
    return Judged([evidence], [1.0], strangers, places, same[order][places])


def searches(count: int, seed: int, judged: int = 5) -> list[Judged]:
    random = np.random.default_rng(seed)
    return [search(random, judged) for _ in range(count)]


def error(one: Calibrator, known: Sequence[Judged]) -> float:
    said = np.concatenate([judged.said(one) for judged in known])
    return calibration_error(said, np.concatenate([judged.same for judged in known]))[0]


@pytest.mark.parametrize("count", [20, pytest.param(60, marks=pytest.mark.long)])
def test_verdicts_mend_a_calibrator_that_is_too_bold(count: int) -> None:
    found = correct(BOLD, searches(count, seed=1))

    assert found.helps
    assert found.expected > found.matches + 5
    assert abs(found.expected_now - found.matches) < abs(found.expected - found.matches) / 2
    unseen = searches(400, seed=2, judged=50)
    mended = BOLD.corrected(found.scale, found.shift)
    assert error(mended, unseen) < error(BOLD, unseen) / 2


def test_one_that_is_right_stays_nearly_as_it_is() -> None:
    found = correct(TRUE, searches(30, seed=3))
    assert 0.7 < found.scale <= 1
    assert found.shift == pytest.approx(0, abs=1.0)
    unseen = searches(400, seed=4, judged=50)
    assert error(TRUE.corrected(found.scale, found.shift), unseen) < error(TRUE, unseen) + 0.005


def test_verdicts_by_chance_help_nothing() -> None:
    """Half of the first hits are said to be the person, whichever: what is learnt is no better elsewhere."""
    random = np.random.default_rng(5)
    shown = [search(random, 5) for _ in range(8)]
    mixed = [
        Judged(one.evidence, one.weights, one.compared, one.places, np.roll(one.same, number))
        for number, one in enumerate(shown)
    ]
    found = correct(TRUE, mixed)
    assert found.helps == (found.loss_now < found.loss)
    assert found.scale <= 1


def test_evidence_is_never_made_stronger() -> None:
    """First hits that are right more often than was said tell nothing of those behind them."""
    found = correct(TRUE.corrected(0.5, -1.0), searches(40, seed=8))
    assert (found.scale, found.shift, found.helps) == (1.0, 0.0, False)


@given(
    scores=st.lists(st.floats(-50, 50), min_size=2, max_size=20).map(sorted),
    knots=st.lists(st.floats(-20, 20), min_size=2, max_size=5, unique=True).map(sorted),
    scale=st.floats(0.01, 10),
    shift=st.floats(-10, 10),
    compared=st.integers(20, 10**6),
)
def test_corrected_a_higher_score_is_never_less_probable(
    scores: list[float], knots: list[float], scale: float, shift: float, compared: int
) -> None:
    for one in (calibrator(), calibrator(knots=tuple(knots), ratios=tuple(sorted(knots)))):
        corrected = Calibrator.model_validate(one.corrected(scale, shift).model_dump())
        count = len(scores)
        evidence = Evidence(
            scores=np.array(scores),
            cosines=np.zeros(count),
            height=np.full(count, 200.0),
            sharpness=np.full(count, 0.3),
        )
        found = believed(corrected, [evidence], [1.0], compared)
        assert ((found >= 0) & (found <= 1)).all()
        assert (np.diff(found) >= -1e-12).all()


def test_several_photos_are_believed_as_the_product_does() -> None:
    (one,) = searches(1, seed=6)
    twice = Judged([one.evidence[0]] * 2, [1.0, 3.0], one.compared, one.places, one.same)
    np.testing.assert_allclose(twice.said(TRUE), one.said(TRUE))


def judged(matches: int, others: int) -> Judged:
    (one,) = searches(1, seed=7)
    same = np.arange(matches + others) < matches
    return Judged(one.evidence, one.weights, one.compared, np.arange(len(same)), same)


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ([], "0 marks of the person and 0 of others"),
        ([judged(2, 2)] * 4, f"{LEAST} marks are the least"),
        ([judged(10, 0)] * 4, "40 marks of the person and 0 of others"),
        ([judged(0, 10)] * 4, "0 marks of the person and 40 of others"),
        ([judged(10, 10)] * 2, "marks are of 2 searches"),
    ],
)
def test_too_few_marks_or_one_kind_are_said_to_be_so(known: list[Judged], said: str) -> None:
    assert said in (lacking(known) or "")


def test_marks_of_both_kinds_on_some_searches_are_enough() -> None:
    assert lacking([judged(1, 4)] * 4) is None
