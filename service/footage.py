"""Frames of a stretch of a recording, at the times the indexer gave them.

Times are µs since the recording's first frame, from PTS and time base. Reading starts at the key frame
before the stretch. Where a recording's clock cannot be trusted (it jumps, or there is none), the indexer
counted on at the nominal rate and noted so in its report: then the recording is read from its beginning by
the same rule, `gallery.FrameClock`.
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
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from gallery import FrameClock, VideoReport, recording_formats
from service.errors import RecordingUnavailable
from service.planes import Planes

_FORMATS: Final = recording_formats(av.formats_available)
MICROSECOND: Final = Fraction(1, 1_000_000)
_MAX_READ_ERRORS: Final = 10  # in a row
_THREADS: Final = 4  # each keeps frames of its own: memory must not follow the number of cores
_DEFAULT_RATE: Final = Fraction(25)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A range of frames: µs since the recording's first frame, both ends included."""

    start_us: int
    end_us: int


def has_steady_clock(report: VideoReport) -> bool:
    """Return whether the indexer's report on a recording has no complaint about its time stamps."""
    return not any("time stamp" in warning for warning in report.warnings)


class Footage:
    """An open recording; use as a context manager.

    Args:
        path: the recording.
        steady: its time stamps can be trusted, see `has_steady_clock`.
        track: number of its video stream in the file; None for the first.

    Attributes:
        size: upright (width, height) of its first frame as coded.

    Raises:
        RecordingUnavailable: it cannot be read.
    """

    def __init__(self, path: Path, *, steady: bool, track: int | None = None) -> None:
        self._path = path
        self._track = track
        self._steady = steady
        self._reformatter = VideoReformatter()  # one for all frames: its tables are costly to set up
        self._container, self._stream = open_recording(path, track)
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

    def picture(self, frame: VideoFrame, size: tuple[int, int]) -> Planes:
        """A frame as it is displayed, scaled to `size`, (width, height), both even."""
        turns = _turns(frame)
        width, height = size if turns % 2 == 0 else size[::-1]
        stored = self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format="yuv420p",
            dst_colorspace=Colorspace.ITU601,
            dst_color_range=ColorRange.MPEG,
        ).to_ndarray()
        return Planes.of(np.asarray(stored, np.uint8)).turned(turns)

    @property
    def stream(self) -> VideoStream:
        """The stream that is read: a copy of its packets needs one like it."""
        return self._stream

    def packets(self, start_us: int) -> "Iterator[Packet[VideoStream]]":
        """Coded packets in the order of the file, from a key frame not after `start_us`.

        Raises:
            RecordingUnavailable: the time stamps cannot be trusted, or the file is damaged.
        """
        if not self._steady or self._first_pts is None or self._stream.time_base is None:
            raise RecordingUnavailable(
                "The time stamps of the recording cannot be trusted: no part is copied."
            )
        try:
            self._seek(start_us)
            first = next((p for p in self._container.demux(self._stream) if p.pts is not None), None)
            if first is None or not first.is_keyframe or self.time_of(first.pts) > max(0, start_us):
                self._container.close()
                self._container, self._stream = open_recording(self._path, self._track)
            else:
                self._seek(start_us)
            yield from self._container.demux(self._stream)
        except av.error.FFmpegError as error:
            raise RecordingUnavailable("The recording is damaged there: no part is copied.") from error

    def time_of(self, stamp: int | None) -> int:
        """The time in µs since the first frame of a time stamp of the stream.

        Raises:
            RecordingUnavailable: there is none.
        """
        if stamp is None or self._first_pts is None or self._stream.time_base is None:
            raise RecordingUnavailable("Parts of the recording have no time stamps: no part is copied.")
        return int((stamp - self._first_pts) * self._stream.time_base / MICROSECOND)

    def _seek(self, start_us: int) -> None:
        assert self._stream.time_base is not None
        assert self._first_pts is not None
        offset = self._first_pts + int(start_us * MICROSECOND / self._stream.time_base)
        self._container.seek(offset, stream=self._stream, backward=True)

    def _from_key_frame(self, start_us: int) -> Iterator[tuple[int, VideoFrame]]:
        try:
            self._seek(start_us)
        except av.error.FFmpegError:
            return  # a container without an index, or a damaged one
        for frame in self._decode():
            if frame.pts is not None:
                yield self.time_of(frame.pts), frame

    def _from_beginning(self) -> Iterator[tuple[int, VideoFrame]]:
        """All frames, on the indexer's clock."""
        self._container.close()
        self._container, self._stream = open_recording(self._path, self._track)
        rate = Fraction(self._stream.average_rate or self._stream.guessed_rate or _DEFAULT_RATE)
        by_dts = "avi" in self._container.format.name and self._stream.codec_context.has_b_frames
        clock = FrameClock(
            rate, Fraction(self._stream.time_base or 1), by_dts=bool(by_dts), warn=lambda _: None
        )
        for frame, time_us in clock.times(self._decode()):
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


def _decoded(packet: "Packet[VideoStream]") -> Iterator[VideoFrame]:
    try:
        yield from packet.decode()
    except av.error.FFmpegError:
        return


def open_recording(path: Path, track: int | None) -> tuple[InputContainer, VideoStream]:
    """A recording and its stream of moving pictures. Raises RecordingUnavailable."""
    try:
        # A recording is one file: no list in its place makes FFmpeg read others, or the network.
        options = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
        container = av.open(f"file:{path.absolute()}", options=options, metadata_errors="replace")
    except MemoryError:  # FFmpeg's is one of its errors, too; the limit is at fault, not the file
        raise
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise RecordingUnavailable("The recording cannot be read.") from error
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if track is not None:
        streams = [stream for stream in streams if stream.index == track]
    if not streams or streams[0].codec_context is None:
        container.close()
        raise RecordingUnavailable("The recording has no pictures.")
    streams[0].thread_type = "AUTO"
    streams[0].codec_context.thread_count = _THREADS
    return container, streams[0]


def _turns(frame: VideoFrame) -> int:
    """Quarter turns counter-clockwise that bring the stored picture upright."""
    return round(frame.rotation / 90) % 4
