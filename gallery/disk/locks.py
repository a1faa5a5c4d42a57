"""Locks that show which processes are alive: the kernel releases them, however a process dies."""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gallery.disk.files import PRIVATE_DIRECTORY, PRIVATE_FILE, remove_tree, subdirectories

_SUFFIX = ".lock"


@contextmanager
def video_lock(data_dir: Path, video_id: str) -> Iterator[None]:
    """Exclude everybody else who publishes, erases or sweeps the files of a video.

    Videos share 256 lock files, which are never removed. Who holds one and wants another takes them in the
    order of their names, as an erasure of many videos does: nobody waits in a circle.
    """
    directory = data_dir / "locks"
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory / lock_name(video_id), os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def only_one(data_dir: Path, what: str) -> Iterator[bool]:
    """Do what one process at a time is enough for: False where another is at it. Waits for nobody."""
    directory = data_dir / "locks"
    directory.mkdir(parents=True, exist_ok=True)
    with lock_at_once(directory / (what + _SUFFIX)) as mine:
        yield mine


@contextmanager
def lock_at_once(file: Path) -> Iterator[bool]:
    """Lock a file, which is made and stays; False if another process holds the lock. Waits for nobody."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def lock_name(video_id: str) -> str:
    """Name the lock file of a video, which it shares with others."""
    return f"video-{video_id[:2]}{_SUFFIX}"


class Staging:
    """A directory to write in, under a lock that tells the sweep of others that we live.

    The lock file is made before the directory and removed after it: a directory without one belongs to
    nobody. `id` is also the id of the segment that comes out of it, so that a segment whose transaction has
    not committed yet can be told from an orphan.
    """

    def __init__(self, data_dir: Path) -> None:
        self.id = secrets.token_hex(16)
        root = staging_root(data_dir)
        root.mkdir(parents=True, exist_ok=True)
        self.directory = root / self.id
        self._lock_file = root / (self.id + _SUFFIX)
        self._descriptor: int | None = _lock_new(self._lock_file)
        self.directory.mkdir(mode=PRIVATE_DIRECTORY)

    def release(self, *, keep: bool = False) -> None:
        """Remove the directory and the lock; with `keep` leave both to the sweep. Again does nothing."""
        if self._descriptor is None:
            return
        try:
            if not keep:
                remove_tree(self.directory)
                self._lock_file.unlink(missing_ok=True)
        finally:
            os.close(self._descriptor)
            self._descriptor = None


def staging_root(data_dir: Path) -> Path:
    """Return the folder where files are written before they get their final names."""
    return data_dir / "staging"


def is_live(data_dir: Path, staging_id: str) -> bool:
    """Tell whether the process that writes under this id is alive."""
    descriptor = _lock_of_the_dead(staging_root(data_dir) / (staging_id + _SUFFIX))
    if descriptor is None:
        return (staging_root(data_dir) / (staging_id + _SUFFIX)).exists()
    os.close(descriptor)
    return False


def dead_staging(data_dir: Path) -> list[Path]:
    """List the directories in staging whose processes have died."""
    entries = subdirectories(staging_root(data_dir))
    return [entry for entry in entries if not is_live(data_dir, entry.name)]


def sweep_staging(data_dir: Path, release: Callable[[Path], bool] = lambda _directory: True) -> int:
    """Remove what dead processes left in staging; returns how many directories that were.

    `release` lets go of what a directory stands for elsewhere; where it cannot, the directory stays.
    """
    root = staging_root(data_dir)
    if not root.is_dir():
        return 0
    directories = [entry for entry in sorted(root.iterdir()) if entry.is_dir()]
    for lock_file in sorted(root.glob("*" + _SUFFIX)):
        descriptor = _lock_of_the_dead(lock_file)
        if descriptor is not None:
            if release(lock_file.with_suffix("")):
                remove_tree(lock_file.with_suffix(""))
                lock_file.unlink(missing_ok=True)
            os.close(descriptor)
    # A directory listed before the locks were looked at, and without one now, has lost its owner.
    orphans = [entry for entry in directories if not entry.with_name(entry.name + _SUFFIX).exists()]
    orphans = [entry for entry in orphans if release(entry)]
    for entry in orphans:
        remove_tree(entry)
    return len(orphans)


def _lock_new(path: Path) -> int:
    """Make and lock a lock file; a sweep may remove it before the lock is ours, then again."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)


def _lock_of_the_dead(path: Path) -> int | None:
    """Lock a lock file that nobody holds; None when somebody does, or when there is none."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
