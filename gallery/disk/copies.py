"""Copies of objects on this machine's disk, made once for all who read them at the same time."""

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from gallery.disk.files import PRIVATE_FILE, make_private
from gallery.disk.objects import Objects, ObjectState

COPY: Final = ".copy"
_WHOLE: Final = 0o400  # the mode of a copy that is complete and on the disk
_LOOK_SECONDS: Final = 0.2

Tick = Callable[[float], None]


@contextmanager
def copied(
    objects: Objects, url: str, state: ObjectState, directory: Path, *, keep: bool, tick: Tick
) -> Iterator[Path]:
    """Give a path of a copy of an object, for as long as the block lasts.

    Who wants one that somebody else is making waits for that. A lock on the file shows that it is read or
    written; what processes left behind that died has none, and goes when the next copy is made.

    Args:
        objects: the store.
        url: of the object.
        state: what the store has said of it; an object that is another one by now is not copied.
        directory: for copies; made if need be.
        keep: leave the copy when nobody reads it any more, else the last to read it removes it.
        tick: told how much is done, several times a second, and may raise.

    Raises:
        ObjectUnusable, ObjectsUnavailable: see Objects.
        OSError: the disk does not take it.
    """
    make_private(directory)
    if not keep:
        remove_unused(directory)
    name = hashlib.sha256(f"{url}\n{state.tag}\n{state.size}".encode()).hexdigest()[:32]
    path = directory / f"{name}{COPY}"
    descriptor = _whole(objects, url, state, path, tick)
    try:
        if keep:  # what was used last goes last; the time of writing stays, as readers compare it
            os.utime(descriptor, ns=(time.time_ns(), os.fstat(descriptor).st_mtime_ns))
        yield path
    finally:
        if not keep and _locked(descriptor, fcntl.LOCK_EX):
            path.unlink(missing_ok=True)
        os.close(descriptor)


def remove_unused(directory: Path, most_bytes: int = 0, pattern: str = f"*{COPY}") -> None:
    """Remove copies that nobody reads or writes, those unused for longest first, until the rest are few."""
    found = []
    for path in directory.glob(pattern):
        with suppress(FileNotFoundError):
            status = path.stat()
            found.append((status.st_atime, status.st_size, path))
    excess = sum(size for _, size, _ in found) - most_bytes
    for _, size, path in sorted(found):
        if most_bytes and excess <= 0:
            return
        with suppress(FileNotFoundError):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                if _locked(descriptor, fcntl.LOCK_EX):
                    path.unlink(missing_ok=True)
                    excess -= size
            finally:
                os.close(descriptor)


def _whole(objects: Objects, url: str, state: ObjectState, path: Path, tick: Tick) -> int:
    """A descriptor of the whole copy, under a lock shared with others who read it."""
    while True:
        descriptor = os.open(path, os.O_RDONLY | os.O_CREAT, PRIVATE_FILE)
        try:
            while not _locked(descriptor, fcntl.LOCK_SH):
                tick(0.0)
                time.sleep(_LOOK_SECONDS)
            if _is_whole(descriptor):
                return descriptor
            # Of several who find a file that nobody writes one does; the others look again.
            if os.fstat(descriptor).st_nlink and _locked(descriptor, fcntl.LOCK_EX):
                if not _is_whole(descriptor) and os.fstat(descriptor).st_nlink:
                    _write(objects, url, state, path, tick)
                fcntl.flock(descriptor, fcntl.LOCK_SH)
                if _is_whole(descriptor):
                    return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        tick(0.0)
        time.sleep(_LOOK_SECONDS)


def _write(objects: Objects, url: str, state: ObjectState, path: Path, tick: Tick) -> None:
    done = 0
    try:
        with path.open("wb") as file:
            for piece in objects.pieces(url, state, [(0, state.size)]):
                file.write(piece)
                done += len(piece)
                tick(done / state.size)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), _WHOLE)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _is_whole(descriptor: int) -> bool:
    status = os.fstat(descriptor)
    return bool(status.st_nlink) and status.st_mode & 0o777 == _WHOLE


def _locked(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
