"""Indexed videos: list, correct, erase."""

from dataclasses import asdict
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse

from gallery import NotFound, VideoChanges, VideoInfo
from service import stretches
from service.auth import CallerDep
from service.cursors import wrong_cursor
from service.errors import InvalidRequest
from service.missing import no_camera
from service.problems import declared
from service.record_schemas import VideoList, VideoOut, VideoPatch
from service.routes.files import CLIP, clip_response
from service.routes.parameters import Cursor
from service.schemas import Name
from service.state import StateDep

router = APIRouter(prefix="/v1/videos", tags=["videos"])
VideoId = Annotated[str, Path(max_length=64, description="The video")]


@router.get("", operation_id="listVideos", summary="Indexed videos")
def list_videos(
    state: StateDep,
    camera: Annotated[Name | None, Query(description="Name of a camera")] = None,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Videos on the page")] = 100,
) -> VideoList:
    """A page at a time."""
    catalogue = state.gallery.catalogue
    names = {info.id: info.name for info in catalogue.cameras()}
    camera_id = None
    if camera is not None:
        camera_id = next((id_ for id_, name in names.items() if name == camera), None)
        if camera_id is None:
            raise InvalidRequest(f"There is no camera {camera!r}.", "camera")
    try:
        found = catalogue.videos(camera_id=camera_id, after=cursor, limit=limit + 1)
    except NotFound as error:
        raise wrong_cursor() from error
    page = found[:limit]
    return VideoList(
        items=[_out(video, names) for video in page],
        next_cursor=page[-1].id if len(found) > limit else None,
    )


@router.get("/{video_id}", operation_id="getVideo", summary="An indexed video", responses=declared(404))
def get_video(state: StateDep, video_id: VideoId) -> VideoOut:
    """With the report of its indexing."""
    video = state.gallery.catalogue.video(video_id)
    return _out(video, {video.camera_id: state.gallery.catalogue.camera(video.camera_id).name})


@router.get(
    "/{video_id}/clip",
    operation_id="getVideoClip",
    summary="A stretch of a video to watch",
    response_class=FileResponse,
    responses=CLIP,
)
async def get_video_clip(
    *,
    state: StateDep,
    caller: CallerDep,
    request: Request,
    video_id: VideoId,
    offset: Annotated[int, Query(ge=0, le=10_000_000, description="Seconds since its first frame")] = 0,
    seconds: Annotated[int, Query(ge=1, le=120, description="How long")] = 30,
    tracklet: Annotated[
        str | None, Query(max_length=64, description="A tracklet of the video, to draw its box")
    ] = None,
) -> Response:
    """H.264 MP4 without sound, cut from the video when first asked for. Supports ranges.

    It shows everybody who was recorded. It ends at the server's limit, and where something was erased.
    410: the video file is gone, is no longer the one that was indexed, or was erased there.
    """
    wanted = stretches.StretchRequest(offset, seconds, tracklet)
    cut = partial(stretches.clip, state, caller, video_id, wanted)
    return clip_response(request, await state.clips_lane.run(caller.key_id, request, cut))


@router.patch(
    "/{video_id}",
    operation_id="correctVideo",
    summary="Correct what was recorded of a video",
    responses=declared(404, 409, 413),
)
def correct_video(state: StateDep, caller: CallerDep, video_id: VideoId, wanted: VideoPatch) -> VideoOut:
    """Changes its camera, start time or name without embedding it again."""
    cameras = {camera.name: camera.id for camera in state.gallery.catalogue.cameras()}
    changes: VideoChanges = {}
    if wanted.camera is not None:
        if wanted.camera not in cameras:
            raise no_camera(state.gallery, wanted.camera, "/camera")
        changes["camera_id"] = cameras[wanted.camera]
    if wanted.start is not None:
        changes["start_time"] = wanted.start
    if wanted.file_name is not None:
        changes["file_name"] = wanted.file_name
    video = state.gallery.correct_video(video_id, key_id=caller.key_id, **changes)
    return _out(video, {id_: name for name, id_ in cameras.items()})


@router.delete(
    "/{video_id}",
    operation_id="eraseVideo",
    summary="Erase a video from the gallery",
    status_code=204,
    response_class=Response,
    responses=declared(404, 409),
)
def erase_video(state: StateDep, caller: CallerDep, video_id: VideoId) -> None:
    """Removes its tracklets, vectors, thumbnails and clips, and the file if it was uploaded.

    A file under the media folder stays where it is. Once this answers, no search finds the video. Marks on
    its tracklets go with it: the searches they were made on say how many. `GET /v1/erasures` has the
    certificate. 409: a legal hold keeps it.
    """
    state.gallery.erase_video(video_id, key_id=caller.key_id)


def _out(video: VideoInfo, names: dict[int, str]) -> VideoOut:
    return VideoOut(
        id=video.id,
        camera=names.get(video.camera_id, "?"),
        file_name=video.file_name,
        start=video.start_time,
        end=video.end_time,
        seconds=video.duration_us / 1e6,
        width=video.width,
        height=video.height,
        size_bytes=video.size_bytes,
        content_hash=video.content_hash,
        frames_decoded=video.frames_decoded,
        frames_bad=video.frames_bad,
        tracklets=video.tracklet_count,
        indexed_at=video.indexed_at,
        report=asdict(video.report),
    )
