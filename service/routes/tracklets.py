"""Tracklets: details, thumbnails and clips."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse

from service import tracklets
from service.answer_schemas import TrackletOut
from service.auth import CallerDep
from service.problems import binary, declared
from service.routes.files import CLIP, NOT_MODIFIED, clip_response, file_response
from service.state import StateDep

router = APIRouter(prefix="/v1/tracklets", tags=["tracklets"])
TrackletId = Annotated[str, Path(max_length=64, description="The tracklet, as hits name it")]
Change = Annotated[
    int | None,
    Query(
        ge=0,
        description="A change of the gallery, as in the links of hits: 404 if the recording was indexed anew "
        "since, as the id may be another person's then",
    ),
]


@router.get("/{tracklet_id}", operation_id="getTracklet", summary="A tracklet", responses=declared(404))
def get_tracklet(
    state: StateDep, caller: CallerDep, tracklet_id: TrackletId, change: Change = None
) -> TrackletOut:
    """With its clips and the box of every sampled frame."""
    found = tracklets.detail(state, tracklet_id, change)
    state.gallery.audit.record("tracklet.read", key_id=caller.key_id, subject=tracklet_id)
    return found


@router.get(
    "/{tracklet_id}/thumbnail",
    operation_id="getThumbnail",
    summary="Four crops of a tracklet in a strip",
    response_class=FileResponse,
    responses={200: binary("image/jpeg"), **NOT_MODIFIED, **declared(404, 416)},
)
def get_thumbnail(
    state: StateDep, caller: CallerDep, request: Request, tracklet_id: TrackletId, change: Change = None
) -> Response:
    """JPEG, made when the video was indexed."""
    path = tracklets.thumbnail(state, tracklet_id, change)
    answer = file_response(request, path, "image/jpeg")
    state.gallery.audit.record("thumbnail.view", key_id=caller.key_id, subject=tracklet_id)
    return answer


@router.get(
    "/{tracklet_id}/clip",
    operation_id="getClip",
    summary="A clip of a tracklet to watch",
    response_class=FileResponse,
    responses=CLIP,
)
async def get_clip(
    *,
    state: StateDep,
    caller: CallerDep,
    request: Request,
    tracklet_id: TrackletId,
    padding: Annotated[float, Query(ge=0, le=10, description="Seconds before and after, to a tenth")] = 1.0,
    box: Annotated[Literal["drawn", "none"], Query(description="Mark the person, or not")] = "drawn",
    moment: Annotated[
        int | None, Query(ge=0, le=100_000, description="Number of one of its clips; absent, all of it")
    ] = None,
    change: Change = None,
) -> Response:
    """H.264 MP4 without sound, cut from the video when first asked for. Supports ranges.

    The clip begins `padding` seconds before the tracklet, or at the first frame of the video. A clip over the
    server's limit ends there. 410: the video file is gone, or no longer the one that was indexed.
    """
    # Steps bound the number of clips of one tracklet.
    padding_ms = round(padding * 10) * 100
    wanted = tracklets.ClipRequest(padding_ms, drawn=box == "drawn", moment=moment, change=change)
    cut = partial(tracklets.clip, state, caller, tracklet_id, wanted)
    return clip_response(request, await state.clips_lane.run(caller.key_id, request, cut))
