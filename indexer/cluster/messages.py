"""What a driver and the actors on the nodes say to each other.

They are passed by pickle, as all of Ray's are: any program that reaches a cluster's ports can run code
(docs/security.md). What checks versions is plain strings and mappings, so that another version can read it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from indexer.decode import Statistics
from indexer.sampling import CutFrame
from models.detector import Detections


@dataclass(frozen=True, slots=True)
class ModelName:
    """A model: how to load it (a name or a path), and the id that it must have."""

    spec: str
    id: str


@dataclass(frozen=True, slots=True)
class About:
    """An actor that is ready: the node that it is on, and the device that it computes on."""

    where: str
    device: str


@dataclass(frozen=True, slots=True)
class Order:
    """A recording to look at, at a path or URL.

    `name` is the one it came with, `size` and `glance` those of the file as the driver sees it;
    `detector_input` is the camera's wish.
    """

    place: str
    name: str
    size: int
    glance: str
    aspect: float | None
    detector_input: int | None
    model: ModelName


@dataclass(frozen=True, slots=True)
class Part:
    """Which runs of a recording: those from `begin` on that leave `number` when divided by `of`."""

    number: int = 0
    of: int = 1
    begin: int = 0


@dataclass(frozen=True, slots=True)
class Opened:
    """The recording is open: number of its video track, and what its header says of its length."""

    track: int
    expected_duration_us: int | None


@dataclass(frozen=True, slots=True)
class Run:
    """Frames that follow each other, what was counted until then, and seconds that each stage worked more."""

    frames: Sequence[tuple[CutFrame, Detections]]
    frames_decoded: int
    frames_bad: int
    seconds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Ended:
    """All has been read."""

    statistics: Statistics
    seconds: Mapping[str, float]
