"""Frames of a recording with exact times: any container FFmpeg reads, variable rates, rotation, damage.

A packet that cannot be decoded is counted and what follows it is still read. Memory holds the decoder's few
frames, never the file.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import av
import av.error
from av.stream import Disposition

from indexer.clock import MICROSECOND, Clock
from indexer.errors import UnreadableRecording
from indexer.pictures import SQUARE, Pictures
from indexer.types import Frame

DEFAULT_RATE: Final = Fraction(25)
MAX_WARNINGS: Final = 20
MAX_READ_ERRORS: Final = 10  # in a row, then the rest of the file is given up
HEAD_BYTES: Final = 4096
MISSING_US: Final = 250_000

# What FFmpeg opens although it is no recording: text drawn as video, raw bytes taken for pixels, devices, and
# lists that make it read other files or the network in the name of this one.
_DRAWN: Final = {"adf", "bin", "idf", "tty", "xbin", "ffmetadata", "vobsub"}
_RAW: Final = {"rawvideo", "bitpacked", "v210", "v210x", "alias_pix", "image2", "image2pipe"}
_DEVICES: Final = {"alsa", "fbdev", "kmsgrab", "lavfi", "oss", "x11grab", "video4linux2,v4l2"}
_LISTS: Final = {"concat", "dash", "hls", "imf", "rtp", "rtsp", "sap", "sdp", "webm_dash_manifest"}
_FORMATS: Final = ",".join(
    sorted(
        name
        for name in av.formats_available - _DRAWN - _RAW - _DEVICES - _LISTS
        if not name.endswith("_pipe")  # single pictures
    )
)


@dataclass(slots=True)
class Statistics:
    """What has been read so far; width and height are of the upright picture.

    `frames_bad` counts packets that could not be decoded, damaged pictures, and frames left out for their
    time.
    """

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
        self._pictures = Pictures(self.statistics.warn)
        aspect = stream.sample_aspect_ratio
        if aspect and not SQUARE[0] <= aspect <= SQUARE[1]:
            self.statistics.warn(
                f"pixels are not square ({aspect.numerator}:{aspect.denominator}), taken as coded"
            )

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
        """Yield frames in order of time, at most `fps` a second (all if None); once.

        A frame is taken when it is the first in its slot of 1 / fps seconds, so the choice depends on time
        alone. Only frames that are taken are converted to RGB.

        Raises:
            UnreadableRecording: no frame could be decoded, or only one.
        """
        by_dts = "avi" in self._container.format.name and self._stream.codec_context.has_b_frames
        clock = Clock(
            self._rate, Fraction(self._stream.time_base), by_dts=bool(by_dts), warn=self.statistics.warn
        )
        next_slot = 0
        for decoded in self._decode():
            time_us = clock.time_us(decoded)
            if time_us is None:
                self.statistics.frames_bad += 1
                continue
            index = self._count(decoded, clock.end_us(decoded))
            slot = 0 if fps is None else int(time_us * fps / 1_000_000 + 1e-6)
            if fps is None or slot >= next_slot:
                next_slot = slot + 1
                yield Frame(index, time_us, self._pictures.picture(decoded))
        if self.statistics.frames_decoded < 2:
            found = "only one picture" if self.statistics.frames_decoded else "no picture"
            raise UnreadableRecording(f"{self.path.name}: {found} could be decoded")
        missing_us = (self.expected_duration_us or 0) - self.statistics.duration_us
        if missing_us > max(MISSING_US, self.statistics.duration_us // 100):
            self.statistics.warn(f"the recording is {missing_us / 1e6:.1f} s shorter than its header says")

    def close(self) -> None:
        """Release the file."""
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _count(self, decoded: Any, end_us: int) -> int:
        """Add a frame to the statistics; return its number."""
        statistics = self.statistics
        if decoded.is_corrupt:
            statistics.frames_bad += 1
            statistics.warn("damaged pictures were used as far as they could be decoded")
        self._pictures.measure(decoded)
        assert self._pictures.size is not None
        statistics.width, statistics.height = self._pictures.size
        statistics.duration_us = end_us
        statistics.frames_decoded += 1
        return statistics.frames_decoded - 1

    def _decode(self) -> Iterator[Any]:
        """Decoded frames in order of display."""
        for packet in self._packets():
            try:
                yield from self._stream.decode(packet)
            except av.error.FFmpegError as error:
                self.statistics.frames_bad += 1
                self.statistics.warn(f"damaged data was skipped: {error.strerror}")

    def _packets(self) -> Iterator[Any]:
        """Packets, and at last None, which brings out what the decoder still holds."""
        errors = 0
        while errors < MAX_READ_ERRORS:
            try:
                for packet in self._container.demux(self._stream):
                    errors = 0
                    if packet.size:
                        yield packet
                break
            except av.error.FFmpegError as error:
                # What lies behind the damage is often readable: go on from where the reader stands.
                errors += 1
                self.statistics.frames_bad += 1
                self.statistics.warn(f"damaged data in the container: {error.strerror}")
        yield None


def open_recording(path: Path, *, threads: int = 4) -> Recorded:
    """Open a recording for reading.

    The number of decoder `threads` does not follow the machine: how damage is concealed depends on it.

    Raises:
        UnreadableRecording: not a file, empty, not a video, or without a video stream; the message says
            which.
    """
    _check_file(path)
    options = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
    try:
        # "file:" keeps a name with a colon from being taken for a protocol.
        container = av.open(f"file:{path.absolute()}", options=options, metadata_errors="replace")
    except (av.error.FFmpegError, ValueError) as error:
        raise UnreadableRecording(f"{path.name}: not a video file, or cut off in its header") from error
    streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    reason = None
    if not streams:
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


def length_us(path: Path) -> int:
    """How long a recording lasts by its frames, in µs. Raises UnreadableRecording."""
    with open_recording(path) as recorded:
        for _ in recorded.frames(fps=0.001):
            pass
        return recorded.statistics.duration_us


def _check_file(path: Path) -> None:
    """Raise UnreadableRecording for what need not be shown to FFmpeg."""
    if path.is_dir():
        raise UnreadableRecording(f"{path}: a folder")
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise UnreadableRecording(f"{path}: {error.strerror}") from error
    if not head:
        raise UnreadableRecording(f"{path.name}: the file is empty")
    # No container of pictures is free of control characters; playlists and scripts are.
    if not any(byte < 32 and byte not in b"\t\n\r\f" for byte in head):
        raise UnreadableRecording(f"{path.name}: a text, not a recording")
