"""Cases: open, fill, follow the journey, take the evidence away."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from gallery import CaseChanges, CaseInfo, ItemKind, NotFound
from service.auth import Caller, CallerDep
from service.cases import drawing, showing
from service.cases.chapter import of_case
from service.cases.schemas import (
    CaseIn,
    CaseItemIn,
    CaseList,
    CaseNoteIn,
    CaseOut,
    CasePatch,
    JourneyOut,
)
from service.cases.sightings import Journey, journey_of
from service.cursors import wrong_cursor
from service.evidence import package
from service.evidence_schemas import PackageList, packages_out
from service.problems import declared
from service.routes.evidence import ZIP, Hits, OnlyConfirmed, sent
from service.routes.parameters import Cursor
from service.state import State, StateDep

router = APIRouter(prefix="/v1/cases", tags=["cases"])
T = TypeVar("T")
CaseId = Annotated[str, Path(max_length=64, description="A case of this key")]
_SVG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}}


@router.post(
    "", operation_id="createCase", summary="Open a case", status_code=201, responses=declared(413, 507)
)
def create_case(state: StateDep, caller: CallerDep, response: Response, wanted: CaseIn) -> CaseOut:
    """It belongs to the key that opens it: for others it does not exist."""
    case = state.gallery.cases.add(**wanted.model_dump(), key_id=caller.key_id)
    response.headers["Location"] = f"/v1/cases/{case.id}"
    return showing.case_out(case)


@router.get("", operation_id="listCases", summary="Cases, the newest first")
def list_cases(
    state: StateDep,
    caller: CallerDep,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=200, description="Cases on the page")] = 50,
) -> CaseList:
    """Those of the caller's key."""
    try:
        after = None if cursor is None else _own(state, caller, cursor).id
    except NotFound as error:
        raise wrong_cursor() from error
    found = state.gallery.cases.list(key_id=caller.key_id, after=after, limit=limit + 1)
    page = [showing.case_row(case) for case in found[:limit]]
    return CaseList(items=page, next_cursor=page[-1].id if len(found) > limit else None)


@router.get("/{case_id}", operation_id="getCase", summary="A case", responses=declared(404))
def get_case(state: StateDep, caller: CallerDep, case_id: CaseId) -> CaseOut:
    """With its photos, searches and notes. Reading it is recorded."""
    case = _own(state, caller, case_id)
    state.gallery.audit.record("case.read", key_id=caller.key_id, subject=case.id)
    return showing.case_out(case)


@router.patch("/{case_id}", operation_id="changeCase", summary="Change a case", responses=declared(404, 413))
def change_case(state: StateDep, caller: CallerDep, case_id: CaseId, wanted: CasePatch) -> CaseOut:
    """Title, number or purpose. What they said before stays as a note of the kind `edited`."""
    case = _own(state, caller, case_id)
    given = wanted.model_dump(exclude_unset=True)
    if given.get("title", "") is None:
        del given["title"]
    changes: CaseChanges = given  # type: ignore[assignment]  # its fields are those
    return showing.case_out(state.gallery.cases.change(case.id, key_id=caller.key_id, **changes))


@router.delete(
    "/{case_id}",
    operation_id="deleteCase",
    summary="Delete a case",
    status_code=204,
    response_class=Response,
    responses=declared(404),
)
def delete_case(state: StateDep, caller: CallerDep, case_id: CaseId) -> None:
    """Its notes go with it; photos, searches and marks stay, and so does the audit trail."""
    state.gallery.cases.remove(_own(state, caller, case_id).id, key_id=caller.key_id)


@router.post(
    "/{case_id}/items",
    operation_id="addCaseItem",
    summary="Put a photo or a search into a case",
    responses=declared(404, 409, 413),
)
def add_case_item(state: StateDep, caller: CallerDep, case_id: CaseId, wanted: CaseItemIn) -> CaseOut:
    """A search brings its photos along, and its marked hits. What is in the case already stays as it is."""
    case = _own(state, caller, case_id)
    kind = ItemKind.PHOTO if wanted.search_id is None else ItemKind.SEARCH
    subject = wanted.search_id or wanted.probe_id or ""
    return showing.case_out(state.gallery.cases.put(case.id, kind, subject, key_id=caller.key_id))


@router.delete(
    "/{case_id}/items/{subject_id}",
    operation_id="removeCaseItem",
    summary="Take a photo or search out of a case",
    responses=declared(404),
)
def remove_case_item(
    state: StateDep,
    caller: CallerDep,
    case_id: CaseId,
    subject_id: Annotated[str, Path(max_length=64, description="Id of the probe or search")],
) -> CaseOut:
    """The photo or search itself stays."""
    case = _own(state, caller, case_id)
    return showing.case_out(state.gallery.cases.take(case.id, subject_id, key_id=caller.key_id))


@router.post(
    "/{case_id}/notes",
    operation_id="addCaseNote",
    summary="Add a note to a case",
    status_code=201,
    responses=declared(404, 409, 413),
)
def add_case_note(state: StateDep, caller: CallerDep, case_id: CaseId, wanted: CaseNoteIn) -> CaseOut:
    """Notes are added, never changed: they say who wrote them and when."""
    case = _own(state, caller, case_id)
    return showing.case_out(state.gallery.cases.note(case.id, wanted.text, key_id=caller.key_id))


@router.get(
    "/{case_id}/journey", operation_id="getJourney", summary="The journey of a case", responses=declared(404)
)
async def get_journey(state: StateDep, caller: CallerDep, request: Request, case_id: CaseId) -> JourneyOut:
    """The hits marked as the person, with travel times. What is impossible is flagged, never hidden."""
    return await _journey(state, caller, request, case_id, showing.journey_out)


@router.get(
    "/{case_id}/journey/timeline",
    operation_id="getJourneyTimeline",
    summary="The journey over time, drawn",
    response_class=Response,
    responses={**_SVG, **declared(404)},
)
async def get_timeline(state: StateDep, caller: CallerDep, request: Request, case_id: CaseId) -> Response:
    """SVG: a row for each camera, its local times, and what was not recorded."""
    drawn = await _journey(state, caller, request, case_id, drawing.timeline)
    return Response(drawn, media_type="image/svg+xml")


@router.get(
    "/{case_id}/journey/map",
    operation_id="getJourneyMap",
    summary="The journey on the ground, drawn",
    response_class=Response,
    responses={**_SVG, **declared(404)},
)
async def get_map(state: StateDep, caller: CallerDep, request: Request, case_id: CaseId) -> Response:
    """SVG, north up: the cameras with positions and the way between them."""
    drawn = await _journey(state, caller, request, case_id, drawing.ground)
    return Response(drawn, media_type="image/svg+xml")


@router.get(
    "/{case_id}/evidence",
    operation_id="getCaseEvidence",
    summary="The evidence package of a case",
    response_class=StreamingResponse,
    responses={**ZIP, **declared(404, 409)},
)
def get_case_evidence(
    state: StateDep,
    caller: CallerDep,
    request: Request,
    case_id: CaseId,
    *,
    hits: Hits = 0,
    only_confirmed: OnlyConfirmed = False,
) -> Response:
    """As of a search, with everything in the case, its notes and its journey. Clips are of marked hits."""
    case = _own(state, caller, case_id)

    def make() -> package.Package:
        return of_case(state, caller, case, hits, only_confirmed=only_confirmed)

    return sent(request, make, f"case-{case.id[:12]}")


@router.get(
    "/{case_id}/evidence/made",
    operation_id="listCaseEvidence",
    summary="The packages made of a case",
    responses=declared(404),
)
def list_case_evidence(state: StateDep, caller: CallerDep, case_id: CaseId) -> PackageList:
    """The newest first, each with the SHA-256 of its manifest."""
    return packages_out(package.made(state, _own(state, caller, case_id).id))


def _own(state: State, caller: Caller, case_id: str) -> CaseInfo:
    """A case of the caller. Raises NotFound: there is none, or it is somebody else's."""
    case = state.gallery.cases.get(case_id)
    if not caller.owns(case.key_id):
        raise NotFound(f"no case {case_id}")
    return case


async def _journey(
    state: State, caller: Caller, request: Request, case_id: str, show: Callable[[Journey], T]
) -> T:
    """The journey of a case of the caller as `show` has it. That it was read is recorded."""

    def read() -> T:
        case = _own(state, caller, case_id)
        state.gallery.audit.record("case.journey", key_id=caller.key_id, subject=case.id)
        return show(journey_of(state.gallery, case, showing.limits_of(state.settings)))

    return await state.journeys_lane.run(caller.key_id, request, read)
