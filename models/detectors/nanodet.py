"""NanoDet-g: the detector that comes with the project.

Lyu, "NanoDet", github.com/RangiLyu/nanodet (Apache-2.0); models/weights/ says how the file came here. In the
manner of Li et al., "Generalized Focal Loss", NeurIPS 2020, each side of a box is the expectation of a
distribution over distances from the centre of a cell.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.detectors.base import Detections, FloatArray, finish, in_batches, nms
from models.detectors.changes import CELL, Part, Watched, inside, is_cut, parts_to_look_at
from models.detectors.onnx import open_session
from models.preprocessing import Crop, check_image, resample

WEIGHTS: Final = Path(__file__).parents[1] / "weights" / "nanodet-g.onnx"
STRIDES: Final = (8, 16, 32)
BINS: Final = 11
PERSON: Final = 0
NMS_IOU: Final = 0.5
BATCH: Final = 4  # larger ones gain nothing on a CPU and cost memory
MOST_IN_PARTS: Final = 0.75  # of the image; beyond it one run of the whole costs less

# The network takes blue, green, red; pixels are 0..255. A table of 256 values a channel standardises uint8
# pixels in one pass.
_MEAN = np.array([103.53, 116.28, 123.675])
_STD = np.array([57.375, 57.12, 58.395])
_STANDARDISED: Final[FloatArray] = ((np.arange(256) - _MEAN[:, None]) / _STD[:, None]).astype(np.float32)

Planes = NDArray[np.uint8]

_INPUT: Final = "input_1:0"
# By name: the file lists its outputs in another order. Class scores of the three strides, then distances.
_OUTPUTS: Final = tuple(f"Identity{suffix}:0" for suffix in ("", "_1", "_2", "_3", "_4", "_5"))


class NanoDet:
    """NanoDet-g by ONNX Runtime.

    Its coarsest stride is 32, so it is weak on persons taller than about 60 % of the input: for a camera that
    sees people close, a smaller `input_size` finds more.

    Args:
        input_size: long side of the network's input; 320, 416 and 640 are measured.
        threshold: least score of a person.
        device: "auto", "cpu" or "cuda:N".
        threads: threads of one run; None for one a core.

    Raises:
        DeviceUnavailable: the device is not available.
    """

    def __init__(
        self,
        *,
        input_size: int = 416,
        threshold: float = 0.45,
        device: str = "auto",
        threads: int | None = None,
    ) -> None:
        self.name = f"nanodet-g-{input_size}"
        self._input_size = input_size
        self._threshold = threshold
        self._session, self.device = open_session(WEIGHTS, device, threads)

    def detect(self, frames: Sequence[Crop]) -> list[Detections]:
        """Find the persons on each frame, as Detector.detect says."""
        return in_batches(frames, lambda frame: input_shape(frame, self._input_size), self._run, BATCH)

    def detect_consecutive(self, frames: Sequence[Crop]) -> list[Detections]:
        """As ConsecutiveDetector.detect_consecutive says."""
        if len({frame.shape for frame in frames}) > 1:
            return self.detect(frames)
        found: list[Detections] = []
        watched: Watched | None = None
        for frame in frames:
            shape = input_shape(frame, self._input_size)
            planes = planes_of(frame, shape)
            if watched is None:
                watched = Watched(planes)
                boxes, scores = self._look(planes, watched.whole)
            else:
                boxes, scores = self._look_again(planes, watched, boxes, scores)
            found.append(self._finished(boxes, scores, frame, shape))
        return found

    def _look_again(
        self, planes: Planes, watched: Watched, boxes: FloatArray, scores: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Boxes and scores as they are now, from those of the frame before, in pixels of the input."""
        changed, blocks = watched.changed(planes)
        parts = parts_to_look_at(changed, boxes)
        if sum(part.cells for part in parts) <= MOST_IN_PARTS * changed.size:
            looks = [(part, *self._look(planes, part)) for part in parts]
            if not any(is_cut(new, part, watched.whole) for part, new, _ in looks):
                stays = np.ones(len(boxes), dtype=bool)
                for part, _, _ in looks:
                    stays &= ~inside(boxes, part)
                    watched.look(blocks, part)
                new_boxes = [boxes[stays], *(new for _, new, _ in looks)]
                return np.concatenate(new_boxes), np.concatenate([scores[stays], *(s for _, _, s in looks)])
        watched.look(blocks, watched.whole)
        return self._look(planes, watched.whole)

    def _look(self, planes: Planes, part: Part) -> tuple[FloatArray, FloatArray]:
        """Boxes (N, 4) in pixels of the input and scores (N,) of the persons in a part of it, best first."""
        cut = planes[:, part.top * CELL : part.bottom * CELL, part.left * CELL : part.right * CELL]
        boxes, scores = self._persons(standardised([cut]))[0]
        offset = np.array([part.left * CELL, part.top * CELL] * 2, dtype=np.float32)
        kept = nms(boxes, scores, NMS_IOU)
        return boxes[kept] + offset, scores[kept]

    def _run(self, frames: list[Crop], shape: tuple[int, int]) -> list[Detections]:
        persons = self._persons(prepare(frames, shape))
        return [
            self._finished(boxes, scores, frame, shape)
            for frame, (boxes, scores) in zip(frames, persons, strict=True)
        ]

    def _persons(self, batch: FloatArray) -> list[tuple[FloatArray, FloatArray]]:
        """Boxes in pixels of the input and scores, of each image of a batch (N, 3, height, width)."""
        outputs = self._session.run(list(_OUTPUTS), {_INPUT: batch})
        found = []
        for index in range(len(batch)):
            scores = [output[index, :, PERSON] for output in outputs[:3]]
            distances = [output[index] for output in outputs[3:]]
            found.append(decode(scores, distances, batch.shape[3], self._threshold))
        return found

    def _finished(
        self, boxes: FloatArray, scores: FloatArray, frame: Crop, shape: tuple[int, int]
    ) -> Detections:
        scale = frame.shape[1] / shape[1], frame.shape[0] / shape[0]
        return finish(boxes, scores, frame, scale, nms_iou=NMS_IOU)


def input_shape(frame: Crop, size: int) -> tuple[int, int]:
    """Height and width of the input for a frame: long side `size`, both rounded up to a multiple of 32.

    Raises:
        BadImage: not an image.
    """
    check_image(frame)
    height, width = frame.shape[:2]
    scale = size / max(height, width)
    return _round_up(height * scale), _round_up(width * scale)


def _round_up(side: float) -> int:
    return max(32, -(-round(side) // 32) * 32)


def prepare(frames: Sequence[Crop], shape: tuple[int, int]) -> FloatArray:
    """Resize and standardise: (N, 3, height, width) float32, channels blue, green, red."""
    return standardised([planes_of(frame, shape) for frame in frames])


def planes_of(frame: Crop, shape: tuple[int, int]) -> Planes:
    """Resize: (h, w, 3) -> (3, height, width) uint8, channels red, green, blue."""
    return np.asarray(resample(frame, *shape, mode="bilinear").numpy())


def standardised(images: Sequence[Planes]) -> FloatArray:
    """What the network takes: N times (3, height, width) uint8 -> (N, 3, height, width), blue, green, red."""
    batch = np.empty((len(images), *images[0].shape), dtype=np.float32)
    for index, planes in enumerate(images):
        for channel in range(3):
            np.take(_STANDARDISED[channel], planes[2 - channel], out=batch[index, channel], mode="clip")
    return batch


def decode(
    scores: Sequence[FloatArray], distances: Sequence[FloatArray], width: int, threshold: float
) -> tuple[FloatArray, FloatArray]:
    """Boxes of the cells whose score is above the threshold; no other cell is looked at.

    Args:
        scores: for each stride (A,), the person score of each cell, rows of cells end to end.
        distances: for each stride (A, 44), logits of left, top, right and bottom over 0..10 strides.
        width: of the input in pixels, which says how long a row is.
        threshold: least score.

    Returns:
        Boxes (N, 4) x1, y1, x2, y2 in pixels of the input, and their scores (N,).
    """
    boxes, kept = [], []
    for stride, cell_scores, logits in zip(STRIDES, scores, distances, strict=True):
        cells = np.flatnonzero(cell_scores > threshold)
        rows, columns = np.divmod(cells, width // stride)
        centres = (np.stack([columns, rows], axis=1) + 0.5) * stride  # (n, 2)
        sides = expectation(logits[cells].reshape(-1, 4, BINS)) * stride  # (n, 4)
        boxes.append(np.concatenate([centres - sides[:, :2], centres + sides[:, 2:]], axis=1))
        kept.append(cell_scores[cells])
    return np.concatenate(boxes).astype(np.float32), np.concatenate(kept)


def expectation(logits: FloatArray) -> NDArray[np.float32]:
    """Mean bin under softmax: (..., BINS) -> (...)."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(weights @ np.arange(BINS, dtype=np.float32) / weights.sum(axis=-1))
