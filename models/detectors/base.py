"""Shared by the detectors: their result, mapping boxes back to the frame, suppression of duplicates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from models.errors import DetectorError
from models.preprocessing import Crop

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Detections:
    """Persons on one frame, best first.

    `boxes` (N, 4) float32: x1, y1, x2, y2 in pixels of the frame, inside it; `scores` (N,) float32, 0..1.
    """

    boxes: FloatArray
    scores: FloatArray


class Detector(Protocol):
    """What finds persons. Safe to use from several threads.

    `name` says which network at which input size; `device` where it runs.
    """

    name: str
    device: str

    def detect(self, frames: Sequence[Crop]) -> list[Detections]:
        """Find the persons on each frame.

        Args:
            frames: (h, w, 3) uint8 RGB images, sizes may differ.

        Returns:
            One Detections a frame, in their order.

        Raises:
            BadImage: a frame is not an image.
            DetectorError: the network answered what its kind never answers.
        """


@runtime_checkable
class ConsecutiveDetector(Detector, Protocol):
    """A detector that gains from seeing the frames of one fixed camera in their order."""

    def detect_consecutive(self, frames: Sequence[Crop]) -> list[Detections]:
        """Find the persons on frames in order of time, looking again only where something has changed.

        All of the first frame is looked at; persons where nothing has changed keep box and score. Raises as
        `detect` does.
        """


def finish(
    boxes: FloatArray, scores: FloatArray, frame: Crop, scale: tuple[float, float], *, nms_iou: float | None
) -> Detections:
    """Bring boxes of a network's input back to the frame it was made from.

    Args:
        boxes: (N, 4) x1, y1, x2, y2 in pixels of the input.
        scores: (N,).
        frame: the (h, w, 3) frame.
        scale: what x and y are multiplied by to get from input to frame.
        nms_iou: boxes that a better one overlaps by more go; None if the network has seen to that.

    Returns:
        Boxes clipped to the frame, best first; those with nothing left inside the frame are gone.

    Raises:
        DetectorError: a value is not finite.
    """
    if not (np.isfinite(boxes).all() and np.isfinite(scores).all()):
        raise DetectorError("the detector answered with values that are not finite")
    height, width = frame.shape[:2]
    kept = np.argsort(-scores, kind="stable") if nms_iou is None else nms(boxes, scores, nms_iou)
    boxes, scores = boxes[kept] * np.array([*scale, *scale], dtype=np.float32), scores[kept]
    boxes = boxes.clip(0, np.array([width, height, width, height], dtype=np.float32))
    inside = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return Detections(boxes[inside].astype(np.float32), scores[inside].astype(np.float32))


def nms(boxes: FloatArray, scores: FloatArray, threshold: float) -> NDArray[np.intp]:
    """Indices of the boxes that no better kept box overlaps by more than `threshold` IoU, best first.

    Args:
        boxes: (N, 4) x1, y1, x2, y2.
        scores: (N,); equal scores keep their order.
        threshold: 0..1.
    """
    order = np.argsort(-scores, kind="stable")
    boxes = boxes[order]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    corners = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    sides = (np.minimum(boxes[:, None, 2:], boxes[None, :, 2:]) - corners).clip(min=0)
    overlap = sides[..., 0] * sides[..., 1]  # (N, N)
    too_close = overlap > threshold * (areas[:, None] + areas[None, :] - overlap)
    alive = np.ones(len(order), dtype=bool)
    for index in range(len(order)):
        if alive[index]:
            alive[index + 1 :] &= ~too_close[index, index + 1 :]
    return order[alive]


def in_batches(
    frames: Sequence[Crop],
    shape_of: Callable[[Crop], tuple[int, int]],
    run: Callable[[list[Crop], tuple[int, int]], list[Detections]],
    size: int,
) -> list[Detections]:
    """Run frames of equal input shape together, at most `size` at a time; results in their order."""
    by_shape: dict[tuple[int, int], list[int]] = {}
    for index, frame in enumerate(frames):
        by_shape.setdefault(shape_of(frame), []).append(index)
    results: dict[int, Detections] = {}
    for shape, indices in by_shape.items():
        for start in range(0, len(indices), size):
            part = indices[start : start + size]
            results.update(zip(part, run([frames[i] for i in part], shape), strict=True))
    return [results[index] for index in range(len(frames))]
