"""Video files on disk: the one behind a tracklet, and those named in an index job."""

import hashlib
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Literal

from gallery import (
    CatalogueUnavailable,
    FileStamp,
    Gallery,
    NotFound,
    ObjectState,
    ObjectUnusable,
    VideoInfo,
    is_object,
)
from service.errors import InvalidRequest, RecordingUnavailable
from service.work import checkpoint


class RecordingCheck:
    """Makes sure that a file is still the recording that was indexed.

    Recorders reuse file names, some at a fixed size, and a clip of another day would be shown as evidence. A
    file that is in every respect as it was when it was indexed is the same; any other is hashed, once in each
    state.

    Args:
        gallery: which has the videos.
    """

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._hashes: dict[_FileState, str] = {}
        self._lock = threading.Lock()

    @contextmanager
    def unchanged(self, video: VideoInfo) -> Iterator[Path]:
        """Give a path of the recording, which must be the one that was indexed until the block ends.

        The path leads to the file that was looked at, whatever is put in its place meanwhile, and for as long
        as the block lasts. An object's is that of a copy, which stays for the next who wants it.

        Raises:
            RecordingUnavailable: it is gone or another one.
            ObjectsUnavailable: the object store that it is in cannot be reached.
            Abandoned: nobody waits for it any more.
        """
        if is_object(video.path):
            with self._copied(video) as path:
                yield path
            return
        with _opened(Path(video.path)) as file:
            before = self._verified(file, video)
            # By its path another file, or a link to one, could be read in between.
            yield Path(f"/proc/{os.getpid()}/fd/{file.fileno()}")
            if _state(file, video.path) != before:
                raise RecordingUnavailable("The file of the recording changed while it was read.")

    @contextmanager
    def _copied(self, video: VideoInfo) -> Iterator[Path]:
        try:
            with self._gallery.places.at_hand(
                video.path, video_id=video.id, tick=lambda _done: checkpoint()
            ) as found:
                state = _FileState(video.path, found.size, found.stamp)
                with _opened(found.path) as file:
                    self._require_indexed(file, state, video)
                    yield found.path
        except ObjectUnusable as error:
            raise RecordingUnavailable(f"The recording cannot be played: {error}.") from error
        except FileNotFoundError as error:
            raise RecordingUnavailable("The recording was erased just now.") from error
        finally:
            with suppress(CatalogueUnavailable):
                _forget_if_erased(self._gallery, video.id)

    def _verified(self, file: FileIO, video: VideoInfo) -> "_FileState":
        """The state in which a file is known to be the recording of a video. Raises RecordingUnavailable."""
        state = _state(file, video.path)
        self._require_indexed(file, state, video)
        return state

    def _require_indexed(self, file: FileIO, state: "_FileState", video: VideoInfo) -> None:
        if state.size != video.size_bytes:
            raise RecordingUnavailable(
                "The file of the recording has changed since it was indexed: its size differs."
            )
        if _was_touched(state, video) and self._hash(file, state) != video.content_hash:
            raise RecordingUnavailable("The file of the recording has changed since it was indexed.")

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


def _forget_if_erased(gallery: Gallery, video_id: str) -> None:
    """The copy of an object must not outlive its video, which may have been erased while it was read."""
    try:
        gallery.catalogue.video(video_id)
    except NotFound:
        gallery.places.forget(video_id)


def _was_touched(state: _FileState, video: VideoInfo) -> bool:
    """Return whether the file's attributes differ from those recorded when it was indexed."""
    if video.stamp is not None:
        return state.stamp != video.stamp
    # Indexed before stamps were kept. The inode's time of change is no program's to set.
    return max(state.stamp.mtime_ns, state.stamp.ctime_ns) > video.indexed_at.timestamp() * 1e9


def object_state(gallery: Gallery, url: str, pointer: str) -> tuple[str, ObjectState]:
    """The object that a client named by its URL, and what the store says of it.

    Raises:
        InvalidRequest: there is none, or it is not below what the operator allows: one answer to both, so
            that neither buckets nor keys can be tried out.
        ObjectsUnavailable: the store cannot be reached.
    """
    try:
        allowed = gallery.places.objects.allowed(url)
        return allowed, gallery.places.objects.state(allowed)
    except ObjectUnusable as error:
        raise no_object(url, pointer) from error


def no_object(url: str, pointer: str) -> InvalidRequest:
    """The answer to who names an object that is no recording here."""
    return InvalidRequest(f"There is no recording {url!r} that this server may read."[:300], pointer)


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
