"""Cuts one clip in a process of its own: `python -m service.clip_child`, started by `service.clipping`.

It reads a line of JSON, a `Request`, from standard input, then the boxes as bytes. It writes the clip, or why
there is none to standard output, and ends with one of the statuses below.
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from gallery import BOX_DTYPE
from models.child_limits import limit
from service import playback
from service.disk import NO_ROOM
from service.errors import RecordingUnavailable
from service.footage import Stretch

UNAVAILABLE: Final = 3
FULL: Final = 4
_OPEN_FILES: Final = 64
_FILE_BYTES: Final = 4 << 30


@dataclass(frozen=True, slots=True)
class Request:
    """What to cut, see `service.playback.cut`; and how much memory and time it may take."""

    source: str
    destination: str
    start_us: int
    end_us: int
    drawn: bool
    size: tuple[int, int]
    steady: bool
    track: int | None
    max_side: int
    memory_bytes: int
    cpu_seconds: int

    def encode(self) -> bytes:
        """As the process reads it."""
        return json.dumps(asdict(self)).encode() + b"\n"


def main() -> int:
    """Cut the clip that standard input asks for; return the exit status."""
    request = Request(**json.loads(sys.stdin.buffer.readline()))
    boxes = np.frombuffer(sys.stdin.buffer.read(), BOX_DTYPE) if request.drawn else None
    limit(
        memory_bytes=request.memory_bytes,
        cpu_seconds=request.cpu_seconds,
        open_files=_OPEN_FILES,
        file_bytes=_FILE_BYTES,
    )
    try:
        playback.cut(
            Path(request.source),
            Path(request.destination),
            Stretch(request.start_us, request.end_us),
            boxes=boxes,
            size=(request.size[0], request.size[1]),
            steady=request.steady,
            track=request.track,
            max_side=request.max_side,
        )
    except RecordingUnavailable as error:
        sys.stdout.write(str(error))
        return UNAVAILABLE
    except OSError as error:
        if error.errno in NO_ROOM:
            return FULL
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
