"""Persons on a probe photo: where they are, and how fit for a search."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models import quality
from models.detector import Detector
from models.quality import Quality
from service.errors import InvalidRequest
from service.pixels import Box, Pixels
from service.probes import fitness
from service.work import checkpoint

FloatArray = NDArray[np.float32]

MIN_BOX: Final = 8.0  # pixels a side: below there is nothing to embed
MARGIN: Final = 0.5  # of the photo on each side, for photos that hold one person from edge to edge
LOOKED_AT: Final = 1024  # pixels: enough of a photo to find a person who fills it
STANDS_OUT: Final = 0.3  # of the photo's height: a person this tall is what the photo is about
TILE: Final = 640  # pixels a side: hardly shrunk for a detector's input
TILED_FROM: Final = 1.25  # tiles: a photo that is hardly larger than one gains nothing
MOST_TILES: Final = 3  # sides of a tile along the longer side of the photo, so that no photo takes for ever
SAME: Final = 0.8  # of the smaller box
MOST_PERSONS: Final = 100  # each is measured, and told which others stand before them


@dataclass(frozen=True, slots=True)
class Person:
    """A person found on a photo, with what is measured of them in pixels of `find`'s photo."""

    box: Box
    score: float
    seen: Quality


@dataclass(frozen=True, slots=True)
class Found:
    """Who is on a photo, the most likely meant first, at most MOST_PERSONS.

    Attributes:
        too_small: how many more are too small to be searched for.
        unlisted: how many more could be searched for.
    """

    persons: Sequence[Person]
    too_small: int
    unlisted: int = 0


def find(detector: Detector, pixels: Pixels) -> Found:
    """Persons on a photo (h, w, 3), the most likely meant first: by score times height.

    A detector shrinks a photo to its input, and overlooks people who are small there. So a large photo on
    which nobody stands out is looked at in tiles too. It also overlooks a person who fills the photo: where
    there is still nobody, it looks once more with a margin around the photo.
    """
    height, width = pixels.shape[:2]
    found = detector.detect([pixels])[0]
    boxes, scores = found.boxes, found.scores
    stands_out = len(boxes) > 0 and float((boxes[:, 3] - boxes[:, 1]).max()) >= STANDS_OUT * height
    if not stands_out and max(height, width) > TILE * TILED_FROM:
        boxes, scores = _merged(boxes, scores, *_in_tiles(detector, pixels))
    if not len(boxes):
        boxes, scores = _within_margin(detector, pixels)
    usable, too_small = [], 0
    for corners, score in zip(boxes, scores, strict=True):
        box = clip_box((*corners[:2], *(corners[2:] - corners[:2])), width, height)
        if box[2] >= MIN_BOX and box[3] >= MIN_BOX:
            usable.append((box, round(float(score), 4)))
        else:
            too_small += box[2] > 0 and box[3] > 0
    usable.sort(key=lambda one: -one[1] * one[0][3])
    listed = [Person(box, score, fitness.assess(pixels, box)) for box, score in usable[:MOST_PERSONS]]
    return Found(listed, too_small, len(usable) - len(listed))


def clip_box(box: Sequence[float], width: int, height: int) -> Box:
    """The part of a box x, y, w, h that lies on the photo, to a tenth of a pixel."""
    x, y, w, h = (float(value) for value in box)
    left, top = max(0.0, x), max(0.0, y)
    right, bottom = min(float(width), x + w), min(float(height), y + h)
    return round(left, 1), round(top, 1), round(max(0.0, right - left), 1), round(max(0.0, bottom - top), 1)


def crop(pixels: Pixels, box: Box, size: tuple[int, int], pointer: str = "/probes/0/box") -> Pixels:
    """The pixels of a box, whole pixels that it touches.

    Args:
        pixels: (h, w, 3), the photo as stored.
        box: in pixels of the photo as it came.
        size: (width, height) of the photo as it came.
        pointer: where the box stands in the request.

    Raises:
        InvalidRequest: the box has too little of the photo in it.
    """
    width, height = size
    x, y, w, h = clip_box(box, width, height)
    if w < MIN_BOX or h < MIN_BOX:
        raise InvalidRequest(
            f"The box holds {w:g} x {h:g} pixels of the {width} x {height} photo; a side needs {MIN_BOX:g}.",
            pointer,
        )
    down, across = pixels.shape[0] / height, pixels.shape[1] / width
    rows = slice(int(y * down), math.ceil((y + h) * down))
    return pixels[rows, int(x * across) : math.ceil((x + w) * across)]


def _in_tiles(detector: Detector, pixels: Pixels) -> tuple[FloatArray, FloatArray]:
    """Boxes (N, 4) and scores (N,) found in overlapping tiles, without those cut by a tile's inner border."""
    height, width = pixels.shape[:2]
    side = max(TILE, math.ceil(max(height, width) / MOST_TILES))
    boxes, scores = [np.empty((0, 4), np.float32)], [np.empty(0, np.float32)]
    for top in _starts(height, side):
        for left in _starts(width, side):
            checkpoint()
            found = detector.detect([pixels[top : top + side, left : left + side]])[0]
            moved = found.boxes + np.array([left, top, left, top], np.float32)
            inner = np.array([left, top, width - left - side, height - top - side]) > 0
            touches = np.abs(moved - [left, top, left + side, top + side]) <= quality.EDGE
            whole = ~(touches & inner).any(axis=1)
            boxes.append(moved[whole])
            scores.append(found.scores[whole])
    return np.concatenate(boxes), np.concatenate(scores)


def _starts(length: int, side: int) -> list[int]:
    """Where tiles begin along a side of the photo, so that they overlap by a quarter at least."""
    count = max(1, math.ceil((length - side / 4) / (side * 3 / 4)))
    return [round(i * max(0, length - side) / max(1, count - 1)) for i in range(count)]


def _merged(
    boxes: FloatArray, scores: FloatArray, more: FloatArray, more_scores: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Boxes and scores with those of tiles, best first, that are not mostly the same person once more."""
    kept = np.concatenate([boxes, more])
    kept_scores = np.concatenate([scores, more_scores])
    count = len(boxes)
    for index in np.argsort(-more_scores, kind="stable"):
        if (_shared(more[index], kept[:count]) < SAME).all():
            kept[count], kept_scores[count] = more[index], more_scores[index]
            count += 1
    return kept[:count], kept_scores[:count]


def _shared(box: FloatArray, others: FloatArray) -> FloatArray:
    """What a box shares with each of others (N, 4), as a part of the smaller: a part lies in its whole."""
    sides = np.clip(np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2]), 0, None)
    areas = np.minimum(np.prod(others[:, 2:] - others[:, :2], axis=1), np.prod(box[2:] - box[:2]))
    return np.asarray(np.prod(sides, axis=1) / np.maximum(areas, 1e-6), np.float32)


def _within_margin(detector: Detector, pixels: Pixels) -> tuple[FloatArray, FloatArray]:
    """Boxes (N, 4) and scores (N,) found on the photo, thinned if large, on a canvas of its mean colour."""
    step = max(1, max(pixels.shape) // LOOKED_AT)
    thinned = pixels[::step, ::step]
    height, width = thinned.shape[:2]
    top, left = int(height * MARGIN), int(max(width, height / 2) * MARGIN)
    canvas = np.empty((height + 2 * top, width + 2 * left, 3), dtype=np.uint8)
    canvas[:] = thinned.reshape(-1, 3).mean(axis=0).astype(np.uint8)
    canvas[top : top + height, left : left + width] = thinned
    found = detector.detect([canvas])[0]
    return (found.boxes - np.array([left, top, left, top], np.float32)) * np.float32(step), found.scores
