"""The process that decodes one recording: `python -m indexer.decoder MEMORY`, started by indexer.sandbox.

Media come from anywhere, and decoders are large programs in C. Here nothing is within their reach but the
file, the memory for frames and the two pipes: no database, no password, little memory, few descriptors.
"""

import json
import mmap
import os
import resource
import sys
import time
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import TypeAdapter

from indexer.decode import OpenRecording, Statistics, open_recording
from indexer.errors import UnreadableRecording
from indexer.types import Frame
from indexer.wire import (
    HEARTBEAT_SECONDS,
    SLOT_BYTES,
    SLOTS,
    Answer,
    Counted,
    Opened,
    Request,
    Start,
    Taken,
    line,
)

WRITTEN_BYTES: Final = 1 << 20  # to files: only what goes to standard error
GONE: Final = 3  # exit status: nobody listens any more
_START: Final = TypeAdapter(Start)


class Decoder:
    """Answers one request.

    Args:
        memory: descriptor of the memory for frames.
    """

    def __init__(self, memory: int) -> None:
        self._slots = mmap.mmap(memory, SLOTS * SLOT_BYTES)
        self._next = 0
        self._outstanding = 0
        self._said_at = 0.0
        self._statistics = Statistics()

    def run(self) -> None:
        """Open, read all frames that are asked for, and end."""
        request = Request(**json.loads(_ask()))
        _limit(request)
        try:
            with open_recording(
                Path(request.path),
                source=Path(request.source),
                aspect=request.aspect,
                device=request.device,
                tick=self._tick,
            ) as recorded:
                self._statistics = recorded.statistics
                said = recorded.expected_duration_us, recorded.recorded_at
                opened = Opened(recorded.track, recorded.frame_rate, *said)
                self._say(opened=opened)
                self._read(recorded, _START.validate_json(_ask()))
        except UnreadableRecording as error:
            self._say(refused=str(error))
        except MemoryError:
            self._say(refused=f"decoding takes more than {request.memory_bytes >> 20} MiB of memory")

    def _read(self, recorded: OpenRecording, start: Start) -> None:
        for frame in recorded.frames(fps=start.fps, share=start.share):
            self._put(frame)
        self._say(end=True)

    def _put(self, frame: Frame) -> None:
        if self._outstanding == SLOTS:
            if not os.read(0, 1):
                sys.exit(GONE)
            self._outstanding -= 1
        height, width = frame.image.shape[:2]
        slot = np.frombuffer(self._slots, np.uint8, frame.image.nbytes, self._next * SLOT_BYTES)
        slot[:] = frame.image.reshape(-1)
        self._next = (self._next + 1) % SLOTS
        self._outstanding += 1
        self._say(taken=Taken(frame.index, frame.time_us, width, height, frame.coded))

    def _tick(self) -> None:
        if time.monotonic() - self._said_at > HEARTBEAT_SECONDS:
            self._say()

    def _say(
        self,
        *,
        opened: Opened | None = None,
        taken: Taken | None = None,
        refused: str | None = None,
        end: bool = False,
    ) -> None:
        self._said_at = time.monotonic()
        statistics = self._statistics
        counted = Counted(
            statistics.frames_decoded,
            statistics.frames_bad,
            statistics.duration_us,
            statistics.width,
            statistics.height,
            list(statistics.intervals),
            statistics.warnings,
        )
        answer = memoryview(line(Answer(counted, opened, taken, refused, end)))
        while answer:
            answer = answer[os.write(1, answer) :]


def _ask() -> bytes:
    """The next line of the standard input, byte by byte: what follows it is not ours to buffer."""
    text = b""
    while not text.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            sys.exit(GONE)
        text += byte
    return text


def _limit(request: Request) -> None:
    # A GPU's driver reserves more addresses than any machine has memory; what is used of them counts as data.
    memory = resource.RLIMIT_AS if request.device == "cpu" else resource.RLIMIT_DATA
    for kind, most in (
        (memory, request.memory_bytes),
        (resource.RLIMIT_NOFILE, request.open_files),
        (resource.RLIMIT_FSIZE, WRITTEN_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


if __name__ == "__main__":
    try:
        Decoder(int(sys.argv[1])).run()
    except BrokenPipeError:
        sys.exit(GONE)
