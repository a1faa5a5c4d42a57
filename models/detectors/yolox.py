"""YOLOX ONNX files that users bring along.

Ge et al., "YOLOX", 2021, arXiv 2107.08430, as its own exporter writes it: raw outputs, no NMS inside, pixels
0..255.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from models.detectors.base import Detections, FloatArray, finish, in_batches
from models.detectors.onnx import open_session
from models.errors import DetectorError
from models.onnx_runtime import ORT_ERRORS
from models.preprocessing import Crop, check_image, resample

STRIDES: Final = (8, 16, 32)
PADDING: Final = 114
NMS_IOU: Final = 0.5


class Yolox:
    """A YOLOX network by ONNX Runtime.

    Args:
        path: of the ONNX file.
        input_size: side of the square input, for files that leave it open; others say it themselves.
        threshold: least score (objectness times person) of a person.
        device: "auto", "cpu" or "cuda:N".
        threads: threads of one run; None for one a core.

    Raises:
        DetectorError: there is no such file, or it is not a YOLOX network.
        DeviceUnavailable: the device is not available.
    """

    def __init__(
        self,
        path: Path,
        *,
        input_size: int = 416,
        threshold: float = 0.45,
        device: str = "auto",
        threads: int | None = None,
    ) -> None:
        self._path = path
        self._threshold = threshold
        self._session, self.device = open_session(path, device, threads)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        shape = list(inputs[0].shape)
        if len(inputs) != 1 or len(outputs) != 1 or len(shape) != 4 or shape[1] != 3:
            raise DetectorError(
                f"{path} is not a YOLOX network: one input N x 3 x H x W and one output expected"
            )
        self._input = inputs[0].name
        self._shape = tuple(side if isinstance(side, int) else input_size for side in shape[2:])
        self._batch = shape[0] if isinstance(shape[0], int) else 4
        if any(side % STRIDES[-1] for side in self._shape):
            raise DetectorError(f"{path}: the input {self._shape} is not a multiple of {STRIDES[-1]}")
        self._centres, self._strides = grid(*self._shape)
        self.name = f"onnx:{path.name}"

    def detect(self, frames: Sequence[Crop]) -> list[Detections]:
        """Find the persons on each frame, as Detector.detect says."""
        for frame in frames:
            check_image(frame)
        height, width = self._shape
        return in_batches(frames, lambda _frame: (height, width), self._run, self._batch)

    def _run(self, frames: list[Crop], shape: tuple[int, int]) -> list[Detections]:
        batch = np.full((self._batch, 3, *shape), PADDING, dtype=np.float32)
        ratios = [letterbox(frame, batch[index]) for index, frame in enumerate(frames)]
        try:
            (output,) = self._session.run(None, {self._input: batch})
        except ORT_ERRORS as error:
            raise DetectorError(f"{self._path} failed: {error}") from error
        if output.ndim != 3 or output.shape[1] != len(self._strides) or output.shape[2] < 6:
            raise DetectorError(
                f"{self._path} answered {output.shape}; a YOLOX network of input {shape} "
                f"answers (N, {len(self._strides)}, 5 + classes)"
            )
        found = []
        for frame, ratio, rows in zip(frames, ratios, output, strict=False):
            boxes, scores = self._decode(rows)
            found.append(finish(boxes, scores, frame, (1 / ratio, 1 / ratio), nms_iou=NMS_IOU))
        return found

    def _decode(self, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Of (A, 5 + classes): boxes (N, 4) in pixels of the input and scores (N,) above the threshold."""
        scores = rows[:, 4] * rows[:, 5]  # objectness times the first class, person
        cells = np.flatnonzero(~(scores <= self._threshold))  # not-a-numbers stay, for `finish` to refuse
        strides = self._strides[cells, None]
        centres = (rows[cells, :2] + self._centres[cells]) * strides
        sizes = np.exp(rows[cells, 2:4]) * strides
        return np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1), scores[cells]


def grid(height: int, width: int) -> tuple[FloatArray, FloatArray]:
    """Column and row (A, 2) and stride (A,) of every cell, stride 8 first, rows of cells end to end."""
    cells, strides = [], []
    for stride in STRIDES:
        rows, columns = np.divmod(np.arange((height // stride) * (width // stride)), width // stride)
        cells.append(np.stack([columns, rows], axis=1))
        strides.append(np.full(len(rows), stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(strides).astype(np.float32)


def letterbox(frame: Crop, target: FloatArray) -> float:
    """Write a frame, aspect kept, blue first, into the top left of (3, H, W); returns the scale applied."""
    height, width = target.shape[1:]
    ratio: float = min(height / frame.shape[0], width / frame.shape[1])
    rows, columns = max(1, int(frame.shape[0] * ratio)), max(1, int(frame.shape[1] * ratio))
    target[:, :rows, :columns] = resample(frame, rows, columns, mode="bilinear").numpy()[::-1]
    return ratio
