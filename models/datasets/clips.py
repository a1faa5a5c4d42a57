"""From tracklets to clips of pixels, as training draws them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.datasets.frames import read_frame
from models.datasets.records import Tracklet
from models.datasets.sampler import by_identity
from models.datasets.truth import read_truth, resize_truth, truth_file
from models.preprocessing import Preprocessing, resize

Choice = Callable[[int, int, int, np.random.Generator], NDArray[np.int64]]
"""(frames of the tracklet, T, stride, generator) -> (T,) positions, ascending."""


class Draw(NamedTuple):
    """A tracklet to read, and the seed that its frames are chosen with."""

    tracklet: int
    seed: tuple[int, ...]


class Clip(NamedTuple):
    """One of a batch: pixels (T, 3, H, W) uint8, label, camera, and where asked for truth like the pixels."""

    pixels: Tensor
    label: int
    camera: int
    truth: Tensor | None = None


class Clips(NamedTuple):
    """A batch: pixels (N, T, 3, H, W) uint8, labels (N,) from 0 without gaps, cameras (N,).

    Where the data has it and training needs it, `truth` (N, T, 3, H, W) uint8 has body part, u and v of each
    pixel; part 0 is not the person. Where training asks for it, `clean` (N, T, 3, H, W) float has the clips
    standardised, and augmented in all but what hides the person.
    """

    pixels: Tensor
    labels: Tensor
    cameras: Tensor
    truth: Tensor | None = None
    clean: Tensor | None = None

    def to(self, device: str) -> "Clips":
        """The batch on a device."""
        pixels, labels, cameras = (x.to(device, non_blocking=True) for x in self[:3])
        truth = None if self.truth is None else self.truth.to(device, non_blocking=True)
        return Clips(pixels, labels, cameras, truth)


def strided_frames(length: int, frames: int, stride: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Choose frames as TKP does: evenly spaced from a random start where the tracklet is long enough.

    A shorter tracklet gives different random frames; one with fewer than `frames` gives some of them twice.
    """
    if length >= frames * stride:
        return rng.integers(length - frames * stride, endpoint=True) + np.arange(frames) * stride
    return np.sort(rng.choice(length, frames, replace=length < frames))


def part_frames(length: int, frames: int, _: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Choose a random frame from each of `frames` equal parts of the tracklet, as VKD does."""
    edges = np.arange(frames + 1) * length / frames
    return np.minimum(rng.uniform(edges[:-1], edges[1:]).astype(np.int64), length - 1)


def view_frames(tracklets: Sequence[Tracklet], frames: int, rng: np.random.Generator) -> list[Path]:
    """Choose frames of one person that show different views of them, in no order, as VKD teaches with (code).

    Each is a random frame of a random tracklet; a tracklet comes again only when all have been.
    """
    order = [tracklets[i] for i in rng.permutation(len(tracklets))]
    chosen = [order[n % len(order)] for n in range(frames)]
    files = [tracklet.frames[rng.integers(len(tracklet.frames))] for tracklet in chosen]
    return [files[i] for i in rng.permutation(frames)]


CHOICES: dict[str, Choice | None] = {"strided": strided_frames, "parts": part_frames, "views": None}


class ClipDataset(torch.utils.data.Dataset[Clip]):
    """Reads a clip of a tracklet: the same pixels for the same draw, in whatever process.

    Args:
        tracklets: each with one frame at least.
        preprocessing: gives the size; normalisation is left to the caller, who has the device.
        frames: T.
        stride: between frames, for choices that know one.
        choice: how frames of the tracklet are chosen; None for frames of all tracklets of its person
            (`view_frames`).
        truth: folder of the data set whose files of body parts are read too (see models.datasets.truth).
    """

    def __init__(
        self,
        tracklets: Sequence[Tracklet],
        preprocessing: Preprocessing,
        *,
        frames: int,
        stride: int,
        choice: Choice | None = strided_frames,
        truth: Path | None = None,
    ) -> None:
        self.tracklets = tracklets
        self.preprocessing = preprocessing
        self.frames = frames
        self.stride = stride
        self.choice = choice
        self.truth = truth
        self.people = by_identity(tracklets)
        identities = sorted(self.people)
        self.labels = {identity: label for label, identity in enumerate(identities)}

    def __getitem__(self, draw: Draw) -> Clip:
        """Read a clip. Raises BadDataset for a file that is not an image, or no truth of one."""
        tracklet = self.tracklets[draw.tracklet]
        rng = np.random.default_rng(draw.seed)
        if self.choice is None:
            own = [self.tracklets[i] for i in self.people[tracklet.identity]]
            frames = view_frames(own, self.frames, rng)
        else:
            positions = self.choice(len(tracklet.frames), self.frames, self.stride, rng)
            frames = [tracklet.frames[i] for i in positions]
        crops = [read_frame(frame) for frame in frames]
        truth = None
        if self.truth is not None:
            height, width = self.preprocessing.height, self.preprocessing.width
            files = [truth_file(self.truth, frame) for frame in frames]
            maps = [read_truth(file, crop.shape[:2]) for file, crop in zip(files, crops, strict=True)]
            truth = torch.stack([resize_truth(each, height, width) for each in maps])
        pixels = resize(crops, self.preprocessing)
        return Clip(pixels, self.labels[tracklet.identity], tracklet.camera, truth)


def collate(clips: Sequence[Clip]) -> Clips:
    """Stack clips to a batch."""
    pixels, labels, cameras, truth = zip(*clips, strict=True)
    stacked = None if truth[0] is None else torch.stack(truth)
    return Clips(torch.stack(pixels), torch.tensor(labels), torch.tensor(cameras), stacked)
