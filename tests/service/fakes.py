"""Small real networks: one that sees colours, one that finds what stands out from the background."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gallery import ModelInfo
from models.detector import Detections
from service.pixels import Pixels
from tests.service.videos import BACKGROUND


class ColourEmbedder:
    """Embeds a crop by its histogram of colours, 4 steps a channel."""

    id = "c" * 64
    name = "colour-histogram"
    dimension = 64
    device = "cpu"
    card: Mapping[str, Any] = {"name": "colour-histogram"}

    def __init__(self, warning: str | None = "It sees nothing but colours.") -> None:
        self.warning = warning

    def embed_images(self, crops: Sequence[Pixels]) -> NDArray[np.float32]:
        """(N, 64), L2-normalised."""
        steps = [crop.reshape(-1, 3).astype(int) // 64 @ [16, 4, 1] for crop in crops]
        features = np.stack([np.bincount(colours, minlength=self.dimension) for colours in steps])
        normalised: NDArray[np.float32] = (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(
            np.float32
        )
        return normalised

    @property
    def info(self) -> ModelInfo:
        """The model as the gallery records it."""
        return ModelInfo(self.id, self.name, self.dimension, self.card)


class ContrastDetector:
    """Finds what differs from the background, one person for each group of columns."""

    name = "contrast"
    device = "cpu"

    def detect(self, frames: Sequence[Pixels]) -> list[Detections]:
        """See models.detector.Detector."""
        return [self._one(frame) for frame in frames]

    def _one(self, frame: Pixels) -> Detections:
        differs = np.abs(frame.astype(int) - BACKGROUND).max(axis=2) > 40
        columns = np.flatnonzero(differs.mean(axis=0) > 0.1)
        groups = np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1) if len(columns) else []
        boxes = []
        for group in groups:
            rows = np.flatnonzero(differs[:, group].any(axis=1))
            boxes.append((group[0], rows[0], group[-1] + 1, rows[-1] + 1))
        return Detections(
            boxes=np.array(boxes, dtype=np.float32).reshape(-1, 4),
            scores=np.full(len(boxes), 0.9, dtype=np.float32),
        )
