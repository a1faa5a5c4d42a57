"""Reads what a file says of its start, in a process of its own: `python -m service.start_child`.

It reads a line of JSON, a `Request`, from standard input. It writes what the file says as JSON, or why it
cannot be read, and ends with a status of 0 or the one below.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gallery.recorded import said_start
from models.child_limits import limit
from service.errors import RecordingUnavailable
from service.footage import open_recording

UNAVAILABLE: Final = 3
_OPEN_FILES: Final = 64


@dataclass(frozen=True, slots=True)
class Request:
    """Which file, and the limits."""

    source: str
    memory_bytes: int
    cpu_seconds: int


def main() -> int:
    """Read what the file of standard input says; return the exit status."""
    request = Request(**json.loads(sys.stdin.buffer.readline()))
    limit(
        memory_bytes=request.memory_bytes,
        cpu_seconds=request.cpu_seconds,
        open_files=_OPEN_FILES,
        file_bytes=0,
    )
    try:
        container, stream = open_recording(Path(request.source), None)
    except RecordingUnavailable as error:
        sys.stdout.write(str(error))
        return UNAVAILABLE
    with container:
        sys.stdout.write(json.dumps(said_start(stream.metadata, container.metadata)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
