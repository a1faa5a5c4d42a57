"""OpenVINO files that users bring along: SSD-style person detectors such as Open Model Zoo's retail-0013."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

import numpy as np

from models.detectors.base import Detections, finish
from models.errors import DetectorError, DeviceUnavailable
from models.preprocessing import Crop, check_image, resample

PERSON: Final = 1


class OpenVino:
    """A detector of the Open Model Zoo by OpenVINO on the CPU: plain resize, blue first, boxes as fractions.

    Args:
        path: of the .xml file; the .bin file lies beside it.
        threshold: least score of a person.
        device: "auto" or "cpu".
        threads: threads of one run; None for one a core.

    Raises:
        DetectorError: OpenVINO is not installed, or the file is not there or not such a detector.
        DeviceUnavailable: a device other than the CPU was asked for.
    """

    def __init__(
        self, path: Path, *, threshold: float = 0.45, device: str = "auto", threads: int | None = None
    ) -> None:
        if device not in {"auto", "cpu"}:
            raise DeviceUnavailable(f"OpenVINO detectors run on the CPU here, not on {device!r}")
        if not path.is_file():
            raise DetectorError(f"no file {path}")
        try:
            openvino = import_module("openvino")
        except ImportError as error:
            raise DetectorError("openvino is not installed: pip install openvino") from error
        properties = {"INFERENCE_NUM_THREADS": threads} if threads else {}
        try:
            self._network = openvino.Core().compile_model(str(path), "CPU", properties)
        except RuntimeError as error:
            raise DetectorError(f"{path} is not a network that OpenVINO can run: {error}") from error
        shape = list(self._network.input(0).shape)
        if len(shape) != 4 or shape[1] != 3 or len(self._network.inputs) != 1:
            raise DetectorError(f"{path} is not a person detector: its input is {shape}, not 1 x 3 x H x W")
        self._height, self._width = int(shape[2]), int(shape[3])
        self._path = path
        self._threshold = threshold
        self.name = f"openvino:{path.name}"
        self.device = "cpu"

    def detect(self, frames: Sequence[Crop]) -> list[Detections]:
        """Find the persons on each frame, as Detector.detect says."""
        return [self._detect_one(frame) for frame in frames]

    def _detect_one(self, frame: Crop) -> Detections:
        check_image(frame)
        planes = resample(frame, self._height, self._width, mode="bilinear").numpy()[::-1]  # blue first
        # A request of its own: the network's one shared request mixes up the images of several threads.
        output = np.asarray(self._network.infer_new_request(planes[None].astype(np.float32))[0])
        if output.ndim != 4 or output.shape[3] != 7:
            raise DetectorError(f"{self._path} answered {output.shape}, not (1, 1, N, 7)")
        rows = output.reshape(-1, 7)  # image (-1: empty), label, score, x1, y1, x2, y2 as fractions
        rows = rows[(rows[:, 0] >= 0) & (rows[:, 1] == PERSON) & ~(rows[:, 2] <= self._threshold)]
        scale = float(frame.shape[1]), float(frame.shape[0])
        return finish(rows[:, 3:7], rows[:, 2], frame, scale, nms_iou=None)
