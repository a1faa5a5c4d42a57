"""Simulated people in each batch, so that what the parent knew of people at large is not forgotten."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from models.datasets.frames import read_frame
from models.datasets.records import DISTRACTOR, JUNK, Tracklet
from models.datasets.sampler import balanced_batches, by_identity
from models.preprocessing import Preprocessing, resize


class Rehearsal:
    """Draws simulated people whose identities are known.

    Args:
        tracklets: of them.
        people: in a batch.
        crops: of each.
        preprocessing: of the network.
        seed: of the draws.
    """

    def __init__(
        self,
        tracklets: Sequence[Tracklet],
        people: int,
        crops: int,
        preprocessing: Preprocessing,
        seed: int,
    ) -> None:
        self._tracklets = [t for t in tracklets if t.identity not in {DISTRACTOR, JUNK}]
        self._people = min(people, len(by_identity(self._tracklets)))
        self._crops, self._preprocessing, self._seed = crops, preprocessing, seed
        self._epoch: list[list[int]] = []
        self._number = -1

    def batch(self, number: int) -> tuple[Tensor, Tensor]:
        """Batch `number` of the whole run: pixels (n, 3, H, W) uint8 and identities (n,).

        Raises:
            BadDataset: a crop cannot be read.
        """
        per_epoch = len(by_identity(self._tracklets)) // self._people
        members = self._batches(number // per_epoch)[number % per_epoch]
        rng = np.random.default_rng([self._seed, number, 2])
        frames = [self._tracklets[i].frames for i in members]
        crops = [read_frame(own[int(rng.integers(len(own)))]) for own in frames]
        identities = torch.tensor([self._tracklets[i].identity for i in members])
        return resize(crops, self._preprocessing), identities

    def __bool__(self) -> bool:
        """Whether there are enough people to tell apart."""
        return self._people > 1

    def _batches(self, epoch: int) -> list[list[int]]:
        if epoch != self._number:
            rng = np.random.default_rng([self._seed, epoch, 1])
            self._epoch = balanced_batches(self._tracklets, self._people, self._crops, rng)
            self._number = epoch
        return self._epoch
