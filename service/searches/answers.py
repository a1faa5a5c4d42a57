"""Recorded searches as the API answers them, whole and page by page."""

from collections.abc import Iterator, Sequence

from gallery import CameraInfo, NotFound, Notice, NoticeCode, RecordedHit, SearchInfo, StillThere
from service import cursors
from service.answer_schemas import (
    Calibration,
    CoverageOut,
    FiltersOut,
    Gone,
    ModelOut,
    RefinedOut,
    RepeatOut,
    SearchAnswer,
)
from service.auth import Caller
from service.probing import notices_out, warnings_of
from service.searches.hits import hits_out, probes_out
from service.state import State


def own_search(state: State, caller: Caller, search_id: str) -> SearchInfo:
    """A search of the caller. Raises NotFound: there is none, or it is somebody else's."""
    recorded = state.gallery.searches.get(search_id)
    if not caller.owns(recorded.key_id):
        raise NotFound(f"no search {search_id}")
    return recorded


def page(state: State, caller: Caller, search_id: str, cursor: str | None, limit: int | None) -> SearchAnswer:
    """A page of a recorded answer. Reading it again is recorded too.

    Raises:
        NotFound: the caller has no such search.
        InvalidRequest: a cursor of another search.
    """
    recorded = own_search(state, caller, search_id)
    offset = 0 if cursor is None else cursors.decode(recorded.id, cursor)
    size = limit or recorded.query.limit
    hits = len(recorded.hits[offset : offset + size])
    detail = {"offset": offset, "hits": hits}
    state.gallery.audit.record("search.read", key_id=caller.key_id, subject=recorded.id, detail=detail)
    return answer(state, recorded, state.gallery.catalogue.cameras(), offset=offset, limit=size)


def whole(state: State, recorded: SearchInfo) -> SearchAnswer:
    """A recorded search with all its hits on one page."""
    limit = max(1, len(recorded.hits))
    return answer(state, recorded, state.gallery.catalogue.cameras(), offset=0, limit=limit)


def answer(
    state: State, recorded: SearchInfo, known: Sequence[CameraInfo], *, offset: int, limit: int
) -> SearchAnswer:
    """One page of a recorded search as the API says it.

    Only ids and scores are recorded: what was erased since is gone from the answer, and so is what has other
    people's ids now. The answer says so.
    """
    stored = recorded.hits[offset : offset + limit]
    named = [probe.tracklet_id for probe in recorded.query.probes if probe.tracklet_id is not None]
    there = state.gallery.still_there(recorded, [*(hit.tracklet_id for hit in stored), *named])
    hits = hits_out(state, recorded, list(enumerate(stored, start=offset + 1)), there, known)
    gone = list(_gone(recorded, stored, there))
    probes = probes_out(recorded, there)
    after = offset + limit
    return SearchAnswer(
        id=recorded.id,
        created_at=recorded.created_at,
        model=ModelOut(id=recorded.model_id, name=recorded.model_name, warning=recorded.model_warning),
        probe=probes[0],
        probes=probes,
        refined=None
        if recorded.query.refined is None
        else RefinedOut.model_validate(recorded.query.refined, from_attributes=True),
        filters=FiltersOut.model_validate(recorded.query.filters, from_attributes=True),
        coverage=CoverageOut.model_validate(recorded.coverage),
        calibration=Calibration.model_validate(recorded.calibration, from_attributes=True),
        ranked_by=recorded.query.by,
        reranked=recorded.query.reranked,
        repeats=None
        if recorded.repeats is None
        else RepeatOut.model_validate(recorded.repeats, from_attributes=True),
        horizon_hours=recorded.query.horizon_hours or None,
        hits=hits,
        next_cursor=cursors.encode(recorded.id, after) if after < len(recorded.hits) else None,
        notices=notices_out([*recorded.notices, *gone]),
        warnings=[*recorded.warnings, *warnings_of(gone)],
    )


def _gone(recorded: SearchInfo, stored: Sequence[RecordedHit], there: StillThere) -> Iterator[Notice]:
    """Say what of a page is left out, and which marks went."""
    anew = sum(hit.tracklet_id in there.anew for hit in stored)
    erased = sum(hit.tracklet_id not in there.tracklets for hit in stored) - anew
    if erased:
        hits = "1 hit of this page was" if erased == 1 else f"{erased} hits of this page were"
        yield Notice(NoticeCode.HITS_ERASED, f"{hits} erased since the search.")
    if anew:
        yield Notice(
            NoticeCode.HITS_INDEXED_ANEW,
            f"Hits of this page that are left out: {anew}. Their recordings were indexed anew since the "
            "search, so that their ids may be other people's now. Search again to find the person on them.",
        )
    for probe in probes_out(recorded, there):
        if probe.gone is not None:
            how = "was erased" if probe.gone is Gone.ERASED else "is of a recording that was indexed anew"
            said = f"The sighting {probe.tracklet_id}, which was searched for, {how} since."
            yield Notice(NoticeCode.TARGET_GONE, said)
    if recorded.marks_erased:
        said = f"Marks erased with the recordings that they were on: {recorded.marks_erased}."
        yield Notice(NoticeCode.MARKS_ERASED, said)
