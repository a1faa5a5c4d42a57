"""Tracklets of drawn people: an identity is the colours of its two halves, a camera its brightness."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from models.datasets.records import Tracklet
from models.datasets.truth import truth_file


def draw_tracklets(
    folder: Path, *, identities: int, cameras: int = 2, frames: int = 3, size: tuple[int, int] = (32, 16)
) -> tuple[Tracklet, ...]:
    """Write frames as files, a folder an identity; identities count from 1, one tracklet a camera."""
    rng = np.random.default_rng(0)
    tracklets = []
    for identity in range(1, identities + 1):
        halves = rng.uniform(40, 200, (2, 3))
        own = folder / f"{identity:04d}"
        own.mkdir(parents=True)
        for camera in range(1, cameras + 1):
            files = []
            for frame in range(frames):
                picture = np.repeat(halves, size[0] // 2, axis=0)[:, None].repeat(size[1], axis=1)
                picture = picture * (0.7 + 0.3 * camera / cameras) + rng.normal(0, 8, picture.shape)
                file = own / f"{identity:04d}C{camera}T0001F{frame:03d}.png"
                Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(file)
                files.append(file)
            tracklets.append(Tracklet(identity, camera, tuple(files)))
    return tuple(tracklets)


def draw_truth(root: Path, tracklets: Iterable[Tracklet]) -> None:
    """Write the body parts of drawn tracklets in folders in `root`: the upper half torso, the lower a leg."""
    for frame in (frame for tracklet in tracklets for frame in tracklet.frames):
        with Image.open(frame) as picture:
            width, height = picture.size
        rows, columns = np.mgrid[:height, :width]
        part = np.where(rows < height // 2, 2, 9)
        truth = np.stack([part, columns * 255 // width, 255 - rows * 255 // height], axis=2)
        file = truth_file(root, frame)
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(truth.astype(np.uint8)).save(file)
