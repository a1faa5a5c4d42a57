"""Files that survive a power cut, and directories that vanish at one instant."""

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PART = ".part"
PRIVATE_FILE = 0o600
_CHUNK = 1024 * 1024
PRIVATE_DIRECTORY = 0o700  # recordings of people, and who was searched for, are nobody else's business


def make_private(directory: Path) -> None:
    """Make a directory with its parents for nobody but us; one that is there keeps its group."""
    try:
        directory.mkdir(parents=True, mode=PRIVATE_DIRECTORY)
    except FileExistsError:
        mode = directory.stat().st_mode
        if mode & 0o007:
            directory.chmod(mode & 0o770)


def sync_file(path: Path) -> None:
    """Keep a file from others, and wait until its content is on the disk."""
    path.chmod(PRIVATE_FILE)
    _sync(path, os.O_RDONLY)


def sync_directory(path: Path) -> None:
    """Wait until the names in a directory are on the disk: what was made, renamed or removed in it."""
    _sync(path, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, content: bytes) -> None:
    """Write a file that is there whole and on the disk, or not at all; replaces an older one.

    Only one may write it at a time. Dying leaves a `.part` file, which the next to write it replaces.
    """
    part = path.with_name(path.name + PART)
    with part.open("wb") as file:
        os.fchmod(file.fileno(), PRIVATE_FILE)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_directory(path.parent)


def is_full(error: BaseException) -> bool:
    """Tell whether an error says that there is no room on the disk."""
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}


def copy_file(source: Path, target: Path) -> str:
    """Copy a file and return its SHA-256; nobody else can read the copy."""
    digest = hashlib.sha256()
    with source.open("rb") as reading:
        target.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_DIRECTORY)
        with target.open("wb") as writing:
            while chunk := reading.read(_CHUNK):
                digest.update(chunk)
                writing.write(chunk)
    sync_file(target)
    return digest.hexdigest()


def move_durably(source: Path, target: Path) -> None:
    """Rename a directory to a name that is free; its files must be on the disk already."""
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)
    sync_directory(target.parent)


def discard_tree(path: Path, staging: Path, release: Callable[[Path], bool] | None = None) -> bool:
    """Remove a directory, whole at one instant for everybody who looks for it; False if it was not there.

    It is renamed into `staging` first, where the next sweep finds it should we die before it is gone.
    `release` lets go of what it stands for elsewhere; where that has to wait, it stays for the sweep.
    """
    staging.mkdir(parents=True, exist_ok=True)
    trash = staging / f"trash-{secrets.token_hex(8)}"
    try:
        path.rename(trash)
    except FileNotFoundError:
        return False
    sync_directory(path.parent)
    if release is None or release(trash):
        remove_tree(trash)
    return True


def remove_tree(path: Path) -> None:
    """Remove a directory that somebody else may be removing too."""
    while path.exists():
        with suppress(FileNotFoundError):  # the other one was faster with some file
            shutil.rmtree(path)


def subdirectories(path: Path) -> list[Path]:
    """List the directories in a directory by name; none if it is not there."""
    with suppress(FileNotFoundError):
        return sorted(entry for entry in path.iterdir() if entry.is_dir())
    return []


def is_of(path: Path, sha256: str | None) -> bool:
    """Tell whether a small file is there and has this SHA-256 (hex)."""
    try:
        return sha256 is not None and hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    except OSError:
        return False
