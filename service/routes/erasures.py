"""Erasure: listed, confirmed, certified."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import PlainTextResponse

from gallery import NotFound, certificate_text
from service.auth import CallerDep
from service.cursors import wrong_cursor
from service.erasure import showing, targets
from service.erasure.schemas import ErasureConfirmed, ErasureIn, ErasureList, ErasureOut, ErasurePlanOut
from service.problems import declared
from service.routes.parameters import Cursor
from service.state import StateDep

router = APIRouter(prefix="/v1/erasures", tags=["erasure"])
ErasureId = Annotated[str, Path(max_length=64, description="The erasure")]


@router.post(
    "/plan",
    operation_id="planErasure",
    summary="List what an erasure would take",
    responses=declared(404, 409, 413),
)
async def plan_erasure(
    state: StateDep, caller: CallerDep, request: Request, wanted: ErasureIn
) -> ErasurePlanOut:
    """Changes nothing. Listing the tracklets of a person is a search, and recorded."""

    def plan() -> ErasurePlanOut:
        target = targets.target_of(state, caller, wanted)
        return showing.plan_out(targets.listed(state.gallery, target, key_id=caller.key_id))

    return await state.erasures_lane.run(caller.key_id, request, plan)


@router.post(
    "",
    operation_id="erase",
    summary="Erase what was listed",
    status_code=201,
    responses=declared(404, 409, 413),
)
async def erase(state: StateDep, caller: CallerDep, request: Request, wanted: ErasureConfirmed) -> ErasureOut:
    """Once this answers, no search, picture or clip shows what went; vectors leave the disk at compaction.

    409: something else would go than what was listed, or a legal hold keeps something of it (the detail names
    the hold). Then nothing went.
    """

    def carry_out() -> ErasureOut:
        target = targets.target_of(state, caller, wanted)
        done = state.gallery.erasures.erase(
            target, digest=wanted.plan_sha256, skip_held=wanted.skip_held, key_id=caller.key_id
        )
        return showing.erasure_out(done)

    return await state.erasures_lane.run(caller.key_id, request, carry_out)


@router.get("", operation_id="listErasures", summary="Erasures, the newest first")
def list_erasures(
    state: StateDep,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Erasures on the page")] = 20,
) -> ErasureList:
    """With their certificates."""
    try:
        found = state.gallery.erasures.certificates.list(after=cursor, limit=limit + 1)
    except NotFound as error:
        raise wrong_cursor() from error
    return ErasureList(
        items=[showing.erasure_out(one) for one in found[:limit]],
        next_cursor=found[limit - 1].id if len(found) > limit else None,
    )


@router.get("/{erasure_id}", operation_id="getErasure", summary="A certificate", responses=declared(404))
def get_erasure(state: StateDep, erasure_id: ErasureId) -> ErasureOut:
    """What went, what remains and why, and the proof."""
    return showing.erasure_out(state.gallery.erasures.certificates.get(erasure_id))


@router.get(
    "/{erasure_id}/certificate.txt",
    operation_id="getCertificateText",
    summary="A certificate to read and file",
    response_class=PlainTextResponse,
    responses=declared(404),
)
def get_certificate_text(state: StateDep, erasure_id: ErasureId) -> PlainTextResponse:
    """As plain text."""
    text = certificate_text(state.gallery.erasures.certificates.get(erasure_id))
    return PlainTextResponse(text, headers={"Cache-Control": "no-store"})
