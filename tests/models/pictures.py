"""Data sets of tiny coloured pictures, and networks that see colours."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from models.datasets.records import Tracklet
from models.embedder import Features, normalise
from models.errors import BadClip
from models.preprocessing import Crop


class ColourNetworks:
    """The image network sees the mean colour (3 numbers), the video network its mean over the frames.

    `batches` has the frames of every call, so that tests see what was embedded and in which parts.
    """

    name = "colours"
    id = "c" * 64

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    def embed_images(self, crops: Sequence[Crop]) -> Features:
        self.batches.append([0] * len(crops))
        return normalise(np.stack([colour(crop) for crop in crops]))

    def embed_clips(self, clips: Sequence[Sequence[Crop]]) -> Features:
        self.batches.append([len(clip) for clip in clips])
        if any(len(clip) not in range(1, 33) for clip in clips):
            raise BadClip("a clip has 1 to 32 frames")
        return np.stack([np.mean([colour(crop) for crop in clip], axis=0) for clip in clips])


def colour(crop: Crop) -> Features:
    mean: Features = crop.reshape(-1, 3).mean(axis=0).astype(np.float32) / 255
    return mean


def make_tracklet(
    folder: Path, identity: int, camera: int, colours: Sequence[tuple[int, int, int]], name: str = ""
) -> Tracklet:
    """A tracklet with a picture for each colour, written as PNG: exact."""
    frames = []
    for number, value in enumerate(colours):
        frames.append(folder / f"{name}{identity}c{camera}f{number}.png")
        Image.new("RGB", (4, 8), value).save(frames[-1])
    return Tracklet(identity, camera, tuple(frames))
