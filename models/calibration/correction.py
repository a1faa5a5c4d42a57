"""Correct a calibrator by verdicts on hits: how strong its evidence is where it is used.

A calibrator is learnt elsewhere; with other people and cameras strangers look more alike, or the same person
less, and its ratios are too bold or too cautious. Two numbers mend most of that: what log ratios are
multiplied by, and what is added to them (Platt 1999; for log likelihood ratios Brümmer and du Preez 2006).
They are fitted by the probabilities that answers state, as the verdicts are on hits of answers: who judges
the best hits only, or those near the line, chooses by score, and given the score that is no bias.

Evidence is only ever made weaker. Verdicts are on the first hits of answers; where those are right more often
than was said, nothing is known of the many hits behind them, and bolder ratios made more of these wrong
than were expected (docs/experiments.md, 2026-11-29).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.calibration.calibrator import Calibrator, Evidence, Floats, believed

LEAST: Final = 20  # verdicts
LEAST_OF_A_KIND: Final = 2  # that say the same person, and another one
LEAST_SEARCHES: Final = 4  # what one photo says of its hits says little of others

# How far a gallery is from where the calibrator was learnt, before anything is known: standard deviations of
# the logarithm of the scale, and of the shift (2 is sevenfold odds). Few verdicts move a little.
SPREADS: Final = np.array([0.5, 2.0])

FOLDS: Final = 5
AROUND: Final = np.array([(x, y) for x in (-1.0, 0.0, 1.0) for y in (-1.0, 0.0, 1.0) if x or y])
FIRST_STEP, LAST_STEP = 0.5, 1 / 64  # of the search for the two numbers


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A search with verdicts on its hits.

    Attributes:
        evidence: of each photo, about the K tracklets that rank first and those judged.
        weights: what each photo counts.
        compared: tracklets that were searched.
        places: (M,) which of the K were judged.
        same: (M,) whether they show the person.
    """

    evidence: Sequence[Evidence]
    weights: Sequence[float]
    compared: int
    places: NDArray[np.int64]
    same: NDArray[np.bool_]

    def said(self, calibrator: Calibrator) -> Floats:
        """(M,) the probabilities of the judged hits."""
        return believed(calibrator, self.evidence, self.weights, self.compared)[self.places]


@dataclass(frozen=True, slots=True)
class Correction:
    """What verdicts say of a calibrator.

    Attributes:
        scale: of its log ratios, at most 1.
        shift: of them, after that, at most 0.
        searches: with verdicts.
        matches: verdicts that it is the person.
        others: verdicts that it is not.
        expected: matches among the judged, as the calibrator had them.
        expected_now: the same after the correction.
        loss: mean log loss of the verdicts by the calibrator.
        loss_now: the same by corrections that were fitted without the search in question.
    """

    scale: float
    shift: float
    searches: int
    matches: int
    others: int
    expected: float
    expected_now: float
    loss: float
    loss_now: float

    @property
    def helps(self) -> bool:
        """Whether searches that it was not fitted to are judged better with it than without."""
        return self.loss_now < self.loss


def lacking(judged: Sequence[Judged]) -> str | None:
    """Why there is too little to correct by, in a sentence; None where there is enough."""
    matches, others = _kinds(judged)
    if matches + others >= LEAST and min(matches, others) >= LEAST_OF_A_KIND:
        if len(judged) >= LEAST_SEARCHES:
            return None
        return f"The marks are of {len(judged)} searches; {LEAST_SEARCHES} are the least."
    return (
        f"There are {matches} marks of the person and {others} of others that can be used; {LEAST} marks "
        f"are the least, {LEAST_OF_A_KIND} of each kind."
    )


def correct(calibrator: Calibrator, judged: Sequence[Judged]) -> Correction:
    """Fit a correction to searches with verdicts, at least FOLDS verdicts of each kind among them."""
    scale, shift = _fit(calibrator, judged)
    corrected = calibrator.corrected(scale, shift)
    left_out = []
    for fold in range(min(FOLDS, len(judged))):
        others = [one for number, one in enumerate(judged) if number % FOLDS != fold]
        learnt = calibrator.corrected(*_fit(calibrator, others))
        left_out += [_losses(learnt, one) for one in judged[fold::FOLDS]]
    matches, others_count = _kinds(judged)
    return Correction(
        scale=scale,
        shift=shift,
        searches=len(judged),
        matches=matches,
        others=others_count,
        expected=float(sum(one.said(calibrator).sum() for one in judged)),
        expected_now=float(sum(one.said(corrected).sum() for one in judged)),
        loss=float(np.concatenate([_losses(calibrator, one) for one in judged]).mean()),
        loss_now=float(np.concatenate(left_out).mean()),
    )


def _fit(calibrator: Calibrator, judged: Sequence[Judged]) -> tuple[float, float]:
    """Scale and shift of the least log loss, drawn towards none as far as the verdicts are few."""

    def cost(x: Floats) -> float:
        corrected = calibrator.corrected(float(np.exp(x[0])), float(x[1]))
        losses = sum(float(_losses(corrected, one).sum()) for one in judged)
        return losses + float((x / SPREADS) @ (x / SPREADS)) / 2

    found = _least(cost)
    return float(np.exp(found[0])), float(found[1])


def _least(cost: Callable[[Floats], float]) -> Floats:
    """(2,) none above 0, where a cost is least, walking from 0 by steps that are halved where none gains.

    Hooke and Jeeves, "Direct Search Solution of Numerical and Statistical Problems", JACM 1961. The service
    has no scipy.
    """
    known: dict[tuple[float, ...], float] = {}  # points come again after a step, and where 0 cuts them off

    def at(x: Floats) -> float:
        key = tuple(x.tolist())
        if key not in known:
            known[key] = cost(x)
        return known[key]

    here, step = np.zeros(2), FIRST_STEP
    while step >= LAST_STEP:
        around = np.minimum(here + step * AROUND, 0)
        costs = [at(one) for one in around]
        best = int(np.argmin(costs))
        if costs[best] < at(here):
            here = around[best]
        else:
            step /= 2
    return here


def _losses(calibrator: Calibrator, one: Judged) -> Floats:
    """(M,) log losses of the verdicts on one search's hits."""
    said = one.said(calibrator)
    losses: Floats = -np.log(np.where(one.same, said, 1 - said).clip(min=1e-12))
    return losses


def _kinds(judged: Sequence[Judged]) -> tuple[int, int]:
    matches = sum(int(one.same.sum()) for one in judged)
    return matches, sum(len(one.same) for one in judged) - matches
