"""Frames of a stretch of a recording, at the times the indexer gave them.

Times are µs since the recording's first frame, from PTS and time base. Reading starts at the key frame
before the stretch. Where a recording's clock cannot be trusted (it jumps back, or there is none), the indexer
counted on at the nominal rate and noted so in its report: then the recording is read from its beginning by
the same rule.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import av
import av.error
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from service.errors import RecordingUnavailable
from service.images import Pixels

MICROSECOND: Final = Fraction(1, 1_000_000)
_DEFAULT_RATE: Final = Fraction(25)
_JUMP_US: Final = 1_000_000  # a clock that goes back by less repeats itself, by more it starts anew


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which frames: µs since the recording's first frame, both ends included."""

    start_us: int
    end_us: int


def has_steady_clock(report: Mapping[str, Any]) -> bool:
    """Whether the indexer's report on a recording says nothing against its time stamps."""
    return not any("time stamp" in warning for warning in report.get("warnings", ()))


class Footage:
    """An open recording; use as a context manager.

    Args:
        path: the recording.
        steady: its time stamps can be trusted, see `has_steady_clock`.

    Attributes:
        size: upright (width, height) of its first frame; later frames of other sizes are scaled to it.

    Raises:
        RecordingUnavailable: it cannot be read.
    """

    def __init__(self, path: Path, *, steady: bool) -> None:
        self._path = path
        self._steady = steady
        self._container, self._stream = _open(path)
        first = next(self._decode(), None)
        if first is None:
            self._container.close()
            raise RecordingUnavailable("The recording holds no readable pictures.")
        self._first_pts = first.pts
        self.size = (first.height, first.width) if _turns(first) % 2 else (first.width, first.height)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    def frames(self, stretch: Stretch) -> Iterator[tuple[int, VideoFrame]]:
        """Frames of a stretch with their times, ascending. Raises RecordingUnavailable."""
        if self._steady and self._first_pts is not None and self._stream.time_base is not None:
            begun = False
            for time_us, frame in self._from_key_frame(stretch.start_us):
                # Some containers cannot seek exactly and land behind: then from the beginning.
                if not begun and time_us > stretch.start_us > 0:
                    break
                begun = True
                if time_us > stretch.end_us:
                    return
                if time_us >= stretch.start_us:
                    yield time_us, frame
            if begun:
                return
        for time_us, frame in self._from_beginning():
            if time_us > stretch.end_us:
                return
            if time_us >= stretch.start_us:
                yield time_us, frame

    def picture(self, frame: VideoFrame, size: tuple[int, int]) -> Pixels:
        """A frame as it is displayed, (h, w, 3) RGB, scaled to `size`."""
        turns = _turns(frame)
        width, height = size if turns % 2 == 0 else size[::-1]
        stored = frame.reformat(width=width, height=height, format="rgb24").to_ndarray()
        return np.ascontiguousarray(np.rot90(stored, turns))

    def _from_key_frame(self, start_us: int) -> Iterator[tuple[int, VideoFrame]]:
        time_base, origin = self._stream.time_base, self._first_pts
        assert time_base is not None
        assert origin is not None
        try:
            offset = origin + int(start_us * MICROSECOND / time_base)
            self._container.seek(offset, stream=self._stream, backward=True)
        except av.error.FFmpegError:
            return  # a container without an index, or a damaged one
        for frame in self._decode():
            if frame.pts is not None:
                yield int((frame.pts - origin) * time_base / MICROSECOND), frame

    def _from_beginning(self) -> Iterator[tuple[int, VideoFrame]]:
        """All frames, on a clock that goes on at the nominal rate where the recording's does not."""
        rate = Fraction(self._stream.average_rate or self._stream.guessed_rate or _DEFAULT_RATE)
        step = round(1 / rate / MICROSECOND)
        origin, last_us = self._first_pts, -1
        self._container.close()
        self._container, self._stream = _open(self._path)
        for frame in self._decode():
            counted = last_us + step if last_us >= 0 else 0
            if frame.pts is None or frame.time_base is None:
                time_us = counted
            else:
                origin = frame.pts if origin is None else origin
                time_us = int((frame.pts - origin) * frame.time_base / MICROSECOND)
                if last_us - _JUMP_US < time_us <= last_us:
                    continue
                if time_us <= last_us:
                    time_us = counted
                    origin = frame.pts - int(time_us * MICROSECOND / frame.time_base)
            last_us = time_us
            yield time_us, frame

    def _decode(self) -> Iterator[VideoFrame]:
        """Decoded frames; damaged packets are skipped, a damaged container ends them."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except (StopIteration, av.error.FFmpegError):
                return
            try:
                yield from packet.decode()
            except av.error.FFmpegError:
                continue


def _open(path: Path) -> tuple[InputContainer, VideoStream]:
    """A recording and its first stream of moving pictures."""
    try:
        container = av.open(str(path), metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise RecordingUnavailable("The recording cannot be read.") from error
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if not streams or streams[0].codec_context is None:
        container.close()
        raise RecordingUnavailable("The recording holds no video.")
    streams[0].thread_type = "AUTO"
    return container, streams[0]


def _turns(frame: VideoFrame) -> int:
    """Quarter turns counter-clockwise that bring the stored picture upright."""
    return round(frame.rotation / 90) % 4
