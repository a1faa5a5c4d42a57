"""Which hits can be believed: the probability of each, and how many credible ones will be wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from gallery import Hit, RecordedHit, SearchCalibration
from models import quality
from models.calibration.calibrator import Evidence, Floats, calibrator_of, posteriors
from service.networks import ProbeEmbedder
from service.pixels import Pixels

NOT_MEASURED: Final = (
    "No calibration has been measured for this model: scores rank, they are not probabilities."
)
OF_TRACKLETS: Final = (
    "This model is calibrated for photos, and a tracklet was searched for: scores rank, they are not "
    "probabilities."
)
OF_MARKS: Final = (
    "This model is calibrated for photos, and marks have moved what was searched for: scores rank, they are "
    "not probabilities."
)


@dataclass(frozen=True, slots=True)
class Look:
    """What the quality of a probe is judged by: height in pixels, and sharpness (models.quality)."""

    height: float
    sharpness: float

    @classmethod
    def of(cls, crop: Pixels) -> "Look":
        """Look at the crop of the person that is searched for."""
        return cls(float(crop.shape[0]), quality.sharpness(crop))


@dataclass(frozen=True, slots=True)
class Seen:
    """What one of several photos says of H hits.

    Attributes:
        look: at the photo; None of a tracklet.
        weight: what it counts.
        scores: (H,) its standard scores with the hits.
        cosines: (H,).
    """

    look: Look | None
    weight: float
    scores: Floats
    cosines: Floats


def believe(
    embedder: ProbeEmbedder,
    look: Look | None,
    hits: Sequence[Hit],
    compared: int,
    line: float,
    *,
    why_not: str | None = None,
    several: Sequence[Seen] = (),
) -> tuple[list[RecordedHit], SearchCalibration]:
    """The hits with their probabilities, where the model's scores are calibrated, and what these are worth.

    Args:
        embedder: whose scores they are.
        look: at the probe; None where a tracklet is searched for.
        hits: best first.
        compared: tracklets that were searched.
        line: probability from which on a hit is credible.
        why_not: why hits have no probability without a look; a tracklet was searched for by default.
        several: what each photo says, where several were fused: the evidence is what they say on average. The
            scores of their mean are higher for everybody than those of one photo, of which the calibration
            was learnt, and photos of one person are too alike for their evidence to add up.

    Raises:
        BadCheckpoint: the model's calibration cannot be read.
    """
    recorded = [
        RecordedHit(hit.tracklet_id, round(hit.score, 6), hit.clip_number, round(hit.standard_score, 6))
        for hit in hits
    ]
    calibrator = calibrator_of(embedder.card, embedder.id)
    if calibrator is None or look is None:
        reason = NOT_MEASURED if calibrator is None else why_not or OF_TRACKLETS
        return recorded, SearchCalibration(calibrated=False, reason=reason)
    scores = np.array([hit.standard_score for hit in hits], np.float64)
    cosines = np.array([hit.score for hit in hits], np.float64)
    each = several or [Seen(look, 1.0, scores, cosines)]
    ratios = [calibrator.log_ratios(_evidence(one)) for one in each]
    ratio = ratios[0] if len(each) == 1 else np.average(ratios, axis=0, weights=[one.weight for one in each])
    found = posteriors(ratio, compared).round(6).tolist()
    credible = [probability for probability in found if probability >= line]
    return (
        [replace(hit, probability=value) for hit, value in zip(recorded, found, strict=True)],
        SearchCalibration(
            calibrated=True,
            learnt_from=_learnt_from(calibrator.fitted_on),
            line=line,
            credible=len(credible),
            wrong_expected=round(sum(1 - value for value in credible), 3),
        ),
    )


def _evidence(seen: Seen) -> Evidence:
    assert seen.look is not None
    height, sharpness = np.array(seen.look.height), np.array(seen.look.sharpness)
    return Evidence(scores=seen.scores, cosines=seen.cosines, height=height, sharpness=sharpness)


def _learnt_from(facts: Mapping[str, Any]) -> str:
    people, sets = (
        facts.get("people", "unknown"),
        dict.fromkeys(str(one) for one in facts.get("datasets", ())),
    )
    if list(sets) == ["simulated"]:
        return f"{people} simulated people"
    return f"{people} people of {', '.join(sets) or 'unknown data'}"
