"""Frames of a stretch of a recording, at the times the indexer gave them.

Times are µs since the recording's first frame, from PTS and time base. Reading starts at the key frame
before the stretch. Where a recording's clock cannot be trusted (it jumps back, or there is none), the indexer
counted on at the nominal rate and noted so in its report: then the recording is read from its beginning by
the same rule.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
import av.error
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from gallery import VideoReport
from service.errors import RecordingUnavailable
from service.images import Pixels

MICROSECOND: Final = Fraction(1, 1_000_000)
_MAX_READ_ERRORS: Final = 10  # in a row
_DEFAULT_RATE: Final = Fraction(25)
_JUMP_US: Final = 1_000_000  # a clock that goes back by less repeats itself, by more it starts anew


@dataclass(frozen=True, slots=True)
class Stretch:
    """Which frames: µs since the recording's first frame, both ends included."""

    start_us: int
    end_us: int


def has_steady_clock(report: VideoReport) -> bool:
    """Whether the indexer's report on a recording says nothing against its time stamps."""
    return not any("time stamp" in warning for warning in report.warnings)


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
        self._reformatter = VideoReformatter()  # one for all frames: its tables are costly to set up
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
        stored = self._reformatter.reformat(frame, width=width, height=height, format="rgb24").to_ndarray()
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
        """All frames, on the indexer's clock."""
        self._container.close()
        self._container, self._stream = _open(self._path)
        clock = _CountingClock(self._container, self._stream)
        for frame in self._decode():
            time_us = clock.time_us(frame)
            if time_us is not None:
                yield time_us, frame

    def _decode(self) -> Iterator[VideoFrame]:
        """Decoded frames; what is damaged is skipped."""
        errors = 0
        while errors < _MAX_READ_ERRORS:
            try:
                for packet in self._container.demux(self._stream):
                    errors = 0
                    yield from _decoded(packet)
            except av.error.FFmpegError:
                errors += 1  # what lies behind the damage is often readable
            else:
                return


class _CountingClock:
    """Times for a recording whose time stamps go back or are missing; the indexer's rule.

    A frame without a time stamp comes one nominal frame after the last. Where time stamps go back by a
    second or more, time goes on by one nominal frame and follows them from there. A frame that
    repeats a time is left out.
    AVI with B-frames knows decoding times only.
    """

    def __init__(self, container: InputContainer, stream: VideoStream) -> None:
        rate = Fraction(stream.average_rate or stream.guessed_rate or _DEFAULT_RATE)
        self._step = round(1 / rate / MICROSECOND)
        self._unit = Fraction(stream.time_base or 1) / MICROSECOND
        self._by_dts = "avi" in container.format.name and stream.codec_context.has_b_frames
        self._origin: Fraction | None = None
        self._last_us = -1

    def time_us(self, frame: VideoFrame) -> int | None:
        """The time of the next frame in order of display; None if it has none of its own."""
        counted = self._last_us + self._step if self._last_us >= 0 else 0
        stamp = frame.dts if self._by_dts else frame.pts
        if stamp is None:
            self._last_us = counted
            return counted
        at = stamp * self._unit
        if self._origin is None:
            self._origin = at - counted
        time_us = int(at - self._origin)
        if self._last_us - _JUMP_US < time_us <= self._last_us:
            return None
        if time_us <= self._last_us:
            time_us, self._origin = counted, at - counted
        self._last_us = time_us
        return time_us


def _decoded(packet: "Packet[VideoStream]") -> Iterator[VideoFrame]:
    try:
        yield from packet.decode()
    except av.error.FFmpegError:
        return


def _open(path: Path) -> tuple[InputContainer, VideoStream]:
    """A recording and its first stream of moving pictures."""
    try:
        # A recording is one file: no list in its place makes FFmpeg read others, or the network.
        container = av.open(
            f"file:{path.absolute()}", options={"protocol_whitelist": "file"}, metadata_errors="replace"
        )
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
