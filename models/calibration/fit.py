"""Fit a calibrator to pairs of known identity, and judge one on people that it was not fitted on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression, minimize

from models.calibration.calibrator import Calibrator, Evidence, Floats
from models.errors import BadDataset

DECAY: Final = 1e-3  # of the standardised weights: keeps them finite where classes are apart
LEAST_SPREAD: Final = 1e-6
LEAST_PAIRS: Final = 100  # of one person; a limit that fewer give would be guessed
MOST_KNOTS: Final = 64


@dataclass(frozen=True)
class Pairs:
    """N pairs of a probe and a tracklet.

    Attributes:
        evidence: what is known of each.
        same: (N,) whether both show one person.
        people: (N,) whose probe it is.
    """

    evidence: Evidence
    same: NDArray[np.bool_]
    people: NDArray[np.int64]

    def where(self, chosen: NDArray[np.bool_]) -> "Pairs":
        """Some of the pairs."""
        fields = {name: getattr(self.evidence, name) for name in Evidence.model_fields}
        evidence = Evidence(**{name: np.broadcast_to(x, len(chosen))[chosen] for name, x in fields.items()})
        return Pairs(evidence, self.same[chosen], self.people[chosen])


def fit(pairs: Pairs, model_id: str, fitted_on: Mapping[str, Any]) -> Calibrator:
    """Fit a logistic form, and a rising correction of it if that does better on people it has not seen.

    Args:
        pairs: of the people to learn from, in the shares in which a search meets them: the rare stranger who
            looks alike is what counts, and a sample with as many strangers as matches would not show them.
        model_id: whose scores they are.
        fitted_on: for the card.

    Raises:
        BadDataset: too few pairs, or a higher score does not speak for the same person.
    """
    _check(pairs)
    half = pairs.people % 2 == 0  # neighbours by number are alike in no way
    first, second = pairs.where(half), pairs.where(~half)
    _check(first)
    _check(second)
    plain = corrected = 0.0
    for learnt, judged in ((first, second), (second, first)):
        form = _logistic(learnt, model_id, fitted_on)
        plain += log_loss(form, judged)
        corrected += log_loss(_corrected(form, learnt), judged)
    form = _logistic(pairs, model_id, fitted_on)
    return _corrected(form, pairs) if corrected < plain else form


def log_loss(calibrator: Calibrator, pairs: Pairs) -> float:
    """The mean negative log probability of what is true, where matches are as frequent as in the pairs."""
    logits = _logits(calibrator, pairs)
    return float(np.logaddexp(0, np.where(pairs.same, -logits, logits)).mean())


def probabilities(calibrator: Calibrator, pairs: Pairs) -> Floats:
    """The probability of one person for each pair, where matches are as frequent as in the pairs: (N,)."""
    return 1 / (1 + np.exp(-_logits(calibrator, pairs)))


def calibration_error(
    predicted: Floats, true: NDArray[np.bool_], bins: int = 10
) -> tuple[float, list[dict[str, float]]]:
    """The expected calibration error over bins of equal width, and the reliability diagram's rows.

    Naeini, Cooper, Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI 2015.

    Args:
        predicted: (N,) probabilities.
        true: (N,) what was the case.
        bins: from 0 to 1.
    """
    places = np.minimum((predicted * bins).astype(np.int64), bins - 1)
    rows, error = [], 0.0
    for place in np.unique(places):
        here = places == place
        said, was = float(predicted[here].mean()), float(true[here].mean())
        rows.append({"predicted": said, "observed": was, "count": float(here.sum())})
        error += abs(said - was) * float(here.mean())
    return error, rows


def _check(pairs: Pairs) -> None:
    for kind, count in (("one person", int(pairs.same.sum())), ("two people", int((~pairs.same).sum()))):
        if count < LEAST_PAIRS:
            raise BadDataset(
                f"{count} pairs of {kind}: calibration needs {LEAST_PAIRS} at least in each half"
            )


def _prior(pairs: Pairs) -> float:
    """Log odds of a match among the pairs."""
    return float(np.log(pairs.same.sum()) - np.log((~pairs.same).sum()))


def _logits(calibrator: Calibrator, pairs: Pairs) -> Floats:
    return calibrator.log_ratios(pairs.evidence) + _prior(pairs)


def _logistic(pairs: Pairs, model_id: str, fitted_on: Mapping[str, Any]) -> Calibrator:
    """Logistic regression; the odds of the pairs come off, and likelihood ratios remain (Platt 1999)."""
    x, y = pairs.evidence.matrix(), pairs.same
    centre, spread = x.mean(axis=0), x.std(axis=0)
    spread[spread < LEAST_SPREAD] = 1.0  # the same in all pairs: nothing can be learnt of it
    scaled = np.concatenate([np.ones((len(x), 1)), (x - centre) / spread], axis=1)

    def loss(w: Floats) -> tuple[float, Floats]:
        logits = scaled @ w
        error = 1 / (1 + np.exp(-np.clip(logits, -500, 500))) - y
        value = np.logaddexp(0, np.where(y, -logits, logits)).mean() + DECAY / len(y) * (w[1:] @ w[1:])
        gradient = scaled.T @ error / len(y)
        gradient[1:] += 2 * DECAY / len(y) * w[1:]
        return float(value), gradient

    start = np.zeros(scaled.shape[1])
    bounds = [(None, None), (0, None), (0, None), *[(None, None)] * (len(start) - 3)]
    options = {"maxiter": 500}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    weights = found[1:] / spread
    if not weights[:2].any():
        raise BadDataset("a higher score does not speak for the same person here: nothing can be calibrated")
    return Calibrator(
        model_id=model_id,
        intercept=float(found[0] - weights @ centre - _prior(pairs)),
        weights=tuple(weights.tolist()),
        ranges=tuple(zip(x[:, 2:].min(axis=0).tolist(), x[:, 2:].max(axis=0).tolist(), strict=True)),
        limit=float(np.log((~pairs.same).sum())),
        fitted_on=fitted_on,
    )


def _corrected(form: Calibrator, pairs: Pairs) -> Calibrator:
    """The form with an isotonic map behind it (Zadrozny and Elkan, KDD 2002)."""
    linear = form.log_ratios(pairs.evidence)
    order = np.argsort(linear, kind="stable")
    shares = isotonic_regression(pairs.same[order].astype(np.float64)).x
    least = 1 / len(shares)
    ratios = np.log(np.clip(shares, least, 1 - least)) - np.log1p(-np.clip(shares, least, 1 - least))
    ratios -= _prior(pairs)
    # Each level of the steps is right at its middle; between the middles the map is linear.
    starts = np.flatnonzero(np.concatenate([[True], np.diff(shares) > 0]))
    stops = np.concatenate([starts[1:], [len(shares)]])
    middles = linear[order][(starts + stops - 1) // 2]
    levels = ratios[starts]
    kept = np.unique(np.linspace(0, len(middles) - 1, min(len(middles), MOST_KNOTS)).astype(np.int64))
    knots, first = np.unique(middles[kept], return_index=True)
    update = {"knots": tuple(knots.tolist()), "ratios": tuple(levels[kept][first].tolist())}
    return form.model_copy(update=update)
