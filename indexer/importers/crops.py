"""MARS-style folders of crops: `0001C1T0001F001.jpg` is frame 1 of tracklet 1 of person 1 on camera 1.

Zheng et al., "MARS: A Video Benchmark for Large-Scale Person Re-Identification", ECCV 2016. The folders
between the root and the crops (one a person in MARS) carry no meaning of their own; the name says
everything. Person `00-1` is MARS's mark for junk and `0000` for distractors: both are people in crops,
so both are imported.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.errors import MalformedImport
from indexer.folders import visible_files
from indexer.names import shown
from models.datasets.frames import read_frame
from models.errors import BadDataset

IMAGES = frozenset({".jpg", ".jpeg", ".png"})
# Nine digits are more than anybody counts, and become times that can be stored.
NAME = re.compile(
    r"(?P<person>\d{4}|00-1)C(?P<camera>\d{1,9})T(?P<tracklet>\d{4,9})F(?P<frame>\d{3,9})", re.ASCII
)


@dataclass(frozen=True, slots=True)
class CropTracklet:
    """Crops of one tracklet in order of their frame numbers (counted from 1)."""

    person: str
    number: int
    frames: Sequence[int]
    paths: Sequence[Path]


@dataclass(frozen=True, slots=True)
class CropScan:
    """Tracklets by camera, and what was left out of the folder, a sentence a reason."""

    cameras: Mapping[int, Sequence[CropTracklet]]
    notes: Sequence[str]


class LeftOut:
    """Files that were left out, by reason."""

    def __init__(self) -> None:
        self._files: dict[str, list[Path]] = {}

    def add(self, path: Path, reason: str) -> None:
        """Note a file."""
        self._files.setdefault(reason, []).append(path)

    def notes(self) -> list[str]:
        """A sentence a reason, with the first file."""
        notes = []
        for reason, files in self._files.items():
            crops = f"{len(files)} crop{'s' if len(files) > 1 else ''}"
            notes.append(f"left out {crops} {reason} (first: {shown(files[0].name)})")
        return notes


def scan(root: Path) -> CropScan:
    """List the tracklets below `root` by camera, in order of person and tracklet number; reads names only.

    A crop whose name is not in the scheme, or that is a second one of a frame, is left out.

    Raises:
        MalformedImport: no folder, or no crop below it whose name is in the scheme.
    """
    if not root.is_dir():
        raise MalformedImport(f"{shown(root)}: not a folder")
    found: dict[tuple[int, str, int], dict[int, Path]] = {}
    left_out = LeftOut()
    for path in visible_files(root):
        if path.suffix.lower() not in IMAGES:
            continue
        name = NAME.fullmatch(path.stem)
        if name is None or int(name["frame"]) < 1:
            left_out.add(path, "not named like 0001C1T0001F001.jpg (person, camera, tracklet, frame from 1)")
            continue
        key = int(name["camera"]), name["person"], int(name["tracklet"])
        frames = found.setdefault(key, {})
        if int(name["frame"]) in frames:
            left_out.add(path, "of a frame that another file has")
            continue
        frames[int(name["frame"])] = path
    if not found:
        raise MalformedImport("; ".join([f"{shown(root)}: no crops below this folder", *left_out.notes()]))
    cameras: dict[int, list[CropTracklet]] = {}
    for (camera, person, number), frames in sorted(found.items()):
        order = sorted(frames)
        tracklet = CropTracklet(person, number, order, [frames[frame] for frame in order])
        cameras.setdefault(camera, []).append(tracklet)
    return CropScan(cameras, left_out.notes())


def digest_of(tracklets: Sequence[CropTracklet], salt: str = "") -> str:
    """SHA-256 over the salt, names and contents of the crops, in order. Raises MalformedImport."""
    digest = hashlib.sha256(salt.encode())
    for tracklet in tracklets:
        for path in tracklet.paths:
            try:
                content = path.read_bytes()
            except OSError as error:
                raise MalformedImport(f"{path}: {error.strerror}") from error
            digest.update(f"{path.stem} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()


def size_of(tracklets: Sequence[CropTracklet]) -> int:
    """Bytes of the crops. Raises MalformedImport."""
    try:
        return sum(path.stat().st_size for tracklet in tracklets for path in tracklet.paths)
    except OSError as error:
        raise MalformedImport(str(error)) from error


def read_crop(path: Path) -> NDArray[np.uint8]:
    """Decode one crop: (h, w, 3) uint8 RGB. Raises MalformedImport."""
    try:
        return read_frame(path)
    except BadDataset as error:
        raise MalformedImport(str(error)) from error
