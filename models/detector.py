"""Person detectors: frames in, boxes out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from PIL import Image

from models.errors import UnknownModel
from models.preprocessing import Crop, check_image

FloatArray = NDArray[np.float32]
WEIGHTS: Final = Path(__file__).parent / "weights" / "nanodet-g.onnx"


@dataclass(frozen=True, slots=True)
class Detections:
    """Persons on one frame, best first: boxes (N, 4) x1, y1, x2, y2 in its pixels, scores (N,)."""

    boxes: FloatArray
    scores: FloatArray


class Detector(Protocol):
    """What finds persons."""

    name: str

    def detect(self, frames: Sequence[Crop]) -> list[Detections]:
        """Persons on each frame; frames are (h, w, 3) uint8 RGB of any sizes."""


class NanoDet:
    """NanoDet-g (Lyu 2021), one ONNX file for any input size that is a multiple of 32."""

    MEAN = np.array([103.53, 116.28, 123.675], dtype=np.float32)  # blue, green, red
    STD = np.array([57.375, 57.12, 58.395], dtype=np.float32)
    STRIDES = (8, 16, 32)

    def __init__(self, *, input_size: int = 416, threshold: float = 0.45, threads: int | None = None) -> None:
        self.name = f"nanodet-g-{input_size}"
        self.input_size, self.threshold = input_size, threshold
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads or 0
        self._session = ort.InferenceSession(str(WEIGHTS), options, providers=["CPUExecutionProvider"])
        self._outputs = [f"Identity{s}:0" for s in ("", "_1", "_2", "_3", "_4", "_5")]

    def detect(self, frames: Sequence[Crop]) -> list[Detections]:
        """See Detector."""
        return [self._detect_one(frame) for frame in frames]

    def _detect_one(self, frame: Crop) -> Detections:
        check_image(frame)
        height, width = frame.shape[:2]
        scale = self.input_size / max(height, width)
        in_h, in_w = (max(32, -(-round(side * scale) // 32) * 32) for side in (height, width))
        resized = np.asarray(Image.fromarray(frame).resize((in_w, in_h), Image.Resampling.BILINEAR))
        tensor = ((resized[..., ::-1] - self.MEAN) / self.STD).transpose(2, 0, 1)[None]
        outputs = self._session.run(self._outputs, {"input_1:0": np.ascontiguousarray(tensor)})
        boxes, scores = [], []
        for stride, classes, distances in zip(self.STRIDES, outputs[:3], outputs[3:], strict=True):
            cells = np.flatnonzero(classes[0, :, 0] > self.threshold)
            columns = in_w // stride
            centres = np.stack([cells % columns + 0.5, cells // columns + 0.5], axis=1) * stride
            bins = distances[0, cells].reshape(-1, 4, 11)
            weights = np.exp(bins - bins.max(axis=2, keepdims=True))
            sides = (weights @ np.arange(11)) / weights.sum(axis=2) * stride
            boxes.append(np.concatenate([centres - sides[:, :2], centres + sides[:, 2:]], axis=1))
            scores.append(classes[0, cells, 0])
        all_boxes = np.concatenate(boxes) * np.array([width / in_w, height / in_h] * 2)
        all_boxes = all_boxes.clip(0, [width, height] * 2).astype(np.float32)
        all_scores = np.concatenate(scores)
        kept = nms(all_boxes, all_scores, 0.5)
        return Detections(all_boxes[kept], all_scores[kept])


def nms(boxes: FloatArray, scores: FloatArray, threshold: float) -> NDArray[np.intp]:
    """Indices of boxes that no better box overlaps by more than `threshold` IoU, best first."""
    order = np.argsort(-scores, kind="stable")
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        corner = np.maximum(boxes[best, :2], boxes[order, :2])
        sides = np.maximum(0, np.minimum(boxes[best, 2:], boxes[order, 2:]) - corner)
        overlap = sides[:, 0] * sides[:, 1]
        order = order[overlap <= threshold * (areas[best] + areas[order] - overlap)]
    return np.array(kept, dtype=np.intp)


def create_detector(
    spec: str = "nanodet",
    *,
    input_size: int = 416,
    threshold: float = 0.45,
    device: str = "auto",
    threads: int | None = None,
) -> Detector:
    """Make a detector by name. Raises UnknownModel."""
    if spec != "nanodet":
        raise UnknownModel(f"no detector named {spec!r}")
    return NanoDet(input_size=input_size, threshold=threshold, threads=threads)
