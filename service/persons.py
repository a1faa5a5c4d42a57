"""Persons on a probe photo: where they are, and how fit for a search."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models import quality
from models.detector import Detector
from service.errors import InvalidRequest
from service.images import Pixels

Box = tuple[float, float, float, float]  # x, y, w, h in pixels of the upright photo

MIN_BOX: Final = 8.0  # pixels a side: below there is nothing to embed
SMALL: Final = 64.0  # pixels of height: gallery crops below are upscaled fourfold by the networks
MARGIN: Final = 0.5  # of the photo on each side, for photos that hold one person from edge to edge

NOBODY: Final = "No person was found on the photo; by default the whole photo is searched."


@dataclass(frozen=True, slots=True)
class Person:
    """A person found on a photo."""

    box: Box
    score: float
    height_px: float
    sharpness: float
    warnings: Sequence[str]


def find(detector: Detector, pixels: Pixels) -> list[Person]:
    """Persons on a photo (h, w, 3), the most likely meant first: by score times height.

    A detector of persons in a scene overlooks one who fills the picture, so a photo without persons gets a
    second look with a margin around it.
    """
    height, width = pixels.shape[:2]
    found = detector.detect([pixels])[0]
    boxes = found.boxes
    scores = found.scores
    if not len(boxes):
        wide, (left, top) = _with_margin(pixels)
        found = detector.detect([wide])[0]
        boxes, scores = found.boxes - np.array([left, top, left, top], dtype=np.float32), found.scores
    persons = []
    for corners, score in zip(boxes, scores, strict=True):
        box = clip_box((*corners[:2], *(corners[2:] - corners[:2])), width, height)
        if box[2] >= MIN_BOX and box[3] >= MIN_BOX:
            persons.append(_describe(pixels, box, float(score)))
    return sorted(persons, key=lambda person: -person.score * person.height_px)


def clip_box(box: Sequence[float], width: int, height: int) -> Box:
    """The part of a box x, y, w, h that lies on the photo, to a tenth of a pixel."""
    x, y, w, h = (float(value) for value in box)
    left, top = max(0.0, x), max(0.0, y)
    right, bottom = min(float(width), x + w), min(float(height), y + h)
    return round(left, 1), round(top, 1), round(max(0.0, right - left), 1), round(max(0.0, bottom - top), 1)


def crop(pixels: Pixels, box: Box) -> Pixels:
    """The pixels of a box, whole pixels that it touches.

    Raises:
        InvalidRequest: the box has too little of the photo in it.
    """
    height, width = pixels.shape[:2]
    x, y, w, h = clip_box(box, width, height)
    if w < MIN_BOX or h < MIN_BOX:
        raise InvalidRequest(
            f"The box holds {w:g} x {h:g} pixels of the {width} x {height} photo; a side needs {MIN_BOX:g}.",
            "/probes/0/box",
        )
    return pixels[int(y) : int(np.ceil(y + h)), int(x) : int(np.ceil(x + w))]


def _describe(pixels: Pixels, box: Box, score: float) -> Person:
    x, y, w, h = box
    seen = quality.assess(pixels, (x, y, x + w, y + h))
    warnings = []
    if seen.height_px < SMALL:
        warnings.append(f"The person is only {seen.height_px:.0f} pixels high.")
    if seen.sharpness < quality.BLURRED:
        warnings.append("The person is blurred.")
    # One who fills the photo from edge to edge is a crop, not cut off.
    if seen.cut_off_at and h < 0.9 * pixels.shape[0]:
        warnings.append(f"The person is cut off at the {' and '.join(seen.cut_off_at)} of the photo.")
    return Person(box, round(score, 4), round(seen.height_px, 1), round(seen.sharpness, 4), tuple(warnings))


def _with_margin(pixels: Pixels) -> tuple[Pixels, tuple[int, int]]:
    """The photo on a canvas of its mean colour, and where its corner lies there."""
    height, width = pixels.shape[:2]
    top, left = int(height * MARGIN), int(max(width, height / 2) * MARGIN)
    colour = pixels.reshape(-1, 3).mean(axis=0).astype(np.uint8)
    canvas = np.empty((height + 2 * top, width + 2 * left, 3), dtype=np.uint8)
    canvas[:] = colour
    canvas[top : top + height, left : left + width] = pixels
    return canvas, (left, top)
