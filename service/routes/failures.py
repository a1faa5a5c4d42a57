"""Recordings that failed."""

from typing import Annotated

from fastapi import APIRouter, Query

from gallery import NotFound
from service import retrying
from service.auth import CallerDep
from service.cursors import wrong_cursor
from service.missing import no_camera
from service.record_schemas import FailedRecordingList
from service.routes.parameters import Cursor
from service.schemas import Name
from service.state import StateDep

router = APIRouter(prefix="/v1/failed-recordings", tags=["index jobs"])


@router.get("", operation_id="listFailedRecordings", summary="Recordings that failed")
def list_failed_recordings(
    state: StateDep,
    caller: CallerDep,
    camera: Annotated[Name | None, Query(description="Name of a camera")] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=50, description="Recordings on the page")] = 50,
) -> FailedRecordingList:
    """What could not be indexed, whichever job it was in, and was neither filed again nor indexed since.

    Those filed last come first, a page at a time.
    """
    camera_id = None
    if camera is not None:
        try:
            camera_id = state.gallery.catalogue.camera_named(camera).id
        except NotFound as error:
            raise no_camera(state.gallery, camera, "camera") from error
    try:
        found = retrying.failures_out(state, caller, camera_id=camera_id, cursor=cursor, limit=limit + 1)
    except NotFound as error:
        raise wrong_cursor() from error
    page = found[:limit]
    return FailedRecordingList(items=page, next_cursor=page[-1].id if len(found) > limit else None)
