"""Files that survive a power cut, and a full disk as an answer to the client instead of a failure."""

import contextlib
import errno
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from service.errors import StorageFull

PRIVATE_FILE: Final = 0o600
PRIVATE_DIRECTORY: Final = 0o700
PART: Final = ".part"  # ends the name of a file that is being written
_OF_LATE_SECONDS: Final = 60.0
NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def room_needed() -> Iterator[None]:
    """Raise StorageFull where writing fails for lack of space; other errors pass."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_ROOM:
            raise StorageFull("The disk is full.") from error
        raise


def write_durably(path: Path, content: bytes) -> None:
    """Write a small file that is on the disk whole, or not at all; replaces an older one.

    Only one may write it at a time. A process that dies leaves a file ending in PART behind.
    """
    part = path.with_name(path.name + PART)
    try:
        with open(part, "wb", opener=private_opener) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    sync_directory(path.parent)


def private_opener(path: str, flags: int) -> int:
    """Open a file; a new one is for nobody else: photos and recordings of people are private."""
    return os.open(path, flags, PRIVATE_FILE)


def private_directory(path: Path) -> None:
    """Make a directory that nobody else may enter, unless it is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)


def sync_directory(path: Path) -> None:
    """Wait until the names in a directory are on the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class FullDisk:
    """Remembers for a minute that a write failed on a full disk."""

    def __init__(self) -> None:
        self._met_at = -math.inf

    def note(self) -> None:
        """Record that a write has just failed."""
        self._met_at = time.monotonic()

    def was_met(self) -> bool:
        """Whether a write failed in the last minute."""
        return time.monotonic() - self._met_at < _OF_LATE_SECONDS
