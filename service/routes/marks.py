"""Marks: people's verdicts on the hits of a search, and searching again with them."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from gallery import MarkChange, MarkInfo
from service import cursors, reviewing
from service.answer_schemas import SearchAnswer
from service.auth import CallerDep
from service.mark_schemas import (
    ConfirmationIn,
    MarkChangeOut,
    MarkedHit,
    MarkHistory,
    MarkIn,
    MarkList,
    MarkReview,
    RefineIn,
    ToJudge,
)
from service.problems import binary, declared
from service.routes.parameters import Cursor, SearchId
from service.schemas import MOST_PROBES
from service.searches import refining
from service.searches.answers import own_search
from service.state import StateDep

router = APIRouter(prefix="/v1/searches/{search_id}", tags=["searches"])
HitId = Annotated[str, Path(max_length=64, description="`tracklet_id` of a hit of the search, on any page")]


@router.get("/marks", operation_id="listMarks", summary="The marks of a search", responses=declared(404))
def list_marks(state: StateDep, caller: CallerDep, search_id: SearchId) -> MarkList:
    """All on one page. Reading them is recorded, as reading the search is."""
    search = own_search(state, caller, search_id)
    marks = state.gallery.marks.of(search.id)
    state.gallery.audit.record("mark.list", key_id=caller.key_id, subject=search.id)
    return MarkList(items=[_mark(mark) for mark in marks], erased=search.marks_erased)


@router.get(
    "/marks/history",
    operation_id="listMarkChanges",
    summary="Who marked what, and when",
    responses=declared(404),
)
def list_changes(
    state: StateDep,
    caller: CallerDep,
    search_id: SearchId,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Changes on the page")] = 100,
) -> MarkHistory:
    """Every change of the marks of a search, the newest first, with those that were undone.

    Changes of marks on erased recordings are erased with them.
    """
    search = own_search(state, caller, search_id)
    before = None if cursor is None else cursors.decode(f"marks of {search.id}", cursor)
    found = state.gallery.marks.history(search.id, before=before, limit=limit + 1)
    state.gallery.audit.record("mark.list", key_id=caller.key_id, subject=search.id)
    page = found[:limit]
    more = cursors.encode(f"marks of {search.id}", page[-1].id) if len(found) > limit else None
    return MarkHistory(items=[_change(change) for change in page], next_cursor=more)


@router.post(
    "/marks/undo",
    operation_id="undoMark",
    summary="Undo the last change of a mark",
    responses=declared(404, 409),
)
def undo(state: StateDep, caller: CallerDep, search_id: SearchId) -> MarkChangeOut:
    """Undoes the last change that is not undone, and answers with it; again, and the one before goes too."""
    search = own_search(state, caller, search_id)
    return _change(state.gallery.marks.undo(search.id, key_id=caller.key_id))


@router.put(
    "/marks/{tracklet_id}",
    operation_id="markHit",
    summary="Say whether a hit shows the person",
    responses=declared(404, 409, 413),
)
def mark_hit(
    state: StateDep, caller: CallerDep, search_id: SearchId, tracklet_id: HitId, wanted: MarkIn
) -> MarkedHit:
    """The last verdict on a hit is the one that counts; the one before stays in the history.

    409: the recording was indexed anew since, so that the id may be another person's.
    """
    search = own_search(state, caller, search_id)
    return _mark(state.gallery.marks.set(search.id, tracklet_id, wanted.verdict, key_id=caller.key_id))


@router.delete(
    "/marks/{tracklet_id}",
    operation_id="unmarkHit",
    summary="Take the mark of a hit away",
    status_code=204,
    response_class=Response,
    responses=declared(404, 409),
)
def unmark_hit(state: StateDep, caller: CallerDep, search_id: SearchId, tracklet_id: HitId) -> None:
    """404 if it has none."""
    search = own_search(state, caller, search_id)
    state.gallery.marks.remove(search.id, tracklet_id, key_id=caller.key_id)


@router.put(
    "/marks/{tracklet_id}/confirmation",
    operation_id="confirmMark",
    summary="Confirm or dispute somebody else's mark",
    responses=declared(404, 409, 413),
)
def confirm_mark(
    state: StateDep, caller: CallerDep, search_id: SearchId, tracklet_id: HitId, wanted: ConfirmationIn
) -> MarkedHit:
    """For a second person, who was given the ids, say with a package, and has a key of their own.

    The search may be any key's, if its cameras are seen. The last word counts, until the mark is changed.
    409: the key made the mark itself, or there is none.
    """
    marks = state.gallery.marks
    return _mark(marks.confirm(search_id, tracklet_id, agrees=wanted.agrees, key_id=caller.key_id))


@router.delete(
    "/marks/{tracklet_id}/confirmation",
    operation_id="withdrawConfirmation",
    summary="Take back what was said of somebody else's mark",
    status_code=204,
    response_class=Response,
    responses=declared(404, 409),
)
def withdraw_confirmation(
    state: StateDep, caller: CallerDep, search_id: SearchId, tracklet_id: HitId
) -> None:
    """404 where this key said nothing of it."""
    state.gallery.marks.withdraw(search_id, tracklet_id, key_id=caller.key_id)


@router.get(
    "/marks/review",
    operation_id="reviewMarks",
    summary="The marks of anybody's search, for a second person",
    responses=declared(404),
)
def review_marks(state: StateDep, caller: CallerDep, search_id: SearchId) -> MarkReview:
    """What it takes to confirm them: who was searched for, what was marked, by whom and when.

    The search may be any key's, if its cameras are seen; its other hits stay closed. 404: nothing is marked.
    Reading them is recorded.
    """
    return reviewing.review(state, caller, search_id)


@router.get(
    "/marks/review/photos/{number}",
    operation_id="getReviewedPhoto",
    summary="Who was searched for, cut out of a photo",
    response_class=Response,
    responses={200: binary("image/jpeg"), **declared(404)},
)
def get_reviewed_photo(
    state: StateDep,
    caller: CallerDep,
    search_id: SearchId,
    number: Annotated[int, Path(ge=0, lt=MOST_PROBES, description="Of the photo in the search, from 0")],
) -> Response:
    """The part of the photo that was searched for, and nobody else on it. Looking at it is recorded."""
    return Response(reviewing.photo(state, caller, search_id, number), media_type="image/jpeg")


@router.get(
    "/judge",
    operation_id="listHitsToJudge",
    summary="Hits whose verdict would say most",
    responses=declared(404),
)
def list_to_judge(
    state: StateDep,
    caller: CallerDep,
    search_id: SearchId,
    count: Annotated[int, Query(ge=1, le=50, description="How many")] = 5,
) -> ToJudge:
    """Unmarked hits near the line between right and wrong, from all cameras in turn."""
    return ToJudge(items=refining.please_judge(state, caller, search_id, count))


@router.post(
    "/refine",
    operation_id="refineSearch",
    summary="Search again with the marks",
    status_code=201,
    responses=declared(404, 409, 413, 507),
)
async def refine_search(
    state: StateDep,
    caller: CallerDep,
    search_id: SearchId,
    wanted: RefineIn,
    *,
    request: Request,
    response: Response,
) -> SearchAnswer:
    """A new search under the same filters, moved towards what is marked `match` and away from the others.

    It is recorded with the search that it refines, and has that one's marks too. Its scores rank; they are no
    probabilities.
    """

    def search() -> SearchAnswer:
        return refining.search_again(state, caller, search_id, wanted)

    answer = await state.networks_lane.run(caller.key_id, request, search)
    response.headers["Location"] = f"/v1/searches/{answer.id}"
    return answer


def _mark(mark: MarkInfo) -> MarkedHit:
    return MarkedHit.model_validate(mark, from_attributes=True)


def _change(change: MarkChange) -> MarkChangeOut:
    return MarkChangeOut.model_validate(change, from_attributes=True)
