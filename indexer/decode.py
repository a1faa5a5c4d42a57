"""Frames of a recording with exact times: any container FFmpeg reads, variable rates, rotation, damage.

Times come from each frame's PTS and the stream's time base. Pictures are turned upright as the file says;
pixels stay as they are coded, also where they are not square. A packet that cannot be decoded is counted
and what follows it is still read.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import av
import av.error
import numpy as np

from indexer.errors import UnreadableRecording
from indexer.types import Frame, Image

MICROSECOND: Final = Fraction(1, 1_000_000)
DEFAULT_RATE: Final = Fraction(25)
# Formats that FFmpeg opens but that are no recordings: single pictures and text drawn as video.
NO_RECORDING: Final = ("image2", "_pipe", "tty", "bin", "xbin", "adf", "idf")
MAX_WARNINGS: Final = 20


@dataclass(slots=True)
class Statistics:
    """What has been read so far; width and height are of the upright picture."""

    frames_decoded: int = 0
    frames_bad: int = 0
    duration_us: int = 0
    width: int = 0
    height: int = 0
    warnings: list[str] = field(default_factory=list)

    def warn(self, message: str) -> None:
        """Note something once."""
        if message not in self.warnings and len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(message)


class Recorded:
    """An open recording; made by `open_recording`, a context manager."""

    def __init__(self, path: Path, container: Any, stream: Any) -> None:
        self.path = path
        self.statistics = Statistics()
        self._container = container
        self._stream = stream
        self._rate = Fraction(stream.average_rate or stream.guessed_rate or DEFAULT_RATE)
        self._origin: int | None = None
        self._last_us = -1

    @property
    def frame_rate(self) -> float:
        """Frames a second as the header says; 25 where it says nothing."""
        return float(self._rate)

    @property
    def expected_duration_us(self) -> int | None:
        """What the header promises, if it does; only good for showing progress."""
        if self._stream.duration is not None and self._stream.time_base is not None:
            return int(self._stream.duration * self._stream.time_base / MICROSECOND)
        return int(self._container.duration) if self._container.duration else None

    def frames(self, *, fps: float | None = None) -> Iterator[Frame]:
        """Yield frames in order of time, at most `fps` a second (all if None).

        A frame is taken when it is the first in its slot of 1 / fps seconds, so the choice depends on time
        alone.

        Raises:
            UnreadableRecording: no frame could be decoded.
        """
        next_slot = 0
        for picture in self._pictures():
            time_us = self._time(picture)
            if time_us is None:
                continue
            index = self.statistics.frames_decoded
            self.statistics.frames_decoded += 1
            self.statistics.duration_us = time_us + round(1 / self._rate / MICROSECOND)
            slot = 0 if fps is None else int(time_us * fps / 1_000_000 + 1e-6)
            if fps is not None and slot < next_slot:
                continue
            next_slot = slot + 1
            yield Frame(index, time_us, self._upright(picture))
        if self.statistics.frames_decoded == 0:
            raise UnreadableRecording(f"{self.path.name}: no picture could be decoded")

    def close(self) -> None:
        """Release the file."""
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _pictures(self) -> Iterator[Any]:
        """Decoded frames; damage is counted packet by packet."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.FFmpegError as error:
                # The container itself is damaged here: nothing behind this point can be found.
                self.statistics.frames_bad += 1
                self.statistics.warn(f"reading stopped early: {error.strerror}")
                return
            if packet.is_corrupt:  # as transport streams say: the decoder hides such damage without an error
                self.statistics.frames_bad += 1
                self.statistics.warn("damaged data was skipped: a packet is marked as corrupt")
            try:
                yield from packet.decode()
            except av.error.FFmpegError as error:
                self.statistics.frames_bad += 1
                self.statistics.warn(f"damaged data was skipped: {error.strerror}")

    def _time(self, picture: Any) -> int | None:
        """Microseconds since the first frame, ascending; None for a frame of a moment already seen."""
        step = round(1 / self._rate / MICROSECOND)
        if picture.pts is None:
            self.statistics.warn("frames without a time stamp: their time is counted from the frame rate")
            time_us = self._last_us + step if self._last_us >= 0 else 0
        else:
            if self._origin is None:
                self._origin = picture.pts
            time_us = int((picture.pts - self._origin) * picture.time_base / MICROSECOND)
        if time_us <= self._last_us:
            if picture.pts is not None and time_us > self._last_us - 1_000_000:
                self.statistics.frames_bad += 1
                self.statistics.warn("frames with a repeated time stamp were left out")
                return None
            # The clock of the file jumps back: go on from here at its nominal rate.
            self.statistics.warn("the time stamps jump back: times after the jump follow the frame rate")
            time_us = self._last_us + step
            self._origin = picture.pts - int(time_us * MICROSECOND / picture.time_base)
        self._last_us = time_us
        return time_us

    def _upright(self, picture: Any) -> Image:
        turns = round(picture.rotation / 90) % 4
        size = self.statistics.width, self.statistics.height
        if size == (0, 0):
            size = (picture.height, picture.width) if turns % 2 else (picture.width, picture.height)
            self.statistics.width, self.statistics.height = size
        coded = (size[1], size[0]) if turns % 2 else size
        if (picture.width, picture.height) != coded:
            self.statistics.warn("the picture size changes in the file: later frames are scaled to the first")
            picture = picture.reformat(width=coded[0], height=coded[1])
        pixels: Image = picture.to_ndarray(format="rgb24")
        return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


def open_recording(path: Path, *, threads: int = 0) -> Recorded:
    """Open a recording for reading; `threads` of the decoder, 0 lets FFmpeg choose.

    Raises:
        UnreadableRecording: not a file, empty, not a video, or without a video stream; the message says
            which.
    """
    if not path.is_file():
        raise UnreadableRecording(f"{path}: {'a folder' if path.is_dir() else 'no such file'}")
    if path.stat().st_size == 0:
        raise UnreadableRecording(f"{path.name}: the file is empty")
    try:
        container = av.open(str(path), metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise UnreadableRecording(f"{path.name}: not a video file, or its header is missing") from error
    names = container.format.name.split(",")
    streams = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    reason = None
    if any(name.endswith(NO_RECORDING) for name in names):
        reason = "a picture or a text, not a recording"
    elif not streams:
        reason = "sound only, no video" if container.streams.audio else "no video in the file"
    elif streams[0].codec_context is None:
        reason = "no decoder for its video codec"
    if reason is not None:
        container.close()
        raise UnreadableRecording(f"{path.name}: {reason}")
    stream = streams[0]
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = threads
    return Recorded(path, container, stream)
