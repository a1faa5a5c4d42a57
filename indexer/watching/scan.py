"""Looks through a watched folder: which files may be recordings of it, and which are passed over, and why."""

from dataclasses import dataclass, field
from pathlib import Path

from gallery import RECORDING_SUFFIXES, WatchedStamp
from indexer.folders import visible_files
from indexer.names import cannot_be_recorded
from indexer.watching.settling import stamp_of


@dataclass(slots=True)
class Scan:
    """Recordings with their stamps, in natural order, and what was passed over, with the reason."""

    files: dict[Path, WatchedStamp] = field(default_factory=dict)
    passed_over: list[tuple[Path, str]] = field(default_factory=list)


def scan(root: Path) -> Scan:
    """Look through a folder and those below it; costs one question to the file system for each file.

    Hidden files, which is what rsync and most downloads write before they rename, and those of other kinds
    are passed over. Linked folders are not entered; a linked file counts if it lies in the folder as well.

    Args:
        root: of the folder, without links.

    Raises:
        OSError: the folder itself cannot be read.
    """
    next(root.iterdir(), None)  # `visible_files` only notes what it cannot read
    found = Scan()
    for path in visible_files(root, found.passed_over):
        if path.suffix.lower() not in RECORDING_SUFFIXES:
            found.passed_over.append((path, "not called like a recording"))
        elif path.is_symlink() and not path.resolve().is_relative_to(root):
            found.passed_over.append((path, "a link out of the folder"))
        elif (reason := cannot_be_recorded(path)) is not None:
            found.passed_over.append((path, reason))
        elif (stamp := stamp_of(path)) is not None:
            found.files[path] = stamp
    return found
