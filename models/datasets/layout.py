"""A data set's folder: what is looked for in it, and what is said when it is not as published.

Only names are read here; what is in a crop shows when it is used. Nothing is passed over in silence except
the files that file managers leave behind. Everything is in the order of its name, whatever the file system.
"""

import os
import re
from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.datasets.records import Tracklet
from models.errors import BadDataset

# What file managers, archivers and network drives leave beside a data set.
CLUTTER: Final = re.compile(r"\..*|__MACOSX|(eh)?Thumbs\.db|desktop\.ini|@eaDir", re.IGNORECASE)
IMAGES: Final = frozenset({".bmp", ".jpeg", ".jpg", ".png"})


@dataclass(frozen=True, slots=True)
class Layout:
    """The folder of a data set and its expected layout.

    Args:
        name: the data set's.
        root: its folder.
        tree: the layout as published, drawn for error messages.
    """

    name: str
    root: Path
    tree: str

    def error(self, reason: str) -> BadDataset:
        """Return the error to raise: the reason, and the layout that is expected."""
        message = f"{self.name} in {self.root}: {reason}; it must look like this\n{self.tree.strip()}"
        # A file name may be any bytes; what is no text could not be printed.
        return BadDataset(message.encode("utf-8", "backslashreplace").decode("utf-8"))

    def folder(self, name: str) -> Path:
        """A folder below the root, whatever the case of its name. Raises BadDataset unless it is there."""
        path = self._find(name)
        if path is None or not os.path.isdir(path):
            raise self.error(f"there is no folder {name}")
        return path

    def file(self, name: str) -> Path:
        """A file below the root, whatever the case of its name. Raises BadDataset unless it is there."""
        path = self._find(name)
        if path is None or not os.path.isfile(path):
            raise self.error(f"there is no file {name}")
        return path

    def has(self, name: str) -> bool:
        """Whether there is a folder or file of this name below the root."""
        return self._find(name) is not None

    def _find(self, name: str) -> Path | None:
        """A path below the root; of names that differ in case alone, the one written as published."""
        path = self.root / name
        if os.path.lexists(path):
            return path
        path = self.root
        for part in Path(name).parts:
            try:
                alike = [entry for entry in os.listdir(path) if entry.casefold() == part.casefold()]
            except OSError:
                return None
            if not alike:
                return None
            path /= part if part in alike else min(alike)
        return path

    def entries(self, parent: Path) -> list["os.DirEntry[str]"]:
        """All that is in a folder, except clutter, in order of the names. Raises BadDataset."""
        try:
            with os.scandir(parent) as entries:
                kept = [entry for entry in entries if not CLUTTER.fullmatch(entry.name)]
        except OSError as error:
            raise self.error(f"{parent} cannot be listed ({error.strerror})") from error
        return sorted(kept, key=lambda entry: entry.name)

    def folders(self, parent: Path, *, some: bool = True) -> list[Path]:
        """All folders in a folder. Raises BadDataset for anything else, and for `some` if there is none."""
        found = self.entries(parent)
        for entry in found:
            if not entry.is_dir(follow_symlinks=False) and not os.path.isdir(entry):
                raise self.error(f"{entry.path} is not a folder")
        return self._some(found, parent, "folders") if some or found else []

    def crops(self, parent: Path, *, some: bool = True) -> list[Path]:
        """All crops in a folder. Raises BadDataset for anything else, and for `some` if there is none."""
        found = self.entries(parent)
        for entry in found:
            if Path(entry.name).suffix.lower() not in IMAGES:
                raise self.error(f"{entry.path} is not an image (by its name)")
            if not entry.is_file(follow_symlinks=False) and not os.path.isfile(entry):
                raise self.error(f"{entry.path} is not a file, or a link to nothing")
        return self._some(found, parent, "crops") if some or found else []

    def match(self, pattern: re.Pattern[str], path: Path, example: str) -> re.Match[str]:
        """Take a crop's name apart. Raises BadDataset if it is not in the scheme."""
        found = pattern.fullmatch(path.stem)
        if found is None:
            raise self.error(f"{path} is not a name like {example}")
        return found

    def _some(self, found: list["os.DirEntry[str]"], parent: Path, kind: str) -> list[Path]:
        if not found:
            raise self.error(f"{parent} has no {kind}")
        return [parent / entry.name for entry in found]


@dataclass(frozen=True, slots=True)
class Shot:
    """A crop and what its name says; `sequence` and `order` are those of the data set's scheme."""

    identity: int
    camera: int
    sequence: int
    order: tuple[int, ...]
    path: Path


def group(layout: Layout, shots: Iterable[Shot]) -> tuple[Tracklet, ...]:
    """Join the crops of an identity, a camera and a sequence into tracklets, frames in their order.

    Raises:
        BadDataset: two crops claim the same place in a tracklet.
    """
    found: defaultdict[tuple[int, int, int], dict[Hashable, Shot]] = defaultdict(dict)
    for shot in shots:
        frames = found[shot.identity, shot.camera, shot.sequence]
        if shot.order in frames:
            raise layout.error(f"{shot.path} is the same frame as {frames[shot.order].path}")
        frames[shot.order] = shot
    tracklets = []
    for (identity, camera, _), frames in sorted(found.items()):
        ordered = sorted(frames.values(), key=lambda shot: shot.order)
        tracklets.append(Tracklet(identity, camera, tuple(shot.path for shot in ordered)))
    return tuple(tracklets)


def singles(shots: Iterable[Shot]) -> tuple[Tracklet, ...]:
    """Each crop a tracklet of one frame, in the order given."""
    return tuple(Tracklet(shot.identity, shot.camera, (shot.path,)) for shot in shots)
