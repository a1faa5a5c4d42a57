"""When a file may be taken: it has kept its size and time for a while, and nobody has it open for writing."""

import fcntl
import os
import signal
import stat
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gallery import WatchedStamp


@dataclass(slots=True)
class _Seen:
    stamp: WatchedStamp
    first: float  # when the file was first seen, by the monotonic clock
    since: float  # when its stamp was last another one


@dataclass(frozen=True, slots=True)
class Settled:
    """What one look at a folder found.

    Attributes:
        ready: files that may be taken.
        waiting: files that may not yet, with the reason.
        restless: those of them that have not settled for too long.
    """

    ready: Mapping[Path, WatchedStamp]
    waiting: Mapping[Path, str]
    restless: frozenset[Path]


class Settling:
    """Remembers how files looked at the last look.

    Args:
        seconds: for how long a file has to stay as it is; one that was written longer ago is taken at once.
        patience: seconds after which a file that does not settle is named.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        seconds: float,
        patience: float,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds, self._patience = seconds, patience
        self._clock = clock
        self._seen: dict[Path, _Seen] = {}

    def look(self, files: Mapping[Path, WatchedStamp]) -> Settled:
        """Compare files with how they were; those that are gone are forgotten."""
        now = self._clock()
        self._seen = {path: seen for path, seen in self._seen.items() if path in files}
        ready: dict[Path, WatchedStamp] = {}
        waiting: dict[Path, str] = {}
        for path, stamp in files.items():
            seen = self._seen.get(path)
            if seen is None or seen.stamp != stamp:
                seen = _Seen(stamp, seen.first if seen else now, now)
                self._seen[path] = seen
            reason = self._unsettled(path, seen, now)
            if reason is None:
                ready[path] = stamp
            else:
                waiting[path] = reason
        late = (path for path in waiting if now - self._seen[path].first > self._patience)
        return Settled(ready, waiting, frozenset(late))

    def _unsettled(self, path: Path, seen: _Seen, now: float) -> str | None:
        if seen.stamp.size_bytes == 0:
            return "it is empty"
        quiet = max(now - seen.since, time.time() - seen.stamp.mtime_ns / 1e9)
        if quiet < self._seconds:
            return "it was written a moment ago"
        return "somebody has it open for writing" if is_being_written(path) else None


def stamp_of(path: Path) -> WatchedStamp | None:
    """What tells a file and its content from others, without reading it; None for what is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return WatchedStamp(found.st_ino & (2**63 - 1), found.st_size, found.st_mtime_ns)


def is_being_written(path: Path) -> bool:
    """Tell whether a process of this machine has a file open for writing.

    Linux grants a read lease on a file that nobody writes. False also where that cannot be asked: on some
    network file systems, and of files of other users.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # Who opens it for writing while we hold the lease waits, and we get a signal: one that does nothing.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        with suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        os.close(descriptor)
    return False
