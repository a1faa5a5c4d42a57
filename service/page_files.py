"""The files of the page: kept in memory, so that many asked for at once wait for no thread or disk."""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

_TYPES: Final = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
_NOT_MODIFIED: Final = 304


@dataclass(frozen=True, slots=True)
class _File:
    """A file as it was read: `version` tells whether it has changed since, `tag` is its entity tag."""

    version: tuple[int, int]
    tag: str
    plain: bytes
    packed: bytes


class PageFiles:
    """ASGI application: the files of a folder by their paths in it, and nothing that is not listed there.

    A file that changes on disk is read anew, so that the page can be edited while it is served.

    Args:
        folder: where the files are. What is put there later is found after a restart.
    """

    def __init__(self, folder: Path) -> None:
        self._paths = {
            path.relative_to(folder).as_posix(): path
            for path in sorted(folder.rglob("*"))
            if path.suffix in _TYPES and path.is_file()
        }
        self._kept: dict[str, _File] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; HEAD is made of GET by the middleware.

        Raises:
            HTTPException: another method, or no such file.
        """
        if scope["method"] != "GET":
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        name = scope["path"].removeprefix(scope.get("root_path", "")).lstrip("/")
        await self.answer(name, Headers(scope=scope))(scope, receive, send)

    def answer(self, name: str, asked: Headers) -> Response:
        """The file of that path in the folder, or that the browser has it already.

        Raises:
            HTTPException: there is none.
        """
        file = self._read(name)
        headers = {"ETag": file.tag, "Vary": "Accept-Encoding"}
        if file.tag in {tag.strip() for tag in asked.get("if-none-match", "").split(",")}:
            return Response(status_code=_NOT_MODIFIED, headers=headers)
        packed = _takes_gzip(asked)
        if packed:
            headers["Content-Encoding"] = "gzip"
        media_type = _TYPES[self._paths[name].suffix]
        return Response(file.packed if packed else file.plain, headers=headers, media_type=media_type)

    def _read(self, name: str) -> _File:
        try:
            path = self._paths[name]
            about = path.stat()
            version = (about.st_mtime_ns, about.st_size)
            if (kept := self._kept.get(name)) is None or kept.version != version:
                plain = path.read_bytes()
                tag = f'W/"{hashlib.sha256(plain).hexdigest()[:32]}"'  # of both forms, hence weak
                kept = self._kept[name] = _File(version, tag, plain, gzip.compress(plain, mtime=0))
        except (KeyError, FileNotFoundError):
            raise HTTPException(404) from None
        return kept


def _takes_gzip(asked: Headers) -> bool:
    """Whether gzip is among the encodings that are asked for, and not refused by a weight of 0."""
    for one in asked.get("accept-encoding", "").split(","):
        coding, _, weight = one.partition(";")
        if coding.strip().lower() == "gzip":
            return weight.replace(" ", "").rstrip("0").rstrip(".") not in {"q=", "q=0"}
    return False
