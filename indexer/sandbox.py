"""Recordings decoded in a process of their own, where damage and malice do no harm.

What comes back is checked: a decoder that was taken over can lie about frames, and nothing else. There is
no limit on the time of a whole recording, for a long one takes long; a decoder that gets nowhere is ended.
"""

import mmap
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
from pydantic import TypeAdapter, ValidationError

from gallery.recorded import start_of
from indexer.decode import Statistics
from indexer.errors import UnreadableRecording
from indexer.names import shown
from indexer.settings import IndexSettings
from indexer.types import Frame, Share
from indexer.wire import SLOT_BYTES, SLOTS, TAKEN, Answer, Request, Start, Taken, line

OPEN_FILES: Final = 64
LONGEST_ANSWER: Final = 4 << 20  # bytes of a line; that of a recording with thousands of holes is long
READ_BYTES: Final = 1 << 16
SAID_BYTES: Final = 500  # of what a decoder that died has said
# All that a decoder needs of the environment: no password, no setting.
ENVIRONMENT: Final = (
    "PATH",
    "CUDA_VISIBLE_DEVICES",
    "GLIBC_TUNABLES",
    "HOME",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "TMPDIR",
    "TZ",
    "VIRTUAL_ENV",
)
_ANSWER: Final = TypeAdapter(Answer)


class Sandboxed:
    """An open recording, as `indexer.decode.OpenRecording`, decoded by another process; a context manager.

    Attributes:
        path: the file.
        statistics: what has been read so far.
        track, frame_rate, expected_duration_us, recorded_at: as in `OpenRecording`.
    """

    def __init__(self, path: Path, settings: IndexSettings, aspect: float | None, source: Path) -> None:
        self.path = path
        self.statistics = Statistics()
        self._stall_seconds = settings.decode_stall_seconds
        self._unread = b""
        self._resources = ExitStack()
        try:
            self._start()
            called, read = str(path.absolute()), str(source.absolute())
            limits = settings.decode_memory_mib << 20, OPEN_FILES
            request = Request(called, read, aspect, *limits, device=settings.decode_device)
            self._tell(line(request))
            opened = self._answer().opened
        except BaseException:
            self.close()
            raise
        if opened is None:
            self.close()
            raise self._died("its decoder did not say that it is open")
        self.track, self.frame_rate = opened.track, opened.frame_rate
        self.expected_duration_us = opened.expected_duration_us
        self.recorded_at = opened.recorded_at

    def frames(self, *, fps: float | None = None, share: Share | None = None) -> Iterator[Frame]:
        """Yield frames as `OpenRecording.frames` does; once.

        Raises:
            UnreadableRecording: no frame could be decoded, or only one; or the decoder died or got nowhere.
        """
        self._tell(line(Start(fps, share)))
        slot = 0
        while not (answer := self._answer()).end:
            if answer.taken is not None:
                yield self._frame(answer.taken, slot)
                slot = (slot + 1) % SLOTS

    def close(self) -> None:
        """End the decoder and release the file."""
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> None:
        memory = os.memfd_create("frames")
        self._resources.callback(os.close, memory)
        os.ftruncate(memory, SLOTS * SLOT_BYTES)  # pages take memory once they are written
        self._slots = self._resources.enter_context(
            mmap.mmap(memory, SLOTS * SLOT_BYTES, prot=mmap.PROT_READ)
        )
        self._said = os.memfd_create("said")
        self._resources.callback(os.close, self._said)
        environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
        # Arenas and idle threads of libraries would use up the address space that is allowed.
        environment |= {"MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(  # noqa: S603  (our own interpreter and module)
            [sys.executable, "-P", "-B", "-m", "indexer.decoder", str(memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            pass_fds=[memory],
            process_group=0,  # Ctrl-C is for us to act on; a decoder ends with its pipes
            env=environment,
        )
        self._resources.callback(self._end)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin.fileno(), self._process.stdout.fileno()

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _tell(self, message: bytes) -> None:
        try:
            os.write(self._stdin, message)
        except BrokenPipeError:
            raise self._died("its decoder ended early") from None

    def _answer(self) -> Answer:
        """The decoder's next line; what it has counted is taken over."""
        text = self._next_line()
        try:
            answer = _ANSWER.validate_json(text, strict=False)
        except ValidationError as error:
            raise self._died("its decoder answered what no decoder answers") from error
        counted, own = answer.counted, self.statistics
        own.frames_decoded, own.frames_bad = counted.frames_decoded, counted.frames_bad
        own.duration_us, own.width, own.height = counted.duration_us, counted.width, counted.height
        own.intervals, own.warnings = counted.intervals, [shown(one) for one in counted.warnings]
        if answer.refused is not None:
            raise UnreadableRecording(shown(answer.refused))
        return answer

    def _next_line(self) -> bytes:
        until = time.monotonic() + self._stall_seconds
        poll = select.poll()
        poll.register(self._stdout, select.POLLIN)
        while b"\n" not in self._unread:
            if not poll.poll(1000 * max(0.0, until - time.monotonic())):
                raise self._died(f"nothing was decoded for {self._stall_seconds:g} s")
            more = os.read(self._stdout, READ_BYTES)
            if not more:
                raise self._died("its decoder died")
            self._unread += more
            if len(self._unread) > LONGEST_ANSWER:
                raise self._died("its decoder answered what no decoder answers")
        text, _, self._unread = self._unread.partition(b"\n")
        return text

    def _frame(self, taken: Taken, slot: int) -> Frame:
        """Copy a frame out of its slot and give the slot back."""
        size = taken.width * taken.height * 3
        if taken.width < 1 or taken.height < 1 or size > SLOT_BYTES:
            raise self._died("its decoder answered what no decoder answers")
        start = slot * SLOT_BYTES
        image = np.frombuffer(self._slots, np.uint8, size, start).copy()
        with suppress(BrokenPipeError):  # after the last frame nobody waits for it
            os.write(self._stdin, TAKEN)
        return Frame(taken.index, taken.time_us, image.reshape(taken.height, taken.width, 3), taken.coded)

    def _died(self, reason: str) -> UnreadableRecording:
        """What to raise; with what the decoder said last, should it have said something."""
        said = os.pread(self._said, READ_BYTES, 0)[-SAID_BYTES:].decode(errors="replace").strip()
        with suppress(subprocess.TimeoutExpired):
            if self._process.wait(1) < 0:
                said += f"\nsignal {-self._process.returncode}"
        last = f" ({shown(said.splitlines()[-1])})" if said else ""
        return UnreadableRecording(f"{shown(self.path.name)}: {reason}{last}")


def open_sandboxed(
    path: Path, settings: IndexSettings, *, aspect: float | None = None, source: Path | None = None
) -> Sandboxed:
    """Open a recording in a process of its own.

    Args:
        path: of the file.
        settings: its limits: `decode_memory_mib`, `decode_stall_seconds`.
        aspect, source: see `indexer.decode.open_recording`.

    Raises:
        UnreadableRecording: as `indexer.decode.open_recording`, or the decoder died.
    """
    return Sandboxed(path, settings, aspect, source or path)


def recorded_at(path: Path, settings: IndexSettings) -> datetime:
    """When a recording began, as its file says. Raises UnreadableRecording: it says nothing that can be."""
    with open_sandboxed(path, settings) as recorded:
        start = start_of(recorded.recorded_at)
    if start is None:
        raise UnreadableRecording(f"{shown(path.name)}: its file does not say when it began")
    return start


def length_us(path: Path, settings: IndexSettings) -> int:
    """How long a recording lasts by its frames, in µs. Raises UnreadableRecording."""
    with open_sandboxed(path, settings) as recorded:
        for _ in recorded.frames(fps=0.001):
            pass
        return recorded.statistics.duration_us
