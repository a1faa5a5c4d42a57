"""Cuts one clip in a process of its own: `python -m service.clip_child`, started by `service.clipping`.

It reads a line of JSON, a `Request`, from standard input, then the boxes as bytes. It writes the clip, and to
standard output a `Copied` as JSON or why there is no clip, and ends with one of the statuses below.
"""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gallery import BOX_DTYPE
from models.child_limits import limit
from service import disk, playback, stream_copy
from service.errors import RecordingUnavailable, StorageFull
from service.footage import Stretch

UNAVAILABLE: Final = 3
FULL: Final = 4
REFUSED: Final = 5  # by the disk, for another reason
_OPEN_FILES: Final = 64
_FILE_BYTES: Final = 4 << 30


@dataclass(frozen=True, slots=True)
class Request:
    """What to cut, see `service.playback.cut`, or to copy, see `service.stream_copy.copy`; and the limits."""

    source: str
    destination: str
    start_us: int
    end_us: int
    copied: bool
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
        _make(request, boxes)
    except RecordingUnavailable as error:
        sys.stdout.write(str(error))
        return UNAVAILABLE
    except OSError as error:
        refused = disk.refusal(error)
        if refused is None:
            raise
        return FULL if isinstance(refused, StorageFull) else REFUSED
    return 0


def _make(request: Request, boxes: NDArray[np.void] | None) -> None:
    """Cut or copy. Raises RecordingUnavailable, OSError."""
    source, destination = Path(request.source), Path(request.destination)
    stretch = Stretch(request.start_us, request.end_us)
    if request.copied:
        found = stream_copy.copy(source, destination, stretch, steady=request.steady, track=request.track)
        sys.stdout.write(json.dumps(asdict(found)))
        return
    playback.cut(
        source,
        destination,
        stretch,
        boxes=boxes,
        size=(request.size[0], request.size[1]),
        steady=request.steady,
        track=request.track,
        max_side=request.max_side,
    )


if __name__ == "__main__":
    sys.exit(main())
