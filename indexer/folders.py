"""Find the recordings in a folder: which files, in which order, and which are passed over."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path
from typing import Final

from gallery import RECORDING_SUFFIXES

# What operating systems, archivers and storage boxes leave behind. Nobody means these, so nobody is told.
SYSTEM: Final = (
    ".*",
    "__macosx",
    "@eadir",
    "#recycle",
    "$recycle.bin",
    "recycler",
    "system volume information",
    "lost+found",
    "thumbs.db",
    "desktop.ini",
)


@dataclass(slots=True)
class Found:
    """Recordings in the order in which they follow each other, and what was passed over, with the reason."""

    recordings: list[Path] = field(default_factory=list)
    passed_over: list[tuple[Path, str]] = field(default_factory=list)
    reordered: bool = False


def find_recordings(paths: Sequence[Path]) -> Found:
    """Find the recordings among files and folders; a file that comes twice is taken once.

    Folders are read in natural order ("part2" before "part10"). Files keep the order they are named in,
    unless that is alphabetical, as a shell's `*` makes it: then they are put into natural order as well.

    Raises:
        OSError: a path does not exist.
    """
    found = Found()
    for path in paths:
        if path.is_dir():
            inside = list(visible_files(path, found.passed_over))
            found.recordings += [file for file in inside if file.suffix.lower() in RECORDING_SUFFIXES]
            found.passed_over += [
                (file, "not called like a recording")
                for file in inside
                if file.suffix.lower() not in RECORDING_SUFFIXES
            ]
        else:
            path.stat()
            found.recordings.append(path)
    found.recordings = list(dict.fromkeys(found.recordings))
    files = all(not path.is_dir() for path in paths)
    if files and found.recordings == sorted(found.recordings):
        ordered = sorted(found.recordings, key=natural)
        found.reordered = ordered != found.recordings
        found.recordings = ordered
    return found


def visible_files(root: Path, passed_over: list[tuple[Path, str]] | None = None) -> Iterator[Path]:
    """Files below a folder in natural order, without hidden ones and what systems leave behind.

    Linked folders are not entered, as they may lead in circles; they and folders that cannot be read are
    added to `passed_over`.
    """
    notes = passed_over if passed_over is not None else []

    def unreadable(error: OSError) -> None:
        notes.append((Path(error.filename), f"cannot be read: {error.strerror}"))

    for folder, folders, files in os.walk(root, onerror=unreadable):
        folders[:] = sorted((name for name in folders if not is_system(name)), key=_natural_name)
        notes += [(Path(folder, name), "a linked folder") for name in folders if _is_link(folder, name)]
        for name in sorted((name for name in files if not is_system(name)), key=_natural_name):
            path = Path(folder, name)
            if path.is_file():
                yield path
            else:
                notes.append((path, "a link to nothing" if path.is_symlink() else "not a file"))


def is_system(name: str) -> bool:
    """Return whether a file or folder of this name is hidden or belongs to an operating system."""
    return any(fnmatchcase(name.lower(), pattern) for pattern in SYSTEM)


def natural(path: Path) -> tuple[tuple[object, ...], ...]:
    """Sort key by which "part2" comes before "part10", folder by folder."""
    return tuple(_natural_name(part) for part in path.parts)


def _natural_name(name: str) -> tuple[object, ...]:
    pieces = re.split("([0-9]+)", name.casefold())  # text and digits take turns, so types never meet
    values = ((text, int(digits)) for text, digits in zip(pieces[::2], [*pieces[1::2], "0"], strict=True))
    return (*chain.from_iterable(values), name)


def _is_link(folder: str, name: str) -> bool:
    return Path(folder, name).is_symlink()
