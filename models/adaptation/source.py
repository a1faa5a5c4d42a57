"""What adaptation asks of the place that tracklets come from: facts first, crops when they are wanted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.preprocessing import Crop

Times = NDArray[np.int64]
Boxes = NDArray[np.float32]


def _no_times() -> Times:
    return np.zeros(0, dtype=np.int64)


def _no_boxes() -> Boxes:
    return np.zeros((0, 4), dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A tracklet as its source knows it: when and where somebody was seen, and not who.

    Attributes:
        id: its name in the source; unique, and the same whenever the source is asked.
        camera: name of its camera.
        recording: name of the recording it is from. Times are compared within a recording only, as clocks of
            two recordings may differ.
        start, end: UTC, in seconds since 1970; both 0 where the source does not know.
        times: (B,) times of the frames in which it was detected, in milliseconds on the recording's clock,
            ascending. Empty where there are none, such as for imported crops.
        boxes: (B, 4) x1, y1, x2, y2 in pixels at these times.
    """

    id: str
    camera: str
    recording: str
    start: float = 0.0
    end: float = 0.0
    times: Times = field(default_factory=_no_times)
    boxes: Boxes = field(default_factory=_no_boxes)


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """The crops of a tracklet, or why there are none.

    Attributes:
        id: of the tracklet.
        images: at most eight are used: the best by quality, spread over the tracklet, in their order of
            time. RGB of any size, cut from the recording as they are.
        missing: where there are no crops, why, in words for the report, such as "recording lobby.mp4 is
            gone".
    """

    id: str
    images: Sequence[Crop] = ()
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What people said of the tracklets of one person.

    Attributes:
        search: names where they said it, for the report.
        same: ids of tracklets that show the person, the surest first.
        others: ids of tracklets that show somebody else.
    """

    search: str
    same: Sequence[str]
    others: Sequence[str]


class Source(Protocol):
    """Where tracklets come from; a gallery, or a data set whose labels nobody looks at."""

    @property
    def name(self) -> str:
        """What the model's card calls it."""

    def sightings(self) -> Sequence[Sighting]:
        """All tracklets to choose from, in the same order whenever it is asked."""

    def verdicts(self) -> Sequence[Verdicts]:
        """What people said of its tracklets; ids that `sightings` does not have are passed over."""

    def crops(self, ids: Sequence[str]) -> Iterator[Crops]:
        """The crops of these tracklets, each once, in the order that is cheapest to read.

        Asked only for what is wanted, and after a restart only for what is still lacking. What comes is kept
        in the state folder, so recordings are decoded once.
        """
