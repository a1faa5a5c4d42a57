"""Legal holds: what may not be erased."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from gallery import HoldKind
from service.auth import CallerDep
from service.erasure import showing, targets
from service.erasure.schemas import HoldIn, HoldList, HoldOut, LiftIn
from service.errors import InvalidRequest
from service.problems import declared
from service.state import StateDep

router = APIRouter(prefix="/v1/holds", tags=["erasure"])
HoldId = Annotated[str, Path(max_length=64, description="The hold")]


@router.post(
    "",
    operation_id="putHold",
    summary="Put a legal hold on something",
    status_code=201,
    responses=declared(404, 413),
)
def put_hold(state: StateDep, caller: CallerDep, wanted: HoldIn) -> HoldOut:
    """On a recording, a camera (or a stretch of its time) or a case, with its searches, their photos and the
    recordings of their matches. Erasure and retention leave it until the hold is lifted.
    """
    given = {
        HoldKind.RECORDING: wanted.recording,
        HoldKind.CAMERA: wanted.camera,
        HoldKind.CASE: wanted.case,
    }
    kinds = [kind for kind, value in given.items() if value is not None]
    if len(kinds) != 1:
        raise InvalidRequest("Name one of recording, camera and case.", "/")
    camera = None if wanted.camera is None else targets.camera_of(state, wanted.camera).id
    hold = state.gallery.holds.put(
        kinds[0],
        reason=wanted.reason,
        video_id=wanted.recording,
        camera_id=camera,
        case_id=wanted.case,
        start=wanted.start,
        end=wanted.end,
        key_id=caller.key_id,
    )
    return showing.hold_out(hold, targets.camera_names(state))


@router.get("", operation_id="listHolds", summary="Legal holds")
def list_holds(
    state: StateDep, lifted: Annotated[bool, Query(description="Also those that were lifted")] = False
) -> HoldList:
    """All on one page."""
    names = targets.camera_names(state)
    return HoldList(items=[showing.hold_out(one, names) for one in state.gallery.holds.list(lifted=lifted)])


@router.post(
    "/{hold_id}/lift",
    operation_id="liftHold",
    summary="Lift a legal hold",
    responses=declared(404, 409, 413),
)
def lift_hold(state: StateDep, caller: CallerDep, hold_id: HoldId, wanted: LiftIn) -> HoldOut:
    """What it was on may be erased again. The hold stays on record, with who lifted it and why."""
    hold = state.gallery.holds.lift(hold_id, reason=wanted.reason, key_id=caller.key_id)
    return showing.hold_out(hold, targets.camera_names(state))
