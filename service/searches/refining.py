"""Searching again with what was marked, and what to judge next."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gallery import (
    MarkInfo,
    NotFound,
    Notice,
    NoticeCode,
    RankBy,
    RecordedHit,
    Refinement,
    SearchInfo,
    Verdict,
)
from models.feedback.judging import line_between, to_judge
from service.answer_schemas import HitOut, SearchAnswer
from service.auth import Caller
from service.errors import InvalidRequest, StateConflict
from service.mark_schemas import RefineIn
from service.networks import ProbeEmbedder
from service.schemas import MOST_PROBES
from service.searches import answers, searching, targets
from service.searches.hits import hits_out
from service.searches.questions import question_of
from service.searches.searching import Refining
from service.searches.targets import Target
from service.state import State

_ALL_OTHERS = Notice(
    NoticeCode.ONLY_OTHERS,
    "No hit is marked as showing the person: the search was only moved away from the others.",
)


@dataclass(frozen=True, slots=True)
class _Verdicts:
    """The tracklets that were marked, by verdict."""

    matches: list[str]
    others: list[str]

    @classmethod
    def of(cls, marks: Sequence[MarkInfo]) -> "_Verdicts":
        by_kind = (
            [m.tracklet_id for m in marks if m.verdict is kind] for kind in (Verdict.MATCH, Verdict.NOT)
        )
        return cls(*by_kind)


def search_again(state: State, caller: Caller, search_id: str, wanted: RefineIn) -> SearchAnswer:
    """Search with the marks of a search, under its filters, for its photos and those that `wanted` adds.

    Raises:
        NotFound: the caller has no such search, or one of its photos is no longer kept.
        StateConflict: no hit is marked, or none of the marked ones can be compared.
    """
    parent = answers.own_search(state, caller, search_id)
    verdicts = _Verdicts.of(state.gallery.marks.of(parent.id))
    if not verdicts.matches and not verdicts.others:
        raise StateConflict("No hit of the search is marked: mark one first.")
    question = replace(question_of(state, parent, as_it_was=True, limit=wanted.limit), rerank=False)
    embedder = state.networks.embedder
    known = _targets(state, caller, embedder, parent, wanted)
    snapshot = state.gallery.snapshot(embedder.id)
    moved = targets.moved(known, snapshot, verdicts.matches, verdicts.others)
    if moved is None:
        raise StateConflict("No marked hit is indexed with the model in use.")
    record = Refinement(parent.id, moved.method, moved.matches, moved.others)
    refining = Refining(moved.vector, record, [] if verdicts.matches else [_ALL_OTHERS])
    return searching.search(state, caller, embedder, known, question, refining=refining, snapshot=snapshot)


def please_judge(state: State, caller: Caller, search_id: str, count: int) -> list[HitOut]:
    """The unmarked hits of a search whose verdict would say most, over all its cameras.

    Raises:
        NotFound: the caller has no such search.
    """
    recorded = answers.own_search(state, caller, search_id)
    state.gallery.audit.record("search.judge", key_id=caller.actor, subject=recorded.id)
    marks = {mark.tracklet_id: mark.verdict for mark in state.gallery.marks.of(recorded.id)}
    there = state.gallery.still_there(recorded, [hit.tracklet_id for hit in recorded.hits])
    hits = [(rank, hit) for rank, hit in enumerate(recorded.hits, 1) if hit.tracklet_id in there.tracklets]
    if not hits:
        return []
    values, line = _believed(recorded, [hit for _, hit in hits], marks)
    rest = [place for place, (_, hit) in enumerate(hits) if hit.tracklet_id not in marks]
    cameras = [there.tracklets[hits[place][1].tracklet_id].camera_id for place in rest]
    chosen = [hits[rest[one]] for one in to_judge(values[rest], cameras, line, count)]
    return hits_out(state, recorded, chosen, there)


def _believed(
    recorded: SearchInfo, hits: Sequence[RecordedHit], marks: dict[str, Verdict]
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], float]:
    """What each hit is believed by, (H,), and the value at which it is as likely right as wrong."""
    places = {
        kind: [place for place, hit in enumerate(hits) if marks.get(hit.tracklet_id) is kind]
        for kind in Verdict
    }
    calibrated = recorded.calibration.line
    if calibrated is not None and all(hit.probability is not None for hit in hits):
        return np.array([hit.probability for hit in hits], np.float64), calibrated
    standard = [hit.standard_score for hit in hits]
    plain = recorded.query.by is RankBy.COSINE or None in standard
    values = np.array([hit.score for hit in hits] if plain else standard, np.float64)
    return values, line_between(values, places[Verdict.MATCH], places[Verdict.NOT])


def _targets(
    state: State, caller: Caller, embedder: ProbeEmbedder, parent: SearchInfo, wanted: RefineIn
) -> list[Target]:
    """What the search looked for, and what is added to it."""
    count = len(parent.query.probes) + len(wanted.probes)
    if count > MOST_PROBES:
        raise InvalidRequest(
            f"With those of the search these are {count} photos and sightings; {MOST_PROBES} at most.",
            "/probes",
        )
    try:
        choices = [*targets.choices_of(state.gallery, parent), *wanted.probes]
        return targets.chosen_by(state, caller, embedder, choices)
    except NotFound as error:
        raise NotFound(f"{error}; to refine a search, all that it looked for must be kept") from error
