"""What a score is evidence for: the likelihood ratio of "the same person", and probabilities from it.

A probability needs two things: how much more often one person than two give such a score (the likelihood
ratio, a property of the model), and how many tracklets of the person are to be expected among those that were
searched (a property of the search). The more strangers there are, the more of them look alike by chance, so
one score means less in a larger gallery. See Brümmer and du Preez, "Application-independent evaluation of
speaker detection", Computer Speech and Language 2006, for scores as log likelihood ratios.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.errors import BadCheckpoint

FORMAT: Final = 1
HEAD: Final = 50  # hits of a search that a calibrator is judged by
CALIBRATION: Final = "calibration"  # its key on a model's card
EXPECTED: Final = np.geomspace(1 / 32, 32, 21)  # tracklets of the person among those searched, on average

Floats = NDArray[np.float64]
Numbers = Annotated[tuple[float, ...], Field(strict=False)]
Range = Annotated[tuple[float, float], Field(strict=False)]


class Evidence(BaseModel):
    """What is known of N pairs of a probe and a tracklet, beside the score.

    Attributes:
        scores: (N,) standard scores (`gallery.vectors.levels`). They do not say all, as none can stand out
            far in a small gallery.
        cosines: (N,) of probe and tracklet.
        height: of the probe's person, in pixels.
        sharpness: of the probe's person (`models.quality.sharpness`).
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True)

    scores: Floats
    cosines: Floats
    height: Floats
    sharpness: Floats

    def matrix(self) -> Floats:
        """(N, 4): score, cosine, then the logarithms of the others, which count as ratios."""
        others = (np.log(np.maximum(x, 1e-3)) for x in (self.height, self.sharpness))
        return np.stack(np.broadcast_arrays(self.scores, self.cosines, *others), axis=1).astype(np.float64)


class Calibrator(BaseModel):
    """Log likelihood ratios of one model's scores; never falling with the score.

    Attributes:
        model_id: SHA-256 of the weights whose scores it reads.
        intercept: of the linear form.
        weights: of standard score, cosine, log height and log sharpness.
        ranges: least and most of the two logarithms in the pairs; what lies outside counts as the nearest
            that does not, as nothing was learnt of it.
        knots: where a piecewise linear, rising map corrects the linear form; none where nothing needs it.
        ratios: the log likelihood ratios at the knots.
        limit: the largest log likelihood ratio that the pairs it was fitted on can tell.
        fitted_on: which data, how many people and pairs.
        measured: how good the probabilities were, on which people it had not seen.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    format: Literal[1] = FORMAT
    model_id: str = Field(pattern=r"^[0-9a-f]{64}$")
    intercept: float
    weights: Annotated[Numbers, Field(min_length=4, max_length=4)]
    ranges: Annotated[tuple[Range, ...], Field(strict=False, min_length=2, max_length=2)]
    knots: Numbers = ()
    ratios: Numbers = ()
    limit: float = Field(gt=0)
    fitted_on: Mapping[str, Any]
    measured: tuple[Mapping[str, Any], ...] = Field((), strict=False)

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if min(self.weights[:2]) < 0 or max(self.weights[:2]) == 0:
            raise ValueError("a higher score must be evidence for the same person")
        if any(low > high for low, high in self.ranges):
            raise ValueError("ranges must be the least and then the most")
        if len(self.knots) != len(self.ratios):
            raise ValueError("knots and ratios must be as many")
        if any(np.diff(self.knots) <= 0) or any(np.diff(self.ratios) < 0):
            raise ValueError("knots must rise and ratios must not fall")
        return self

    def corrected(self, scale: float, shift: float = 0.0) -> Self:
        """The same with log ratios that are `scale` as large, and `shift` larger.

        Evidence that counts less than it seems to has a scale below 1; where strangers look alike, the shift
        is below 0. With a scale above 0 a higher score stays the stronger evidence.
        """
        changed: dict[str, Any] = {"ratios": tuple(scale * ratio + shift for ratio in self.ratios)}
        if not self.knots:
            weights = tuple(scale * weight for weight in self.weights)
            changed = {"intercept": scale * self.intercept + shift, "weights": weights}
        return self.model_copy(update=changed)

    def log_ratios(self, evidence: Evidence) -> Floats:
        """Log likelihood ratios of "the same person" against "two people": (N,)."""
        features = evidence.matrix()
        lowest, highest = np.array(self.ranges).T
        features[:, 2:] = features[:, 2:].clip(lowest, highest)
        linear = self.intercept + features @ np.array(self.weights)
        if self.knots:
            linear = np.interp(linear, self.knots, self.ratios)
        limited: Floats = np.clip(linear, -self.limit, self.limit)
        return limited


def calibrator_of(card: Mapping[str, Any], model_id: str) -> Calibrator | None:
    """The calibrator on a model's card; None where there is none.

    Raises:
        BadCheckpoint: it cannot be read, or is another model's.
    """
    if (found := card.get(CALIBRATION)) is None:
        return None
    try:
        calibrator = Calibrator.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in (CALIBRATION, *first["loc"]))
        raise BadCheckpoint(f"card: {where}: {first['msg']}") from error
    if calibrator.model_id != model_id:
        raise BadCheckpoint("card: calibration: it is that of another model")
    return calibrator


def believed(
    calibrator: Calibrator, evidence: Sequence[Evidence], weights: Sequence[float], compared: int
) -> Floats:
    """How probable each of the best-ranked tracklets is, by what the photos of a person say on average: (K,).

    Photos of one person are too alike for their evidence to add up.

    Args:
        calibrator: of the model.
        evidence: of each photo, about the same K tracklets.
        weights: what each photo counts.
        compared: as for `posteriors`.
    """
    ratios = [calibrator.log_ratios(one) for one in evidence]
    ratio = ratios[0] if len(ratios) == 1 else np.average(ratios, axis=0, weights=weights)
    return posteriors(ratio, compared)


def posteriors(log_ratios: Floats, compared: int) -> Floats:
    """How probable it is of each of the best-ranked tracklets that it shows the person.

    How many tracklets of the person there are is not known: each number of EXPECTED is as likely as any other
    before the scores are seen, and what they say of it counts. So an answer without anybody who resembles the
    person has lower probabilities than one with somebody who surely is the person.

    Args:
        log_ratios: (K,) of the tracklets that rank first. Those behind them count as other people.
        compared: tracklets that were searched, at least K.

    Returns:
        (K,) from 0 to 1, in the order of the ratios.
    """
    if not len(log_ratios):
        return np.zeros(0)
    share = np.minimum(EXPECTED / compared, 0.5)[:, np.newaxis]  # (M, 1)
    there, not_there = log_ratios + np.log(share), np.log1p(-share)  # (M, K), (M, 1)
    either = np.logaddexp(there, not_there)
    likelihood = either.sum(axis=1) + (compared - len(log_ratios)) * not_there[:, 0]
    weights = np.exp(likelihood - likelihood.max())
    found: Floats = weights / weights.sum() @ np.exp(there - either)
    return np.clip(found, 0.0, 1.0)
