"""MOTChallenge box files: one line a box, `frame,id,left,top,width,height,confidence[,...]`, frames from 1.

Milan et al., "MOT16: A Benchmark for Multi-Object Tracking", 2016. Three shapes are in use: MOT15 (ten
columns, the last three a position in the world), MOT16 and later ground truth (nine columns: class and
visibility at the end) and plain seven columns.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexer.errors import MalformedImport

UNTRACKED = -1
PEDESTRIAN = 1


@dataclass(frozen=True, slots=True)
class FrameBoxes:
    """Boxes of one frame: `boxes` (N, 4) float32 x1, y1, x2, y2 in pixels, `scores` (N,), `ids` (N,)."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    ids: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class BoxFile:
    """A parsed file: `frames` by number from 0, whether they carry identities, lines left out by reason."""

    frames: Mapping[int, FrameBoxes]
    tracked: bool
    ignored: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Line:
    frame: int
    identity: int
    box: tuple[float, float, float, float]
    score: float


def read_boxes(path: Path) -> BoxFile:
    """Read a box file (gt.txt or det.txt).

    A ground-truth line with confidence 0 is one its makers want ignored, and a class other than pedestrian
    is not a person: both are left out and counted.

    Raises:
        MalformedImport: a line is not in the format, identities and -1 are mixed, or there is no line at
            all; the message names the line.
    """
    lines: dict[int, list[_Line]] = {}
    ignored: dict[str, int] = {}
    tracked: bool | None = None
    for number, text in _numbered_lines(path):
        line, reason = _parse(path, number, text)
        if tracked is None:
            tracked = line.identity != UNTRACKED
        elif tracked != (line.identity != UNTRACKED):
            raise MalformedImport(f"{path}, line {number}: boxes with and without an identity in one file")
        if reason is not None:
            ignored[reason] = ignored.get(reason, 0) + 1
            continue
        same_frame = lines.setdefault(line.frame - 1, [])
        if tracked and any(other.identity == line.identity for other in same_frame):
            raise MalformedImport(
                f"{path}, line {number}: identity {line.identity} twice on frame {line.frame}"
            )
        same_frame.append(line)
    if tracked is None:
        raise MalformedImport(f"{path}: no boxes in the file")
    return BoxFile({frame: _pack(found) for frame, found in sorted(lines.items())}, tracked, ignored)


def _numbered_lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        with path.open(encoding="utf-8") as file:
            for number, text in enumerate(file, start=1):
                if text.strip():
                    yield number, text.strip()
    except UnicodeDecodeError as error:
        raise MalformedImport(f"{path}: not a text file ({error.reason})") from error
    except OSError as error:
        raise MalformedImport(f"{path}: {error.strerror}") from error


def _parse(path: Path, number: int, text: str) -> tuple[_Line, str | None]:
    """One line, and why it is to be left out if it is."""
    fields = text.split(",") if "," in text else text.split()
    if not 6 <= len(fields) <= 10:
        raise MalformedImport(f"{path}, line {number}: {len(fields)} columns, expected 6 to 10")
    try:
        values = [float(value) for value in fields]
    except ValueError as error:
        raise MalformedImport(f"{path}, line {number}: not a number ({error})") from error
    if not all(map(math.isfinite, values)):
        raise MalformedImport(f"{path}, line {number}: a value is not finite")
    frame, identity, left, top, width, height = values[:6]
    if frame < 1 or not frame.is_integer():
        raise MalformedImport(f"{path}, line {number}: frames count from 1, not {fields[0].strip()}")
    if not identity.is_integer() or identity < UNTRACKED:
        raise MalformedImport(f"{path}, line {number}: {fields[1].strip()} is not an identity")
    if width <= 0 or height <= 0:
        raise MalformedImport(f"{path}, line {number}: a box of {width:g} x {height:g} pixels")
    score = values[6] if len(values) > 6 else 1.0
    line = _Line(int(frame), int(identity), (left, top, left + width, top + height), score)
    return line, _left_out(line, values)


def _left_out(line: _Line, values: list[float]) -> str | None:
    if line.identity == UNTRACKED:
        return None
    if line.score == 0:
        return "marked to be ignored"
    if len(values) in (8, 9) and values[7] not in (PEDESTRIAN, -1):
        return "not a pedestrian"
    return None


def _pack(lines: list[_Line]) -> FrameBoxes:
    return FrameBoxes(
        np.array([line.box for line in lines], dtype=np.float32),
        np.array([line.score for line in lines], dtype=np.float32),
        np.array([line.identity for line in lines], dtype=np.int64),
    )
