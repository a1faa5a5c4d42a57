"""Clips cut on demand and kept for a while."""

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from gallery import NotFound
from service.disk import PRIVATE_FILE, private_directory
from service.errors import RecordingUnavailable
from service.footage import Stretch

_IN_USE_SECONDS: Final = 120.0  # a clip used so recently may be on its way out
_PART: Final = ".part.mp4"
_STALE_SECONDS: Final = 3600.0  # an unfinished file this old has lost its writer


@dataclass(frozen=True, slots=True)
class CutClip:
    """A clip to send: its file, and when its first frame was recorded."""

    path: Path
    start: datetime


@dataclass(slots=True)
class _Making:
    """Who makes a clip, or waits for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    wanted: int = 0


class ClipCache:
    """Files under `<directory>/<video id>/`, whole or not there at all.

    Args:
        directory: where they lie; erasing a video removes its folder.
        max_bytes: when more is kept, the clips unused for longest go.
    """

    def __init__(self, directory: Path, max_bytes: int) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._making: dict[Path, _Making] = {}

    def get(self, video_id: str, name: str, make: Callable[[Path], object]) -> Path:
        """Return the file `name` of a video; `make` writes it to the path it is given if it is not there.

        Two requests for one clip make it once: the second waits. If `make` raises, nothing stays behind.
        """
        path = self._directory / video_id / name
        with self._alone(path):
            if path.exists():
                _touch(path)
                return path
            part = path.with_name(f"{secrets.token_hex(8)}{_PART}")
            private_directory(part.parent)
            try:
                make(part)
                part.chmod(PRIVATE_FILE)
                part.replace(path)
            finally:
                part.unlink(missing_ok=True)
        self.trim()
        return path

    @contextmanager
    def _alone(self, path: Path) -> Iterator[None]:
        """Let one at a time make a file; who wants another one does not wait."""
        with self._lock:
            making = self._making.setdefault(path, _Making())
            making.wanted += 1
        try:
            with making.lock:
                yield
        finally:
            with self._lock:
                making.wanted -= 1
                if not making.wanted:
                    del self._making[path]

    @contextmanager
    def scratch(self, video_id: str) -> Iterator[Path]:
        """Give a path for a file that is made from a video and goes at the end, or with the video."""
        path = self._directory / video_id / f"{secrets.token_hex(8)}{_PART}"
        private_directory(path.parent)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def trim(self) -> int:
        """Remove what is over the limit, and what a dead process left unfinished; return how many files."""
        now = time.time()
        kept = []
        removed = 0
        for path in self._directory.glob("*/*.mp4"):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            if path.name.endswith(_PART):
                if now - status.st_mtime > _STALE_SECONDS:
                    path.unlink(missing_ok=True)
                    removed += 1
                continue
            kept.append((status.st_atime, status.st_size, path))
        excess = sum(size for _, size, _ in kept) - self._max_bytes
        for used, size, path in sorted(kept):
            if excess <= 0 or now - used < _IN_USE_SECONDS:
                break
            path.unlink(missing_ok=True)
            removed += 1
            excess -= size
        return removed


def _touch(path: Path) -> None:
    """Note the use in the access time; the time of writing stays, as it is part of the answer's headers."""
    status = path.stat()
    os.utime(path, ns=(time.time_ns(), status.st_mtime_ns))


def remove_if_erased(path: Path, stretch: Stretch, find: Callable[[], Stretch]) -> None:
    """Make sure that what was erased or indexed anew while its clip was cut does not leave the clip behind.

    Args:
        path: the clip.
        stretch: the frames that it shows.
        find: finds the frames that it would show if it were asked for now, or raises why there are none.

    Raises:
        NotFound: a part was erased; or what `find` raises.
    """
    try:
        _require_same(find(), stretch)
    except (NotFound, RecordingUnavailable):
        path.unlink(missing_ok=True)
        with suppress(OSError):
            path.parent.rmdir()
        raise


def _require_same(now: Stretch, before: Stretch) -> None:
    if now != before:
        raise NotFound("a part of the clip was erased just now")
