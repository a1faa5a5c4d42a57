"""Networks that are simple enough to know what they answer: they see the colours of the drawn figures."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.detector import Detections
from models.preprocessing import Preprocessing
from tests.browser.scenes import Background, Pixels, lobby, platform, street

Features = NDArray[np.float32]
WARNING = "Drawn figures, compared by the colours of their clothes; no trained model is at work here."


class ColourEmbedder:
    """Features are the mean colours of chest and legs, so that equal clothes are near."""

    id = "c0105e" * 10 + "c010"
    name = "colours"
    dimension = 6
    device = "cpu"
    preprocessing = Preprocessing(height=64, width=32)
    warning: str | None = WARNING
    card: Mapping[str, Any] = {"warning": WARNING}

    def embed_images(self, crops: Sequence[Pixels]) -> Features:
        """Features of person crops: (N, 6), L2-normalised."""
        return np.stack([self._embed(crop) for crop in crops])

    def embed_clips(self, clips: Sequence[Sequence[Pixels]]) -> Features:
        """Features of clips: (N, 6), the mean over the frames of each."""
        return np.stack([self.embed_images(clip).mean(axis=0) for clip in clips])

    def _embed(self, crop: Pixels) -> Features:
        small = np.asarray(Image.fromarray(crop).resize((32, 64), Image.Resampling.BOX), dtype=np.float32)
        chest = small[14:34, 11:21].mean(axis=(0, 1))
        legs = small[38:58, 11:21].mean(axis=(0, 1))
        feature = np.concatenate([chest, legs]) - 120
        return np.asarray(feature / max(float(np.linalg.norm(feature)), 1e-6), dtype=np.float32)


class DifferenceDetector:
    """Finds what stands before one of the known backgrounds; on any other picture it finds nobody."""

    name = "difference"
    device = "cpu"
    places: Sequence[Background] = (lobby, street, platform)

    def detect(self, frames: Sequence[Pixels]) -> list[Detections]:
        """One box for each run of columns that differ from the background, the widest first."""
        return [self._detect(frame) for frame in frames]

    def _detect(self, frame: Pixels) -> Detections:
        height, width = frame.shape[:2]
        differences = [np.abs(_empty(place, width, height) - frame).max(axis=2) for place in self.places]
        nearest = min(differences, key=lambda difference: float(np.median(difference)))
        foreground = nearest > 40
        if float(np.median(nearest)) > 8:
            foreground[:] = False
        boxes = [self._box(foreground, columns) for columns in _runs(foreground.sum(axis=0) > height * 0.04)]
        scores = np.array([0.9 - 0.01 * i for i in range(len(boxes))], dtype=np.float32)
        return Detections(np.array(boxes, dtype=np.float32).reshape(-1, 4), scores)

    def _box(self, foreground: NDArray[np.bool_], columns: tuple[int, int]) -> tuple[int, int, int, int]:
        rows = np.flatnonzero(foreground[:, columns[0] : columns[1]].any(axis=1))
        return columns[0], int(rows[0]), columns[1], int(rows[-1]) + 1


@cache
def _empty(place: Background, width: int, height: int) -> NDArray[np.int16]:
    """A place with nobody on it; drawn once, as a recording asks for it with every frame."""
    picture = place(width * 2, height * 2).resize((width, height), Image.Resampling.BOX)
    return np.asarray(picture, dtype=np.int16)


def _runs(on: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Start and end of each run of True that is at least 8 long."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], on, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= 8]
