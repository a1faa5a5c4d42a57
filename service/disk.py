"""Files that survive a power cut, and what a disk that takes no more is to clients."""

import errno
import math
import os
import time
from pathlib import Path
from typing import Final

from service.errors import StorageFull, StorageUnavailable

PRIVATE_FILE: Final = 0o600
PRIVATE_DIRECTORY: Final = 0o700
PART: Final = ".part"  # ends the name of a file that is being written
_OF_LATE_SECONDS: Final = 60.0
_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_REFUSED: Final = frozenset(
    {errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ENXIO, errno.ENODEV, errno.ESTALE}
)


def refusal(error: BaseException | None) -> StorageFull | StorageUnavailable | None:
    """What an error of the disk is to a client, without the path; None: it is not the disk's fault."""
    if not isinstance(error, OSError) or error.errno is None:
        return None
    if error.errno in _NO_ROOM:
        return StorageFull("The disk is full.")
    if error.errno in _REFUSED:
        return StorageUnavailable(f"The server cannot use its disk now: {os.strerror(error.errno)}.")
    return None


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
