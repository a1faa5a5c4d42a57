"""Files of boxes, a line a box: `frame,id,left,top,width,height,confidence[,class[,visibility]]`.

Milan et al., "MOT16: A Benchmark for Multi-Object Tracking", 2016, and what spreadsheets, pandas and COCO
tools make of it. What is clear is read: any usual separator, a byte order mark, a header that names the
columns, frames counted from 0, people as class 0. Lines that are not clear are left out and counted.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from indexer.errors import MalformedImport
from indexer.importers.columns import Columns, read_table
from indexer.names import shown

UNTRACKED: Final = -1
LARGEST: Final = 1e9  # pixels
PEDESTRIAN: Final = "1"  # as MOTChallenge counts classes
COCO_PERSON: Final = "0"  # as COCO tools do; MOTChallenge has no class 0
PEOPLE: Final = frozenset({"-1", "", "person", "people", "pedestrian", "human"})


@dataclass(frozen=True, slots=True)
class FrameBoxes:
    """Boxes of one frame: `boxes` (N, 4) float32 x1, y1, x2, y2 in pixels, `scores` (N,), `ids` (N,)."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    ids: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class BoxFile:
    """A parsed file: `frames` by number from 0, and whether they carry identities.

    `ignored` says why lines were left out and how many, `notes` what was taken for granted and what was left
    out, a sentence each.
    """

    frames: Mapping[int, FrameBoxes]
    tracked: bool
    ignored: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    frame: int
    identity: int
    box: tuple[float, float, float, float]
    score: float
    kind: str


class _LeftOut(Exception):
    """A line is not clear; the message is the reason."""


def read_boxes(path: Path) -> BoxFile:
    """Read a box file (gt.txt, det.txt, or a table that another program wrote).

    Left out and counted are: lines that are not clear; boxes without an area; in files with identities those
    without, those with confidence 0, which their makers want ignored, and those of other classes than people;
    and an identity's further boxes on one frame.

    Raises:
        MalformedImport: not a table of boxes, or every line was left out; the message says why.
    """
    table = read_table(path)
    left_out, notes = _LeftOutLines(), list[str]()
    lines: list[_Line] = []
    for number, fields in table.rows:
        try:
            lines.append(_parse(number, fields, table.columns))
        except _LeftOut as error:
            left_out.add(number, str(error))
    tracked = any(line.identity != UNTRACKED for line in lines)
    frames = _by_frame(lines, tracked, left_out, notes)
    if not frames:
        raise MalformedImport(f"{shown(path)}: no boxes{f': {left_out}' if left_out.counts else ' in it'}")
    _check_pixels(path, frames)
    if left_out.counts:
        notes.append(str(left_out))
    return BoxFile(frames, tracked, dict(left_out.counts), notes)


class _LeftOutLines:
    """Counts lines that are left out, by reason, with the first one of each."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._first: dict[str, int] = {}

    def add(self, number: int, reason: str) -> None:
        self.counts[reason] += 1
        self._first.setdefault(reason, number)

    def __str__(self) -> str:
        reasons = (f"{count} {why} (first: line {self._first[why]})" for why, count in self.counts.items())
        total = self.counts.total()
        return f"left out {total} line{'s' if total > 1 else ''} of boxes: {', '.join(reasons)}"


def _by_frame(
    lines: Sequence[_Line], tracked: bool, left_out: _LeftOutLines, notes: list[str]
) -> dict[int, FrameBoxes]:
    """The boxes that are wanted, by frame from 0."""
    base, person = _frame_base(lines, notes), _person_class(lines, notes)
    frames: dict[int, dict[tuple[int, int], _Line]] = {}
    for line in lines:
        same_frame = frames.setdefault(line.frame - base, {})
        # Boxes without identities never meet: each has a key of its own.
        key = (line.identity, 0 if tracked else line.number)
        reason = _not_wanted(line, tracked, person)
        if reason is None and key in same_frame:
            reason = "a second box of an identity on one frame"
        if reason is None:
            same_frame[key] = line
        else:
            left_out.add(line.number, reason)
    return {frame: _pack(boxes.values()) for frame, boxes in sorted(frames.items()) if boxes}


def _parse(number: int, fields: Sequence[str], columns: Columns) -> _Line:
    """One line of a table."""
    if not columns.least <= len(fields) <= columns.most:
        raise _LeftOut("with another number of columns")
    frame = _whole(fields[columns.frame], "without a frame number")
    identity = UNTRACKED
    if columns.identity is not None and fields[columns.identity]:
        identity = _whole(fields[columns.identity], "whose identity is not a number")
    if frame < 0 or identity < UNTRACKED:
        raise _LeftOut("with a negative frame or identity")
    left, top, width, height = (_bounded(fields[at]) for at in columns.box)
    if columns.corners:
        width, height = width - left, height - top
    if width <= 0 or height <= 0:
        raise _LeftOut("with a box without area")
    score = 1.0
    if columns.score is not None and len(fields) > columns.score and fields[columns.score]:
        score = _bounded(fields[columns.score])
    kind = ""
    if columns.kind is not None and len(fields) > columns.kind:
        kind = fields[columns.kind].lower()
    box = (left, top, left + width, top + height)
    return _Line(number, frame, identity, box, score, kind.removesuffix(".0"))


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise _LeftOut("with a value that is not a number") from None
    if not math.isfinite(value):
        raise _LeftOut("with a value that is not a number")
    return value


def _bounded(text: str) -> float:
    """A number that float32 holds, as do sums and differences of two."""
    value = _number(text)
    if abs(value) > LARGEST:
        raise _LeftOut("with a value beyond any picture")
    return value


def _whole(text: str, reason: str) -> int:
    value = _number(text)
    if not value.is_integer() or abs(value) >= 2**53:
        raise _LeftOut(reason)
    return int(value)


def _frame_base(lines: Sequence[_Line], notes: list[str]) -> int:
    """The number of the first frame: 1, unless the file names a frame 0."""
    if not any(line.frame == 0 for line in lines):
        return 1
    notes.append("frames of the boxes are taken to count from 0, as there is a frame 0")
    return 0


def _person_class(lines: Sequence[_Line], notes: list[str]) -> str:
    if not any(line.kind == COCO_PERSON for line in lines):
        return PEDESTRIAN
    notes.append("class 0 of the boxes is taken for people, as COCO counts")
    return COCO_PERSON


def _not_wanted(line: _Line, tracked: bool, person: str) -> str | None:
    if line.kind not in PEOPLE and line.kind != person:
        return "not a pedestrian"
    if not tracked:
        return None
    if line.identity == UNTRACKED:
        return "without an identity"
    return "marked to be ignored" if line.score == 0 else None


def _check_pixels(path: Path, frames: Mapping[int, FrameBoxes]) -> None:
    """Refuse boxes in parts of the frame: nothing is so small in pixels."""
    if max(float(np.abs(found.boxes).max()) for found in frames.values()) <= 2:
        raise MalformedImport(f"{shown(path)}: boxes in parts of the frame; give them in pixels")


def _pack(lines: Iterable[_Line]) -> FrameBoxes:
    found = list(lines)
    return FrameBoxes(
        np.array([line.box for line in found], dtype=np.float32),
        np.array([line.score for line in found], dtype=np.float32),
        np.array([line.identity for line in found], dtype=np.int64),
    )
