"""Correct the calibration of the model in use by the marks of the gallery, and by who surely is two people.

What marks say is looked up anew with that model: the photos are embedded and compared with the gallery as it
is, so that marks made under another model count too.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from gallery import CalibrationInfo, MarkInfo, NotFound, SearchInfo, Snapshot, Verdict
from models.calibration.calibrator import calibrator_of
from models.calibration.correction import Correction, Judged, correct, lacking
from models.calibration.strangers import Strangers
from service.auth import Caller
from service.errors import InvalidRequest
from service.networks import ProbeEmbedder
from service.schemas import KEPT
from service.searches.credibility import CORRECTED, evidence
from service.searches.questions import Question, question_of
from service.searches.several import seen_of
from service.searches.targets import Target, choices_of, chosen_by, fused
from service.state import State
from service.work import checkpoint

MOST_MARKS: Final = 1000  # the newest; more are slow to look up and say little more
UNCALIBRATED: Final = (
    "No calibration has been measured for this model, so there is none to correct: `sightline calibrate "
    "MODEL --dataset ... --root ...` measures one on people whose tracklets are known."
)
NO_BETTER: Final = (
    "On searches that it was not fitted to, a correction by these marks judges no better than none."
)

REFINED: Final = "made on refined searches: those hits were not chosen by the photo alone"
OF_TRACKLETS: Final = "made on searches for a tracklet, which have no probabilities"
NO_PHOTO: Final = "whose photo is no longer kept"
NO_CAMERA: Final = "whose cameras are no longer there"
NO_EMBEDDING: Final = "on tracklets without an embedding of the model in use"
REPEATED: Final = "given before for the same photo and hit"


@dataclass(frozen=True, slots=True)
class Calibrated:
    """How calibrating by marks ended.

    Attributes:
        changed: whether a calibration of the gallery's own counts from now on.
        reason: what was found, and why nothing was changed, in sentences.
        correction: what the marks say; None where they are too few.
        marks: that could be used.
        matches: of these those that say it is the person.
        left_out: marks that could not be used, by reason.
        calibration: the new one.
    """

    changed: bool
    reason: str
    correction: Correction | None = None
    marks: int = 0
    matches: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    calibration: CalibrationInfo | None = None


def calibrate(
    state: State, caller: Caller, *, dry_run: bool = False, strangers: Strangers | None = None
) -> Calibrated:
    """Correct the calibration of the model in use by the marks of all searches, and let it count at once.

    It always begins with the calibration on the model's card, not with an earlier correction; but what was
    found of strangers then is kept.

    Args:
        state: the service.
        caller: who wants it.
        dry_run: only say what would be found.
        strangers: what people seen side by side say; the marks are then asked what is left to correct.

    Raises:
        BadCheckpoint: the calibration on the model's card cannot be read.
        NotReady: the model is not loaded yet.
    """
    embedder = state.networks.embedder
    calibrator = calibrator_of(embedder.card, embedder.id)
    if calibrator is None:
        return Calibrated(changed=False, reason=UNCALIBRATED)
    known = strangers or _known_strangers(state, embedder)
    base = calibrator if known is None else calibrator.corrected(1.0, known.shift)
    judged, left_out = look_up(state, embedder)
    why = lacking(judged)
    found = None if why else correct(base, judged)
    said = [] if strangers is None else [of_strangers(strangers)]
    said.append(str(why) if found is None else in_words(found))
    if found is not None and not found.helps:
        said.append(NO_BETTER)
    helpful = found if found is not None and found.helps else None
    changed = not dry_run and (helpful is not None or (strangers is not None and strangers.shift < 0))
    added = None
    if changed:
        own = base if helpful is None else base.corrected(helpful.scale, helpful.shift)
        facts = {**calibrator.fitted_on, CORRECTED: _facts(helpful, known)}
        own = own.model_copy(update={"fitted_on": facts, "measured": ()})
        kept = own.model_dump(mode="json")
        added = state.gallery.calibrations.add(embedder.id, kept, key_id=caller.key_id)
    else:
        said.append("Nothing was changed.")
    verdicts = [bool(same) for one in judged for same in one.same]
    return Calibrated(changed, " ".join(said), found, len(verdicts), sum(verdicts), left_out, added)


def _known_strangers(state: State, embedder: ProbeEmbedder) -> Strangers | None:
    """What the calibration that counts knows of strangers; None where it knows nothing, or is damaged."""
    current = state.gallery.calibrations.current(embedder.id)
    facts = {} if current is None else current.calibrator.get("fitted_on", {})
    try:
        return Strangers(**facts[CORRECTED]["strangers"])
    except (KeyError, TypeError):
        return None


def look_up(state: State, embedder: ProbeEmbedder) -> tuple[list[Judged], dict[str, int]]:
    """What the model says of judged hits, search by search; and the marks that were left out, by reason."""
    by_search: dict[str, list[MarkInfo]] = {}
    for mark in state.gallery.marks.newest(MOST_MARKS):
        by_search.setdefault(mark.search_id, []).append(mark)
    left_out: Counter[str] = Counter()
    snapshot = state.gallery.snapshot(embedder.id)
    known: set[tuple[object, str]] = set()
    found = []
    for search_id, marks in by_search.items():
        checkpoint()
        try:
            search = state.gallery.searches.get(search_id)
            question, targets = _asked(state, embedder, search)
        except _Unusable as reason:
            left_out[str(reason)] += len(marks)
            continue
        photos = tuple(target.vector.tobytes() for target in targets)  # the same one may be kept twice
        new = [mark for mark in marks if (photos, mark.tracklet_id) not in known]
        known |= {(photos, mark.tracklet_id) for mark in new}
        left_out[REPEATED] += len(marks) - len(new)
        judged = _judged(snapshot, question, targets, new)
        left_out[NO_EMBEDDING] += len(new) - len(judged.places)
        if len(judged.places):
            found.append(judged)
    return found, {reason: count for reason, count in left_out.items() if count}


class _Unusable(Exception):
    """The marks of a search say nothing of probabilities; the message says which marks these are."""


def _asked(state: State, embedder: ProbeEmbedder, search: SearchInfo) -> tuple[Question, list[Target]]:
    """Where a search looked and for whom. Raises _Unusable."""
    if search.query.refined is not None:
        raise _Unusable(REFINED)
    if any(one.tracklet_id is not None for one in search.query.probes):
        raise _Unusable(OF_TRACKLETS)
    try:
        question = question_of(state, search, as_it_was=True)
    except InvalidRequest as error:
        raise _Unusable(NO_CAMERA) from error
    try:
        choices = choices_of(state.gallery, search)
        return question, chosen_by(state, Caller(search.key_id), embedder, choices)
    except (NotFound, InvalidRequest) as error:
        raise _Unusable(NO_PHOTO) from error


def _judged(
    snapshot: Snapshot, question: Question, targets: Sequence[Target], marks: Sequence[MarkInfo]
) -> Judged:
    """What the photos say of the hits that rank first now and of the marked ones."""
    ranking = snapshot.search(fused(targets), limit=KEPT, filters=question.filters)
    ids = [hit.tracklet_id for hit in ranking.hits]
    verdicts = {mark.tracklet_id: mark.verdict is Verdict.MATCH for mark in marks}
    stored = snapshot.stored([*ids, *(one for one in verdicts if one not in set(ids))])
    places = [place for place, one in enumerate(stored.ids) if one in verdicts]
    seen = [seen_of(target, snapshot, stored) for target in targets]
    return Judged(
        evidence=[evidence(one) for one in seen],
        weights=[one.weight for one in seen],
        compared=max(ranking.compared, len(stored.ids)),
        places=np.array(places, np.int64),
        same=np.array([verdicts[stored.ids[place]] for place in places], np.bool_),
    )


def in_words(found: Correction) -> str:
    """What marks say of a calibration, for who gave them."""
    marks = found.matches + found.others
    return (
        f"Of {marks} judged hits of {found.searches} searches {found.matches} show the person; the "
        f"calibration so far expects {found.expected:.1f}, corrected it expects {found.expected_now:.1f}."
    )


def of_strangers(found: Strangers) -> str:
    """What people seen side by side say of a calibration."""
    said = (
        f"{found.pairs} pairs of people who were seen side by side get a likelihood ratio of "
        f"{found.mean_ratio:.2f} on average, where 1 is right"
    )
    return f"{said}: they look more alike than the model expects." if found.shift < 0 else f"{said} or more."


def _facts(found: Correction | None, known: Strangers | None) -> dict[str, Any]:
    facts: dict[str, Any] = {"date": datetime.now(UTC).date().isoformat()}
    if known is not None:
        facts["strangers"] = asdict(known)
    if found is None:
        return facts
    return facts | {
        "marks": found.matches + found.others,
        "matches": found.matches,
        "searches": found.searches,
        "scale": round(found.scale, 4),
        "shift": round(found.shift, 4),
        "loss_before": round(found.loss, 4),
        "loss_after": round(found.loss_now, 4),
    }
