"""Records of a data set: its tracklets, and which of them are for training, query and gallery."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final

from models.errors import BadDataset

DISTRACTOR: Final = 0
"""Identity of tracklets of nobody known: negatives of every query (Zheng et al., MARS, ECCV 2016)."""

SPLIT: Final = " split "
"""Between the name of a data set and the number of one of its splits."""

JUNK: Final = -1
"""Identity of tracklets that an evaluation ignores."""


@dataclass(frozen=True, slots=True)
class Tracklet:
    """One person on one camera without a break; a single image is a tracklet of one frame.

    `identity` is the data set's own number, or DISTRACTOR, or JUNK; `frames` are image files in their order
    of time, at least one.
    """

    identity: int
    camera: int
    frames: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """Tracklets to train with, and those that ask (query) and are ranked (gallery) in a test.

    A gallery may hold the queries' own tracklets, as MARS does; the protocol removes what has the identity
    and the camera of the query.
    """

    train: tuple[Tracklet, ...]
    query: tuple[Tracklet, ...]
    gallery: tuple[Tracklet, ...]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set as published; several splits are evaluated one by one and averaged."""

    name: str
    splits: tuple[Split, ...]

    def only(self, number: int) -> "Dataset":
        """One of its splits, counted from 0, under a name that says so; all of it where it has no other.

        Raises:
            BadDataset: there is no such split.
        """
        if not 0 <= number < len(self.splits):
            raise BadDataset(f"no split {number} in {self.name}; choose one from 0 to {len(self.splits) - 1}")
        if len(self.splits) == 1:
            return self
        return Dataset(f"{self.name}{SPLIT}{number}", (self.splits[number],))


def cut_tracklets(tracklets: Sequence[Tracklet], length: int) -> tuple[Tracklet, ...]:
    """Cut tracklets into consecutive pieces, each a tracklet; the last one also has what is left over.

    So no piece is short: a tracklet of fewer than two lengths stays as it is. TKP trains on
    DukeMTMC-VideoReID in pieces of 32 frames (Gu et al. 2019, code).

    Args:
        tracklets: any.
        length: frames of a piece, at least 1; the last has fewer than twice as many.

    Raises:
        ValueError: a length below 1.
    """
    if length < 1:
        raise ValueError(f"pieces of {length} frames")
    pieces = []
    for tracklet in tracklets:
        count = max(1, len(tracklet.frames) // length)
        ends = [*range(length, count * length, length), len(tracklet.frames)]
        pieces += [
            replace(tracklet, frames=tracklet.frames[start:end]) for start, end in pairwise([0, *ends])
        ]
    return tuple(pieces)
