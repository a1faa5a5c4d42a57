"""The history of searches: what was asked, the newest first."""

from collections.abc import Sequence

from gallery import NotFound, SearchInfo, StillThere
from service.answer_schemas import FiltersOut, ModelOut
from service.auth import Caller
from service.cursors import wrong_cursor
from service.history_schemas import SearchList, SearchSummary
from service.searches.hits import probes_out
from service.state import State


def page(state: State, caller: Caller, cursor: str | None, limit: int) -> SearchList:
    """A page of the caller's own searches. Reading it is recorded.

    Raises:
        InvalidRequest: the cursor is none of this list.
    """
    try:
        found = state.gallery.searches.page(caller.key_id, before=cursor, limit=limit + 1)
    except NotFound as error:
        raise wrong_cursor() from error
    state.gallery.audit.record("search.list", key_id=caller.key_id, detail={"limit": limit})
    shown = found[:limit]
    return SearchList(items=summaries(state, shown), next_cursor=shown[-1].id if len(found) > limit else None)


def summaries(state: State, found: Sequence[SearchInfo]) -> list[SearchSummary]:
    """Searches without their hits."""
    probes = [probe for search in found for probe in search.query.probes]
    photos = state.gallery.probes.kept([probe.id for probe in probes if probe.id])
    return [_summary(search, photos, _tracklets(state, search)) for search in found]


def _tracklets(state: State, search: SearchInfo) -> StillThere:
    named = [probe.tracklet_id for probe in search.query.probes if probe.tracklet_id]
    return state.gallery.still_there(search, named) if named else StillThere({}, frozenset())


def _summary(search: SearchInfo, photos: set[str], there: StillThere) -> SearchSummary:
    query, kept = search.query, photos | set(there.tracklets)
    return SearchSummary(
        id=search.id,
        created_at=search.created_at,
        model=ModelOut(id=search.model_id, name=search.model_name, warning=search.model_warning),
        probes=probes_out(search, there),
        probes_kept=all((probe.id or probe.tracklet_id) in kept for probe in query.probes),
        filters=FiltersOut.model_validate(query.filters, from_attributes=True),
        ranked_by=query.by,
        tracklets_compared=int(search.coverage.get("tracklets_compared", 0)),
        hits=len(search.hits),
        credible=search.calibration.credible,
        repeats=None if search.repeats is None else search.repeats.search_id,
        refines=None if query.refined is None else query.refined.parent,
    )
