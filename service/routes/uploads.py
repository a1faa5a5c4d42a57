"""Uploads: video files sent in chunks."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from service.access.slow_bodies import require_still
from service.auth import CallerDep
from service.problems import declared
from service.record_schemas import UploadIn, UploadOut
from service.state import State, StateDep
from service.upload_notes import Upload

router = APIRouter(prefix="/v1/uploads", tags=["uploads"])
UploadId = Annotated[str, Path(max_length=64, description="The upload")]
_CHUNK = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post(
    "",
    operation_id="createUpload",
    summary="Start an upload",
    status_code=201,
    max_body_size=64 * 1024,
    responses=declared(413, 507),
)
def create_upload(
    state: StateDep, caller: CallerDep, response: Response, about: UploadIn | None = None
) -> UploadOut:
    """Then send the bytes of the video file with PUT, in one or many chunks."""
    about = about or UploadIn()
    upload = state.uploads.create(caller, file_name=about.file_name, size_bytes=about.size_bytes)
    response.headers["Location"] = f"/v1/uploads/{upload.id}"
    return _out(state, upload)


@router.put(
    "/{upload_id}",
    operation_id="appendToUpload",
    summary="Send the next chunk of an upload",
    openapi_extra=_CHUNK,
    responses=declared(404, 409, 413, 507),
)
async def append_to_upload(
    state: StateDep,
    caller: CallerDep,
    request: Request,
    upload_id: UploadId,
    offset: Annotated[int, Query(ge=0, description="Where the chunk begins: the upload's size so far")],
) -> UploadOut:
    """Appends the body to the upload.

    409 means that the upload is not at `offset`; its `size` is where to go on. Bytes that arrived before a
    broken connection count: ask for the size and continue there.
    """
    upload = state.uploads.get(upload_id, caller)
    await state.uploads.append(upload, offset, _chunks(request))
    return _out(state, upload)


@router.get("/{upload_id}", operation_id="getUpload", summary="How far an upload is", responses=declared(404))
def get_upload(state: StateDep, caller: CallerDep, upload_id: UploadId) -> UploadOut:
    """`size` is the offset of the next chunk."""
    return _out(state, state.uploads.get(upload_id, caller))


@router.delete(
    "/{upload_id}",
    operation_id="deleteUpload",
    summary="Delete an upload",
    status_code=204,
    response_class=Response,
    responses=declared(404, 409),
)
def delete_upload(state: StateDep, caller: CallerDep, upload_id: UploadId) -> None:
    """Not possible while a job or a video needs it."""
    state.uploads.delete(state.uploads.get(upload_id, caller))


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes. Raises why the caller may not send it any more."""
    async for chunk in request.stream():
        await require_still(request)
        yield chunk
    await require_still(request)


def _out(state: State, upload: Upload) -> UploadOut:
    return UploadOut(
        id=upload.id,
        size=state.uploads.size(upload),
        file_name=upload.file_name,
        size_bytes=upload.size_bytes,
        max_bytes=state.uploads.max_bytes,
        expires_at=state.uploads.expires_at(upload),
    )
