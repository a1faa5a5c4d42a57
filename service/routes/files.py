"""Pictures and clips as answers."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from fastapi import Request, Response
from fastapi.responses import FileResponse
from starlette.types import Receive, Scope, Send

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
    answer = OpenedFile(path, media_type)
    etag = _etag(path.name, answer.status)
    # Browsers must not keep what may be erased here.
    headers = {"ETag": etag, "Cache-Control": "private, no-store", **(extra or {})}
    known = request.headers.get("if-none-match", "").split(",")
    if etag in [tag.strip().removeprefix("W/") for tag in known]:
        return Response(status_code=304, headers=headers)
    answer.headers.update(headers)
    return answer


class OpenedFile(FileResponse):
    """A file as an answer, opened at once: it is sent whole, even if it is removed meanwhile.

    Attributes:
        status: of the open file.

    Raises:
        NotFound: it is gone.
    """

    def __init__(self, path: Path, media_type: str, headers: Mapping[str, str] | None = None) -> None:
        self._descriptor: int | None = None
        try:
            self._descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError as error:
            raise NotFound("no such file any more") from error
        self.status = os.fstat(self._descriptor)
        # Linux opens the file behind a descriptor anew there, also one that has no name any more.
        opened = f"/proc/self/fd/{self._descriptor}"
        super().__init__(opened, media_type=media_type, headers=headers, stat_result=self.status)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, once."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._close()

    def __del__(self) -> None:
        self._close()  # an answer that another one replaces is never sent

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _etag(name: str, status: os.stat_result) -> str:
    """A validator that changes whenever the file is made anew."""
    state = f"{name} {status.st_mtime_ns} {status.st_size}"
    return f'"{hashlib.sha256(state.encode()).hexdigest()[:32]}"'
