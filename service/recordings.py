"""Recordings on the disk: those behind a tracklet, and those named in an index job."""

import hashlib
import threading
from pathlib import Path
from typing import Final

from gallery import VideoInfo
from service.errors import InvalidRequest, RecordingUnavailable

_CHUNK: Final = 1024 * 1024


class RecordingCheck:
    """Makes sure that a file is still the recording that was indexed.

    Recorders reuse file names, some at a fixed size, and a clip of another day would be shown as evidence. A
    file untouched since it was indexed is the same; one written to since is hashed, once in each state.
    """

    def __init__(self) -> None:
        self._hashes: dict[tuple[str, int, int, int], str] = {}
        self._lock = threading.Lock()

    def path_of(self, video: VideoInfo) -> Path:
        """Where the recording lies. Raises RecordingUnavailable: it is gone or another one."""
        path = Path(video.path)
        try:
            status = path.stat()
            if path.is_dir():
                raise RecordingUnavailable("The video was imported as pictures; there is nothing to play.")
            if not path.is_file():
                raise RecordingUnavailable("The recording is no longer where it was indexed.")
            if status.st_size != video.size_bytes:
                raise RecordingUnavailable(
                    "The recording has changed since it was indexed: its size is another."
                )
            if status.st_mtime > video.indexed_at.timestamp():
                state = (str(path), status.st_ino, status.st_mtime_ns, status.st_size)
                if self._hash(path, state) != video.content_hash:
                    raise RecordingUnavailable("The recording has changed since it was indexed.")
        except OSError as error:
            raise RecordingUnavailable("The recording is no longer where it was indexed.") from error
        return path

    def _hash(self, path: Path, state: tuple[str, int, int, int]) -> str:
        with self._lock:
            known = self._hashes.get(state)
        if known is not None:
            return known
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
        with self._lock:
            self._hashes[state] = digest.hexdigest()
        return digest.hexdigest()


def media_path(media_dir: Path | None, path: str, pointer: str) -> Path:
    """The recording that a client named by a path relative to the media folder.

    Links are followed before it is judged where the file lies, so neither `..` nor a link leads out.

    Raises:
        InvalidRequest: there is no media folder, no such file in it, or the path leads out of it. A file
            outside and a file that does not exist give the same answer, so that paths cannot be tried out.
    """
    if media_dir is None:
        raise InvalidRequest("This server has no media folder; upload the recording instead.", pointer)
    if "\0" in path or Path(path).is_absolute():
        raise InvalidRequest("The path must be relative to the media folder.", pointer)
    missing = InvalidRequest(f"There is no file {path!r} in the media folder.", pointer)
    try:
        root = media_dir.resolve(strict=True)
        found = (root / path).resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise missing from error
    if not found.is_relative_to(root) or not found.is_file():
        raise missing
    return found
