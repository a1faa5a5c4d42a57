"""Which hits can be believed: the probability of each, and how many credible ones will be wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import structlog

from gallery import Gallery, Hit, RecordedHit, SearchCalibration
from models import quality
from models.calibration.calibrator import (
    CALIBRATION,
    Calibrator,
    Evidence,
    Floats,
    believed,
    calibrator_of,
)
from models.errors import BadCheckpoint
from service.networks import ProbeEmbedder
from service.pixels import Pixels

log = structlog.get_logger(__name__)

NOT_MEASURED: Final = (
    "How often hits of this model are right was not measured: their numbers put them in order, they are no "
    "probabilities."
)
OF_TRACKLETS: Final = (
    "Probabilities were learnt for photos, and a sighting was searched for: the numbers put hits in order, "
    "they are no probabilities."
)
OF_MARKS: Final = (
    "Probabilities were learnt for photos, and marks have moved what was searched for: the numbers put hits "
    "in order, they are no probabilities."
)
DAMAGED: Final = (
    "The gallery's own calibration ({}) cannot be read: the numbers put hits in order, they are no "
    "probabilities. "
    "`sightline calibrate --reset` goes back to the model's."
)
CORRECTED: Final = "corrected_by"  # its key among the facts of a calibration of the gallery's own


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


@dataclass(frozen=True, slots=True)
class Own:
    """The gallery's own calibration of a model and its number; the calibrator is None where it is damaged."""

    number: int
    calibrator: Calibrator | None


def own_calibration(gallery: Gallery, embedder: ProbeEmbedder) -> Own | None:
    """The gallery's own calibration of a model; None where the one on its card counts."""
    found = gallery.calibrations.current(embedder.id)
    if found is None:
        return None
    try:
        return Own(found.id, calibrator_of({CALIBRATION: found.calibrator}, embedder.id))
    except BadCheckpoint:
        log.exception("the gallery's own calibration cannot be read", number=found.id)
        return Own(found.id, None)


def believe(
    embedder: ProbeEmbedder,
    look: Look | None,
    hits: Sequence[Hit],
    compared: int,
    line: float,
    *,
    why_not: str | None = None,
    several: Sequence[Seen] = (),
    own: Own | None = None,
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
        own: the gallery's own calibration, which takes the place of the one on the model's card.

    Raises:
        BadCheckpoint: the model's calibration cannot be read.
    """
    recorded = [
        RecordedHit(hit.tracklet_id, round(hit.score, 6), hit.clip_number, round(hit.standard_score, 6))
        for hit in hits
    ]
    calibrator = own.calibrator if own else calibrator_of(embedder.card, embedder.id)
    if calibrator is None or look is None:
        unknown = DAMAGED.format(own.number) if own else NOT_MEASURED
        reason = unknown if calibrator is None else why_not or OF_TRACKLETS
        return recorded, SearchCalibration(calibrated=False, reason=reason)
    scores = np.array([hit.standard_score for hit in hits], np.float64)
    cosines = np.array([hit.score for hit in hits], np.float64)
    each = several or [Seen(look, 1.0, scores, cosines)]
    weights = [one.weight for one in each]
    found = believed(calibrator, [evidence(one) for one in each], weights, compared).round(6).tolist()
    credible = [probability for probability in found if probability >= line]
    return (
        [replace(hit, probability=value) for hit, value in zip(recorded, found, strict=True)],
        SearchCalibration(
            calibrated=True,
            learnt_from=learnt_from(calibrator.fitted_on),
            number=None if own is None else own.number,
            line=line,
            credible=len(credible),
            wrong_expected=round(sum(1 - value for value in credible), 3),
        ),
    )


def evidence(seen: Seen) -> Evidence:
    """What a photo says of some tracklets, as calibrators read it; not of a tracklet that is searched for."""
    assert seen.look is not None
    height, sharpness = np.array(seen.look.height), np.array(seen.look.sharpness)
    return Evidence(scores=seen.scores, cosines=seen.cosines, height=height, sharpness=sharpness)


def learnt_from(facts: Mapping[str, Any]) -> str:
    """What a calibration was learnt from, in words, by its `fitted_on`."""
    people, sets = (
        facts.get("people", "unknown"),
        dict.fromkeys(str(one) for one in facts.get("datasets", ())),
    )
    whom = (
        f"{people} simulated people"
        if list(sets) == ["simulated"]
        else f"{people} people of {', '.join(sets) or 'unknown data'}"
    )
    corrected = facts.get(CORRECTED)
    if not isinstance(corrected, Mapping):
        return whom
    by = []
    if "marks" in corrected:
        by.append(f"{corrected['marks']} marks on {corrected.get('searches', 'unknown')} searches")
    if isinstance(beside := corrected.get("strangers"), Mapping):
        by.append(f"{beside.get('pairs', 'unknown')} pairs of people seen side by side")
    return f"{whom}, corrected by {' and '.join(by) or 'unknown data'} of this gallery"
