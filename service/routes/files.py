"""Pictures and clips as answers."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from fastapi import Request, Response
from fastapi.responses import FileResponse

from gallery import NotFound
from service.clips import CutClip
from service.problems import binary, declared

NOT_MODIFIED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "Not changed since the ETag given"}
}

_CLIP_START: Final = "Sightline-Clip-Start"
_START: Final[dict[str, Any]] = {
    "headers": {
        _CLIP_START: {
            "description": "When its first frame was recorded, as correct as the video's start",
            "schema": {"type": "string", "format": "date-time"},
        }
    }
}
CLIP: Final[dict[int | str, dict[str, Any]]] = {
    200: binary("video/mp4") | _START,
    206: {"description": "The range asked for"} | binary("video/mp4") | _START,
    **NOT_MODIFIED,
    **declared(404, 410, 416),
}
"""The answers of an operation that sends a clip."""


def clip_response(request: Request, clip: CutClip) -> Response:
    """A clip, or the range of it that was asked for. Raises NotFound: it is gone."""
    start = clip.start.isoformat().replace("+00:00", "Z")
    return file_response(request, clip.path, "video/mp4", {_CLIP_START: start})


def file_response(
    request: Request, path: Path, media_type: str, extra: Mapping[str, str] | None = None
) -> Response:
    """A file, or that it is the one that the caller has. Raises NotFound: it is gone."""
    etag = _etag(path)
    # Browsers must not keep what may be erased here.
    headers = {"ETag": etag, "Cache-Control": "private, no-store", **(extra or {})}
    known = request.headers.get("if-none-match", "").split(",")
    if etag in [tag.strip().removeprefix("W/") for tag in known]:
        return Response(status_code=304, headers=headers)
    return FileResponse(path, media_type=media_type, headers=headers)


def _etag(path: Path) -> str:
    """A validator that changes whenever the file is made anew. Raises NotFound: it is gone."""
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise NotFound("no such file any more") from error
    state = f"{path.name} {status.st_mtime_ns} {status.st_size}"
    return f'"{hashlib.sha256(state.encode()).hexdigest()[:32]}"'
