"""Video files on disk: the one behind a tracklet, and those named in an index job."""

import hashlib
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Literal

from gallery import FileStamp, VideoInfo
from service.errors import InvalidRequest, RecordingUnavailable


class RecordingCheck:
    """Makes sure that a file is still the recording that was indexed.

    Recorders reuse file names, some at a fixed size, and a clip of another day would be shown as evidence. A
    file that is in every respect as it was when it was indexed is the same; any other is hashed, once in each
    state.
    """

    def __init__(self) -> None:
        self._hashes: dict[_FileState, str] = {}
        self._lock = threading.Lock()

    @contextmanager
    def unchanged(self, video: VideoInfo) -> Iterator[Path]:
        """Give a path of the recording, which must be the one that was indexed until the block ends.

        The path leads to the file that was looked at, whatever is put in its place meanwhile, and for as long
        as the block lasts.

        Raises:
            RecordingUnavailable: it is gone or another one.
        """
        with _opened(Path(video.path)) as file:
            before = self._verified(file, video)
            # By its path another file, or a link to one, could be read in between.
            yield Path(f"/proc/{os.getpid()}/fd/{file.fileno()}")
            if _state(file, video.path) != before:
                raise RecordingUnavailable("The file of the recording changed while it was read.")

    def _verified(self, file: FileIO, video: VideoInfo) -> "_FileState":
        """The state in which a file is known to be the recording of a video. Raises RecordingUnavailable."""
        state = _state(file, video.path)
        if state.size != video.size_bytes:
            raise RecordingUnavailable(
                "The file of the recording has changed since it was indexed: its size differs."
            )
        if _was_touched(state, video) and self._hash(file, state) != video.content_hash:
            raise RecordingUnavailable("The file of the recording has changed since it was indexed.")
        return state

    def _hash(self, file: FileIO, state: "_FileState") -> str:
        with self._lock:
            known = self._hashes.get(state)
        if known is not None:
            return known
        try:
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise RecordingUnavailable("The file of the recording cannot be read.") from error
        with self._lock:
            self._hashes[state] = digest
        return digest


@dataclass(frozen=True, slots=True)
class _FileState:
    """The attributes that tell one state of a file from another."""

    path: str
    size: int
    stamp: FileStamp


@contextmanager
def _opened(path: Path) -> Iterator[FileIO]:
    """A recording's file, open. Raises RecordingUnavailable: there is none."""
    try:
        file = open(path, "rb", buffering=0, opener=_opener)  # noqa: SIM115  (closed below)
    except IsADirectoryError as error:
        raise RecordingUnavailable("The recording was imported as pictures and cannot be played.") from error
    except OSError as error:
        raise RecordingUnavailable("The file of the recording is no longer where it was indexed.") from error
    with file:
        yield file


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # nobody writes to a pipe that was put there


def _state(file: FileIO, path: str) -> _FileState:
    """The state of a recording's file. Raises RecordingUnavailable: it is no file."""
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise RecordingUnavailable("The file of the recording is no longer where it was indexed.")
    return _FileState(path, status.st_size, FileStamp.of(status))


def _was_touched(state: _FileState, video: VideoInfo) -> bool:
    """Return whether the file's attributes differ from those recorded when it was indexed."""
    if video.stamp is not None:
        return state.stamp != video.stamp
    # Indexed before stamps were kept. The inode's time of change is no program's to set.
    return max(state.stamp.mtime_ns, state.stamp.ctime_ns) > video.indexed_at.timestamp() * 1e9


def media_path(
    media_dir: Path | None, path: str, pointer: str, *, wanted: Literal["file", "folder"] = "file"
) -> Path:
    """The recording, or folder, that a client named by a path relative to the media folder.

    Links are followed before it is judged where the file lies, so neither `..` nor a link leads out.

    Raises:
        InvalidRequest: there is no media folder, no such file in it, or the path leads out of it. A file
            outside and a file that does not exist give the same answer, so that paths cannot be tried out.
    """
    if media_dir is None:
        raise InvalidRequest("This server has no media folder; upload the file instead.", pointer)
    if "\0" in path or Path(path).is_absolute():
        raise InvalidRequest("The path must be relative to the media folder.", pointer)
    missing = InvalidRequest(f"There is no {wanted} {path!r} in the media folder."[:300], pointer)
    try:
        root = media_dir.resolve(strict=True)
        found = (root / path).resolve(strict=True)
    except (OSError, RuntimeError, UnicodeError) as error:
        raise missing from error
    if not found.is_relative_to(root) or not (found.is_file() if wanted == "file" else found.is_dir()):
        raise missing
    return found
