"""How fit a person on a photo is for a search: what is measured, and the notices that follow from it.

The limits come from damaging crops of simulated people by degrees (benchmarks/probe_quality.py): a notice is
given where rank-1 has fallen by a fifth. docs/experiments.md has the table, with false alarms.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from gallery import Notice, NoticeCode
from models import quality
from models.quality import Quality
from service.pixels import Box, Pixels

SMALL: Final = 34.0  # pixels of height
GREY: Final = 1.5  # models.quality.colour
UPPER: Final = 1.8  # height over width: below, the lower part of the body is not in the box
WIDE, NARROW = 1.0, 4.0  # height over width of nobody who stands
HIDDEN: Final = 0.35  # of the box, behind boxes of people who are nearer
DOUBTFUL: Final = 0.5  # the detector's score
APART: Final = 0.6  # intersection over union of the caller's box and the nearest person's
SAME: Final = 0.5  # of two boxes of one person
FILLS: Final = 0.9  # of the photo's height: one who fills it is a crop, not cut off
_GRID: Final = 32  # cells a side that the hidden share of a box is counted in


def assess(pixels: Pixels, box: Box) -> Quality:
    """What is measured of a person in a box x, y, w, h, in pixels of `pixels` (h, w, 3)."""
    x, y, w, h = box
    return quality.assess(pixels, (x, y, x + w, y + h))


def notices(seen: Quality, photo_height: float, hidden: float, score: float | None = None) -> list[Notice]:
    """The notices of a person.

    Args:
        seen: how the person was seen, the height in pixels of the photo as it came.
        photo_height: in the same pixels.
        hidden: share of the box that lies behind others.
        score: the detector's; None of a box that somebody drew.
    """
    return [*_of_detail(seen), *_of_extent(seen, photo_height, hidden), *_of_detector(score)]


def hidden_share(box: Box, others: Sequence[Box]) -> float:
    """The share of a box that lies in boxes of people who stand nearer: whose lower edge is lower."""
    x, y, w, h = box
    covered = np.zeros((_GRID, _GRID), bool)
    for left, top, width, height in others:
        if top + height > y + h and overlap(box, (left, top, width, height)) < SAME:
            rows = np.clip(np.round((np.array([top, top + height]) - y) / h * _GRID), 0, _GRID).astype(int)
            columns = np.clip(np.round((np.array([left, left + width]) - x) / w * _GRID), 0, _GRID)
            covered[rows[0] : rows[1], int(columns[0]) : int(columns[1])] = True
    return float(covered.mean())


def overlap(first: Box, second: Box) -> float:
    """Intersection over union of two boxes x, y, w, h."""
    across = min(first[0] + first[2], second[0] + second[2]) - max(first[0], second[0])
    down = min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1])
    shared = max(0.0, across) * max(0.0, down)
    return shared / max(first[2] * first[3] + second[2] * second[3] - shared, 1e-6)


def _of_detail(seen: Quality) -> Iterator[Notice]:
    if seen.height_px < SMALL:
        yield Notice(
            NoticeCode.SMALL, f"The person is only {seen.height_px:.0f} pixels high: expect more wrong hits."
        )
    if seen.sharpness < quality.BLURRED:
        yield Notice(NoticeCode.BLURRED, "The person is blurred: expect more wrong hits.")
    if seen.colour < GREY:
        yield Notice(
            NoticeCode.GREY,
            "There is hardly any colour in the picture of the person, as at night or in infra-red: clothes "
            "cannot be told apart by it.",
        )


def _of_extent(seen: Quality, photo_height: float, hidden: float) -> Iterator[Notice]:
    if seen.cut_off_at and seen.height_px < FILLS * photo_height:
        yield Notice(
            NoticeCode.CUT_OFF, f"The person is cut off at the {' and '.join(seen.cut_off_at)} of the photo."
        )
    if WIDE <= seen.ratio < UPPER:
        yield Notice(
            NoticeCode.UPPER_BODY,
            "The box is hardly higher than wide: it seems to hold only the upper part of a person, or "
            "somebody who sits.",
        )
    if not WIDE <= seen.ratio <= NARROW:
        how = "wider than high" if seen.ratio < WIDE else f"{seen.ratio:.1f} times as high as wide"
        yield Notice(
            NoticeCode.PROPORTIONS,
            f"The box is {how}, as nobody is who stands: the picture may be turned or stretched, or hold "
            "part of a person or several.",
        )
    if hidden >= HIDDEN:
        yield Notice(
            NoticeCode.BEHIND_OTHERS, f"Others stand before the person, over {100 * hidden:.0f} % of the box."
        )


def _of_detector(score: float | None) -> Iterator[Notice]:
    if score is not None and score < DOUBTFUL:
        # A fifth of good crops get it too: no warning.
        yield Notice(NoticeCode.DOUBTFUL, "It is hardly certain that this is a person.", warns=False)
