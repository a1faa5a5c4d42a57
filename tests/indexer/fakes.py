"""A detector that finds the drawn figures by their colour, and a network small enough for any test."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.detector import Detections
from models.preprocessing import Preprocessing, resize
from tests.indexer.videos import PALETTE
from tests.waiting import take_time


class ColourDetector:
    """Finds one figure of each colour of the palette. `seconds` a batch can make it slow."""

    name = "colours"
    device = "cpu"

    def __init__(self, *, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def detect(self, frames: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        take_time(self.seconds)
        return [self._detect(frame) for frame in frames]

    def _detect(self, frame: NDArray[np.uint8]) -> Detections:
        boxes = []
        pixels = frame.astype(np.int16)
        for colour in PALETTE:
            strong = int(np.argmax(colour))
            others = [channel for channel in range(3) if channel != strong]
            found = pixels[..., strong] - pixels[..., others].max(axis=2) > 50
            if found.sum() < 100:
                continue
            rows, columns = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
            boxes.append((columns[0], rows[0], columns[-1] + 1, rows[-1] + 1))
        return Detections(
            np.array(boxes, dtype=np.float32).reshape(-1, 4), np.full(len(boxes), 0.9, dtype=np.float32)
        )


class TinyEmbedder:
    """Mean colours of a grid over the crop: 24 numbers, with the interface of models.embedder.Embedder."""

    name = "tiny"
    device = "cpu"
    dimension = 24
    warning: str | None = None
    preprocessing = Preprocessing(height=64, width=32)

    def __init__(self, *, model: str = "0", seconds: float = 0.0) -> None:
        self.id = model * 64
        self.card: Mapping[str, Any] = {"name": self.name}
        self.seconds = seconds
        self.batches: list[int] = []

    def embed_clips(self, clips: Sequence[Sequence[NDArray[np.uint8]]]) -> NDArray[np.float32]:
        take_time(self.seconds)
        self.batches.append(sum(map(len, clips)))
        return np.stack([self._features(clip).mean(axis=0) for clip in clips])

    def embed_images(self, crops: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        features = self._features(crops)
        normalised: NDArray[np.float32] = features / np.linalg.norm(features, axis=1, keepdims=True)
        return normalised

    def _features(self, crops: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        pixels = resize(crops, self.preprocessing).numpy().astype(np.float32)  # (N, 3, 64, 32)
        means = pixels.reshape(len(crops), 3, 4, 16, 2, 16).mean(axis=(3, 5))  # (N, 3, 4, 2)
        features: NDArray[np.float32] = means.reshape(len(crops), 24) / 255 - 0.5
        return features
