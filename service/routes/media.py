"""The server's media folder."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from service import media_folder
from service.auth import CallerDep
from service.media_start import media_start
from service.record_schemas import MediaFolder, MediaStart
from service.state import StateDep

router = APIRouter(prefix="/v1/media", tags=["index jobs"])


@router.get("", operation_id="listMedia", summary="Recordings in the server's media folder")
def list_media(
    state: StateDep,
    caller: CallerDep,
    folder: Annotated[
        str, Query(max_length=1000, description="Relative to the media folder; empty: that itself")
    ] = "",
) -> MediaFolder:
    """A folder at a time, to name files of it in an index job. Nothing outside the media folder is told.

    422: there is no such folder in it, or the server has no media folder.
    """
    found = media_folder.listing(state.settings.media_dir, folder)
    state.gallery.audit.record("media.list", key_id=caller.key_id, detail={"folder": found.folder})
    return found


@router.get("/start", operation_id="getMediaStart", summary="When a file of the media folder began")
async def get_media_start(
    state: StateDep,
    caller: CallerDep,
    request: Request,
    path: Annotated[str, Query(min_length=1, max_length=1100, description="As an index job names it")],
) -> MediaStart:
    """As its metadata say, in UTC; that is often wrong, so nothing is filed by it unasked.

    422: there is no such file in the media folder or object that may be read, or the server has none.
    """

    def look() -> MediaStart:
        state.gallery.audit.record("media.start", key_id=caller.key_id, detail={"path": path})
        return media_start(state.gallery, state.settings, path)

    return await state.clips_lane.run(caller.key_id, request, look)
