"""What a decoder's process and the process that asked for it say to each other.

Requests go down the decoder's standard input and answers come up its standard output, a line of JSON each;
images lie in memory that both map, in slots that are filled in turn. For each image that was taken out
of its slot one byte goes down. What an answer may say is bounded: the process may have been taken over.
"""

import json
from dataclasses import asdict, dataclass, field
from typing import Annotated, Final

from pydantic import Field

from indexer.frames import LONGEST_SIDE
from indexer.types import Share

SLOTS: Final = 3
SLOT_BYTES: Final = LONGEST_SIDE * LONGEST_SIDE * 3
TAKEN: Final = b"\n"
Text = Annotated[str, Field(max_length=5000)]  # a name of 255 bytes, escaped, and a reason
Count = Annotated[int, Field(ge=0, lt=2**31)]
Micros = Annotated[int, Field(ge=0, lt=2**62)]
HEARTBEAT_SECONDS: Final = 1.0  # a decoder that is at work says so at least this often


@dataclass(frozen=True, slots=True)
class Request:
    """Open a recording, under limits: bytes of memory, open files. A first line.

    `path` is what it is called by, `source` where it is read; `device` decodes, "cpu" or "cuda:N".
    """

    path: str
    source: str
    aspect: float | None
    memory_bytes: int
    open_files: int
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class Start:
    """Read frames; see `indexer.decode.OpenRecording.frames`. A second line."""

    fps: float | None
    share: Share | None = None


@dataclass(frozen=True, slots=True)
class Counted:
    """Statistics so far, see `indexer.decode.Statistics`; a heartbeat when nothing else is said."""

    frames_decoded: Count = 0
    frames_bad: Count = 0
    duration_us: Micros = 0
    width: Count = 0
    height: Count = 0
    intervals: list[tuple[Micros, Micros]] = field(default_factory=list)
    warnings: list[Text] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Opened:
    """The recording is open."""

    track: Count
    frame_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    expected_duration_us: int | None
    recorded_at: str | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """The image of a frame lies in the next slot."""

    index: Count
    time_us: Micros
    width: Count
    height: Count
    coded: tuple[Annotated[Count, Field(ge=1)], Annotated[Count, Field(ge=1)]]


@dataclass(frozen=True, slots=True)
class Answer:
    """One line of the decoder; `refused` says why there will be no more, `end` that all has been read."""

    counted: Counted
    opened: Opened | None = None
    taken: Taken | None = None
    refused: Text | None = None
    end: bool = False


def line(message: Request | Start | Answer) -> bytes:
    """A message as it is sent."""
    return json.dumps(asdict(message)).encode() + b"\n"
