"""Where a fixed camera's image has changed since it was last looked at, in the detector's own grid.

Most of what a surveillance camera sees stands still. What has not changed holds the same persons, so the
detector need not look there again. Boxes that lie in what has changed are found anew as a whole, never cut.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.detectors.base import FloatArray

CELL: Final = 32  # the coarsest stride of the networks used: parts cut on it are sampled as the whole is
BLOCK: Final = 4  # pixels of the input averaged before they are compared: noise goes, persons stay
LEAST_LEVELS: Final = 6  # of 255: what a block must change by
NOISE_FACTOR: Final = 6.0  # or this many times what the median block changes by, which is noise
BOTH_SIDES: Final = 1  # cells around a change that the network sees besides

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Part:
    """A rectangle of cells: rows `top` to `bottom`, columns `left` to `right`, the ends not included."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def cells(self) -> int:
        """How many cells it has."""
        return (self.bottom - self.top) * (self.right - self.left)

    def touches(self, other: "Part") -> bool:
        """Whether the two have a cell in common."""
        return (
            self.top < other.bottom
            and other.top < self.bottom
            and self.left < other.right
            and other.left < self.right
        )

    def joined(self, other: "Part") -> "Part":
        """The least rectangle around both."""
        return Part(
            min(self.top, other.top),
            max(self.bottom, other.bottom),
            min(self.left, other.left),
            max(self.right, other.right),
        )


class Watched:
    """The image as it was when each part of it was last looked at.

    Args:
        planes: (3, height, width) uint8 of the first image; both sides multiples of `CELL`.
    """

    def __init__(self, planes: NDArray[np.uint8]) -> None:
        self._seen = _blocks(planes)
        self._per_cell = CELL // BLOCK
        self.whole = Part(0, planes.shape[1] // CELL, 0, planes.shape[2] // CELL)

    def changed(self, planes: NDArray[np.uint8]) -> tuple[Mask, NDArray[np.int16]]:
        """The cells in which a block differs from when it was looked at: (rows, columns), and the blocks."""
        blocks = _blocks(planes)
        levels = np.abs(blocks - self._seen).max(axis=0)  # (3, h, w) -> (h, w)
        limit = max(LEAST_LEVELS, NOISE_FACTOR * float(np.median(levels)))
        rows, columns = self.whole.bottom, self.whole.right
        differs = (levels > limit).reshape(rows, self._per_cell, columns, self._per_cell)
        return differs.any(axis=(1, 3)), blocks

    def look(self, blocks: NDArray[np.int16], part: Part) -> None:
        """Remember that a part was looked at as it is in `blocks`."""
        n = self._per_cell
        rows, columns = slice(part.top * n, part.bottom * n), slice(part.left * n, part.right * n)
        self._seen[:, rows, columns] = blocks[:, rows, columns]


def _blocks(planes: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Means of blocks: (3, h, w) uint8 -> (3, h / BLOCK, w / BLOCK) int16."""
    channels, height, width = planes.shape
    rows = planes.reshape(channels, height // BLOCK, BLOCK, width).sum(axis=2, dtype=np.uint16)
    sums = rows.reshape(channels, height // BLOCK, width // BLOCK, BLOCK).sum(axis=3, dtype=np.uint16)
    return np.asarray(sums // BLOCK**2, dtype=np.int16)


def parts_to_look_at(changed: Mask, boxes: FloatArray) -> list[Part]:
    """Disjoint rectangles that hold all that changed, and wholly each box that a change came near.

    Args:
        changed: (rows, columns) of cells.
        boxes: (N, 4) x1, y1, x2, y2 in pixels of the input, of the persons known.

    Returns:
        Rectangles with a margin of `BOTH_SIDES`; none if nothing has changed.
    """
    rows, columns = changed.shape
    cells = [
        Part(row, row + 1, column, column + 1)
        for row, column in zip(*(axis.tolist() for axis in np.nonzero(changed)), strict=True)
    ]
    known = [_around(box, rows, columns) for box in boxes.tolist()]
    parts = _disjoint([_wider(cell, rows, columns) for cell in cells])
    while True:
        near = [box for box in known if any(box.touches(part) for part in parts)]
        grown = _disjoint([*parts, *near])
        if grown == parts:
            return parts
        parts = grown


def inside(boxes: FloatArray, part: Part) -> Mask:
    """Which of the boxes (N, 4) have a pixel in the part: (N,)."""
    left, top, right, bottom = (side * CELL for side in (part.left, part.top, part.right, part.bottom))
    return np.asarray(
        (boxes[:, 0] < right) & (boxes[:, 2] > left) & (boxes[:, 1] < bottom) & (boxes[:, 3] > top)
    )


def is_cut(boxes: FloatArray, part: Part, whole: Part) -> bool:
    """Whether a box reaches an edge of the part that is none of the image's: more of it lies beyond."""
    if not len(boxes):
        return False
    return bool(
        (part.left > 0 and (boxes[:, 0] <= part.left * CELL).any())
        or (part.top > 0 and (boxes[:, 1] <= part.top * CELL).any())
        or (part.right < whole.right and (boxes[:, 2] >= part.right * CELL).any())
        or (part.bottom < whole.bottom and (boxes[:, 3] >= part.bottom * CELL).any())
    )


def _wider(part: Part, rows: int, columns: int) -> Part:
    """The part with its margin, within the image."""
    return Part(
        max(0, part.top - BOTH_SIDES),
        min(rows, part.bottom + BOTH_SIDES),
        max(0, part.left - BOTH_SIDES),
        min(columns, part.right + BOTH_SIDES),
    )


def _around(box: list[float], rows: int, columns: int) -> Part:
    """The cells of a box, with a margin."""
    left, top, right, bottom = (side / CELL for side in box)
    column, row = min(columns - 1, max(0, int(left))), min(rows - 1, max(0, int(top)))
    end_column, end_row = max(column + 1, -int(-right // 1)), max(row + 1, -int(-bottom // 1))
    return _wider(Part(row, min(rows, end_row), column, min(columns, end_column)), rows, columns)


def _disjoint(parts: list[Part]) -> list[Part]:
    """Join rectangles that touch until none do, in an order that depends on nothing but them."""
    done: list[Part] = []
    for part in sorted(parts, key=lambda one: (one.top, one.left, one.bottom, one.right)):
        joined = part
        while touching := [one for one in done if one.touches(joined)]:
            done = [one for one in done if one not in touching]
            for one in touching:
                joined = joined.joined(one)
        done.append(joined)
    return sorted(done, key=lambda one: (one.top, one.left))
