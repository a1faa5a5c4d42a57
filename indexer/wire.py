"""What a decoder's process and the process that asked for it say to each other.

Requests go down the decoder's standard input and answers come up its standard output, a line of JSON each;
images lie in memory that both map, in slots that are filled in turn. For each image that was taken out
of its slot one byte goes down.
"""

import json
from dataclasses import asdict, dataclass, field
from typing import Final

from indexer.frames import LONGEST_SIDE

SLOTS: Final = 3
SLOT_BYTES: Final = LONGEST_SIDE * LONGEST_SIDE * 3
TAKEN: Final = b"\n"
HEARTBEAT_SECONDS: Final = 1.0  # a decoder that is at work says so at least this often


@dataclass(frozen=True, slots=True)
class Request:
    """Open a recording, under limits: bytes of memory, open files. A first line."""

    path: str
    aspect: float | None
    memory_bytes: int
    open_files: int


@dataclass(frozen=True, slots=True)
class Start:
    """Read frames; see `indexer.decode.OpenRecording.frames`. A second line."""

    fps: float | None


@dataclass(frozen=True, slots=True)
class Counted:
    """Statistics so far, see `indexer.decode.Statistics`; a heartbeat when nothing else is said."""

    frames_decoded: int = 0
    frames_bad: int = 0
    duration_us: int = 0
    width: int = 0
    height: int = 0
    intervals: list[tuple[int, int]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Opened:
    """The recording is open."""

    track: int
    frame_rate: float
    expected_duration_us: int | None
    recorded_at: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """The image of a frame lies in the next slot."""

    index: int
    time_us: int
    width: int
    height: int
    coded: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Answer:
    """One line of the decoder; `refused` says why there will be no more, `end` that all has been read."""

    counted: Counted
    opened: Opened | None = None
    taken: Taken | None = None
    refused: str | None = None
    end: bool = False


def line(message: Request | Start | Answer) -> bytes:
    """A message as it is sent."""
    return json.dumps(asdict(message)).encode() + b"\n"
