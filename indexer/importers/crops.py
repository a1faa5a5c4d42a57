"""MARS-style folders of crops: `0001C1T0001F001.jpg` is frame 1 of tracklet 1 of person 1 on camera 1.

Zheng et al., "MARS: A Video Benchmark for Large-Scale Person Re-Identification", ECCV 2016. The folders
between the root and the crops (one a person in MARS) carry no meaning of their own; the name says
everything. Person `00-1` is MARS's mark for junk and `0000` for distractors: both are people in crops,
so both are imported.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.errors import MalformedImport
from indexer.folders import visible_files
from models.datasets.frames import read_frame
from models.errors import BadDataset

IMAGES = frozenset({".jpg", ".jpeg", ".png"})
NAME = re.compile(r"(?P<person>\d{4}|00-1)C(?P<camera>\d+)T(?P<tracklet>\d{4,})F(?P<frame>\d{3,})")


@dataclass(frozen=True, slots=True)
class CropTracklet:
    """Crops of one tracklet in order of their frame numbers (counted from 1)."""

    person: str
    number: int
    frames: Sequence[int]
    paths: Sequence[Path]


def scan(root: Path) -> Mapping[int, Sequence[CropTracklet]]:
    """List the tracklets below `root` by camera, in order of person and tracklet number; reads names only.

    Raises:
        MalformedImport: no folder, no crop below it, a crop whose name is not in the scheme, or one
            frame twice.
    """
    if not root.is_dir():
        raise MalformedImport(f"{root}: not a folder")
    found: dict[tuple[int, str, int], dict[int, Path]] = {}
    for path in visible_files(root):
        if path.suffix.lower() not in IMAGES:
            continue
        name = NAME.fullmatch(path.stem)
        if name is None:
            raise MalformedImport(
                f"{path}: not a name like 0001C1T0001F001.jpg (person, camera, tracklet, frame)"
            )
        key = int(name["camera"]), name["person"], int(name["tracklet"])
        frames = found.setdefault(key, {})
        frame = int(name["frame"])
        if frame < 1 or frame in frames:
            reason = "frames count from 1" if frame < 1 else f"the same frame as {frames[frame]}"
            raise MalformedImport(f"{path}: {reason}")
        frames[frame] = path
    if not found:
        raise MalformedImport(f"{root}: no crops below this folder")
    cameras: dict[int, list[CropTracklet]] = {}
    for (camera, person, number), frames in sorted(found.items()):
        order = sorted(frames)
        tracklet = CropTracklet(person, number, order, [frames[frame] for frame in order])
        cameras.setdefault(camera, []).append(tracklet)
    return cameras


def read_bytes(path: Path) -> bytes:
    """The whole file. Raises MalformedImport."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise MalformedImport(f"{path}: {error.strerror}") from error


def read_crop(path: Path) -> NDArray[np.uint8]:
    """Decode one crop: (h, w, 3) uint8 RGB. Raises MalformedImport."""
    try:
        return read_frame(path)
    except BadDataset as error:
        raise MalformedImport(str(error)) from error
