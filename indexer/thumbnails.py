"""The thumbnail strip of a tracklet: up to four of its crops."""

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CROPS: Final = 4
CELL_WIDTH, CELL_HEIGHT = 96, 192
BACKGROUND: Final = (24, 24, 24)
QUALITY: Final = 85


def goodness(height: float, sharpness: float, at_border: bool) -> float:
    """Return how much a moment shows: large and sharp is good, cut off by the edge of the frame is bad.

    `sharpness` is that of models.quality; half a person is worth less than a whole one of a quarter of the
    size.
    """
    return height * sharpness * (0.25 if at_border else 1.0)


def choose(scores: Sequence[float]) -> list[int]:
    """Positions of up to four moments: the best of each quarter of the tracklet, the first of equals.

    Fewer than four moments are all taken.

    >>> choose([1, 2, 5, 5, 0, 0, 9, 8])
    [1, 2, 4, 6]
    """
    quarters = np.array_split(np.arange(len(scores)), min(CROPS, len(scores)))
    return [int(max(quarter, key=lambda position: scores[position])) for quarter in quarters]


def strip(crops: Sequence[NDArray[np.uint8]], aspects: Sequence[float]) -> bytes:
    """Draw crops side by side as one JPEG of cells 96 x 192.

    Args:
        crops: 1 to 4 of them, (h, w, 3) uint8 RGB, possibly squashed to a network's input size.
        aspects: true width / height of each.
    """
    sheet = Image.new("RGB", (CELL_WIDTH * len(crops), CELL_HEIGHT), BACKGROUND)
    for cell, (crop, aspect) in enumerate(zip(crops, aspects, strict=True)):
        width = min(CELL_WIDTH, CELL_HEIGHT * aspect)
        size = max(1, round(width)), max(1, min(CELL_HEIGHT, round(width / aspect)))
        picture = Image.fromarray(np.ascontiguousarray(crop)).resize(size, Image.Resampling.BICUBIC)
        left = cell * CELL_WIDTH + (CELL_WIDTH - size[0]) // 2
        sheet.paste(picture, (left, (CELL_HEIGHT - size[1]) // 2))
    jpeg = io.BytesIO()
    sheet.save(jpeg, "JPEG", quality=QUALITY)
    return jpeg.getvalue()
