"""What every data set comes to: tracklets, and which of them train, ask and answer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

DISTRACTOR: Final = 0
"""Identity of tracklets of nobody known: negatives of every query (Zheng et al., MARS, ECCV 2016)."""

JUNK: Final = -1
"""Identity of tracklets that an evaluation ignores."""


@dataclass(frozen=True, slots=True)
class Tracklet:
    """One person on one camera without a break; a single image is a tracklet of one frame.

    `identity` is the data set's own number, or DISTRACTOR, or JUNK; `frames` are picture files in their order
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
