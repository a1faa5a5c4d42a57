"""Frames of a recording with exact times: any container FFmpeg reads, variable rates, rotation, damage.

A packet that cannot be decoded is counted and what follows it is still read. Memory holds the decoder's few
frames, never the file.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import av
import av.error
from av.codec.hwaccel import HWAccel
from av.stream import Disposition

from gallery import FrameClock, recording_formats
from gallery.recorded import said_start
from indexer.errors import UnreadableRecording
from indexer.frames import FrameConverter, pixel_aspect
from indexer.names import shown
from indexer.tracks import choose_track
from indexer.types import Frame, Share

MICROSECOND: Final = Fraction(1, 1_000_000)
DEFAULT_RATE: Final = Fraction(25)
MAX_WARNINGS: Final = 20
MAX_READ_ERRORS: Final = 10  # in a row, then the rest of the file is given up
HEAD_BYTES: Final = 4096
MISSING_US: Final = 250_000
MAX_PIXELS: Final = 8192 * 4608  # a frame as coded: more than any camera of 8K has

_FORMATS: Final = recording_formats(av.formats_available)


@dataclass(slots=True)
class Statistics:
    """Running statistics of reading; width and height are those of the upright frames.

    `frames_bad` counts packets that could not be decoded, damaged frames, and frames left out for their
    time. `intervals` are the stretches that have frames, (start, end) in µs since the first frame.
    """

    frames_decoded: int = 0
    frames_bad: int = 0
    duration_us: int = 0
    width: int = 0
    height: int = 0
    intervals: Sequence[tuple[int, int]] = ()
    warnings: list[str] = field(default_factory=list)

    def warn(self, message: str) -> None:
        """Note something once."""
        if message not in self.warnings and len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(message)


class OpenRecording:
    """An open recording; made by `open_recording`, a context manager.

    Attributes:
        path: the file.
        statistics: what has been read so far.
        track: number of the video track that is read, among all streams of the file.
    """

    def __init__(  # noqa: PLR0917  (what `open_recording` has found out)
        self,
        path: Path,
        container: Any,
        stream: Any,
        statistics: Statistics,
        aspect: float | None,
        tick: Callable[[], None],
    ) -> None:
        self.path = path
        self.statistics = statistics
        self._tick = tick
        self.track = int(stream.index)
        self._container = container
        self._stream = stream
        self._rate = Fraction(stream.average_rate or stream.guessed_rate or DEFAULT_RATE)
        said = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
        size = stream.codec_context.width, stream.codec_context.height
        self._converter = FrameConverter(pixel_aspect(said, size, aspect, statistics.warn), statistics.warn)

    @property
    def frame_rate(self) -> float:
        """Frames a second as the header says; 25 where it says nothing."""
        return float(self._rate)

    @property
    def expected_duration_us(self) -> int | None:
        """Return the duration that the header states, or None; only good for showing progress."""
        if self._stream.duration is not None and self._stream.time_base is not None:
            return int(self._stream.duration * self._stream.time_base / MICROSECOND)
        if not self._container.duration:
            return None
        # Matroska's duration begins at zero, wherever its first time stamp is.
        begin = self._container.start_time or 0 if "matroska" in self._container.format.name else 0
        left = int(self._container.duration - begin)
        return left if left > 0 else int(self._container.duration)

    @property
    def recorded_at(self) -> str | None:
        """When the file says that it was recorded, in ISO 8601, or None."""
        return said_start(self._stream.metadata, self._container.metadata)

    def frames(self, *, fps: float | None = None, share: Share | None = None) -> Iterator[Frame]:
        """Yield frames in order of time, at most `fps` a second (all if None); once.

        A frame is taken when it is the first in its slot of 1 / fps seconds, so the choice depends on time
        alone. Only frames that are taken, and are in `share` where there is one, are converted to RGB; all
        are decoded, so that times and damage do not depend on the share.

        Raises:
            UnreadableRecording: no frame could be decoded, or only one.
        """
        by_dts = "avi" in self._container.format.name and self._stream.codec_context.has_b_frames
        clock = FrameClock(
            self._rate, Fraction(self._stream.time_base), by_dts=bool(by_dts), warn=self.statistics.warn
        )
        next_slot, taken = 0, 0
        for decoded, time_us in clock.times(self._decode()):
            if time_us is None:
                self.statistics.frames_bad += 1
                continue
            index = self._count(decoded, clock.end_us)
            slot = 0 if fps is None else int(time_us * fps / 1_000_000 + 1e-6)
            if fps is None or slot >= next_slot:
                next_slot, taken = slot + 1, taken + 1
                if share is None or share.has(taken - 1, self._converter.bytes):
                    yield Frame(index, time_us, self._converter.convert(decoded), self._converter.coded)
                else:
                    self._converter.notice(decoded)
        self._finish(clock)

    def close(self) -> None:
        """Release the file."""
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _finish(self, clock: FrameClock) -> None:
        """All has been read: say what is missing."""
        statistics = self.statistics
        if statistics.frames_decoded < 2:
            found = "only one frame could be decoded"
            if not statistics.frames_decoded:
                found = f"no frame could be decoded: damaged, or of more than {MAX_PIXELS:,} pixels"
            raise UnreadableRecording(f"{shown(self.path.name)}: {found}")
        statistics.intervals = clock.intervals
        holes = [start - end for (_, end), (start, _) in pairwise(clock.intervals)]
        if holes:
            count = f"{len(holes)} hole{'s' if len(holes) > 1 else ''}"
            statistics.warn(f"no frames for {sum(holes) / 1e6:.1f} s ({count}): not searched")
        # A header goes by the stamps that were not believed.
        expected_us = (self.expected_duration_us or 0) if clock.steady else 0
        missing_us = expected_us - statistics.duration_us
        if missing_us > max(MISSING_US, statistics.duration_us // 100):
            statistics.warn(f"the recording is {missing_us / 1e6:.1f} s shorter than its header says")

    def _count(self, decoded: Any, end_us: int) -> int:
        """Add a frame to the statistics; return its number."""
        statistics = self.statistics
        if decoded.is_corrupt:
            statistics.frames_bad += 1
            statistics.warn("damaged frames were used as far as they could be decoded")
        self._converter.measure(decoded)
        assert self._converter.size is not None
        statistics.width, statistics.height = self._converter.size
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
                    self._tick()
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


def open_recording(
    path: Path,
    *,
    source: Path | None = None,
    aspect: float | None = None,
    threads: int = 4,
    device: str = "cpu",
    tick: Callable[[], None] = lambda: None,
) -> OpenRecording:
    """Open a recording for reading, in this process: files of others are decoded by `indexer.sandbox`.

    Args:
        path: of the file.
        source: leads to the file, where it is held open; None: its path does.
        aspect: width / height of its pixels, where the file does not say it; None for square ones.
        threads: of the decoder; their number does not follow the machine, as how damage is concealed depends
            on it.
        device: "cpu", or "cuda:N" for the GPU's decoder where it can; where not, a warning says so.
        tick: called whenever something has been read.

    Raises:
        UnreadableRecording: not a file, empty, not a video, without a video stream or with frames of more
            than MAX_PIXELS; the message says which.
    """
    source = source or path
    _check_file(path, source)
    statistics = Statistics()
    container = _open(path, source)
    try:
        streams = _video_streams(path, container)
        if len(streams) > 1:
            index = choose_track(container, streams, statistics.warn)
            container.close()
            container = _open(path, source)  # looking for the right track has moved the reader
            streams = [container.streams[index]]
        stream = streams[0]
        if device != "cpu" and (accelerated := _on_gpu(source, device, stream.index, statistics.warn)):
            container.close()
            container, stream = accelerated
        _prepare(path, stream, threads)
        return OpenRecording(path, container, stream, statistics, aspect, tick)
    except BaseException:
        container.close()
        raise


def _open(path: Path, source: Path) -> Any:
    try:
        return _container(source)
    except (av.error.FFmpegError, ValueError) as error:
        reason = "not a video file, or cut off in its header"
        raise UnreadableRecording(f"{shown(path.name)}: {reason}") from error


def _container(source: Path, hwaccel: HWAccel | None = None) -> Any:
    # Streams are looked into when a file is opened; large frames must not take all memory.
    options = {"format_whitelist": _FORMATS, "protocol_whitelist": "file", "max_pixels": str(MAX_PIXELS)}
    # "file:" keeps a name with a colon from being taken for a protocol.
    name = f"file:{source.absolute()}"
    return av.open(name, options=options, metadata_errors="replace", hwaccel=hwaccel)


def _on_gpu(source: Path, device: str, track: int, warn: Callable[[str], None]) -> tuple[Any, Any] | None:
    """The file opened once more, with a stream that the GPU decodes; None: it does not, and is warned of."""
    hwaccel = HWAccel("cuda", device=device.removeprefix("cuda:"), allow_software_fallback=True)
    try:
        container = _container(source, hwaccel)
    except (av.error.FFmpegError, ValueError) as error:  # the file was opened without it a moment ago
        warn(f"decoded on the CPU: {device} does not decode here ({getattr(error, 'strerror', error)})")
        return None
    stream = container.streams[track]
    if not stream.codec_context.is_hwaccel:
        warn(f"decoded on the CPU: {device} has no decoder for {stream.codec_context.name}")
    return container, stream


def _video_streams(path: Path, container: Any) -> list[Any]:
    """Video streams that can be decoded, at least one."""
    candidates = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    streams = [stream for stream in candidates if stream.codec_context is not None]
    if not streams:
        raise UnreadableRecording(f"{shown(path.name)}: {_without_video(container, candidates)}")
    return streams


def _prepare(path: Path, stream: Any, threads: int) -> None:
    """Set the decoder up, unless its frames are too large."""
    decoder = stream.codec_context
    if decoder.width * decoder.height > MAX_PIXELS:
        size = f"{decoder.width} x {decoder.height}"
        raise UnreadableRecording(f"{shown(path.name)}: frames of {size} are too large")
    stream.thread_type = "AUTO"
    decoder.thread_count = threads
    decoder.options = {"max_pixels": str(MAX_PIXELS)}  # the size may change within the file


def _without_video(container: Any, candidates: Sequence[Any]) -> str:
    if candidates:
        return "no decoder for its video codec"
    return "sound only, no video" if container.streams.audio else "no video in the file"


def _check_file(path: Path, source: Path) -> None:
    """Raise UnreadableRecording for what need not be shown to FFmpeg."""
    if source.is_dir():
        raise UnreadableRecording(f"{shown(path)}: a folder")
    try:
        with source.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise UnreadableRecording(f"{shown(path)}: {error.strerror}") from error
    if not head:
        raise UnreadableRecording(f"{shown(path.name)}: the file is empty")
    # No container of video is free of control characters; playlists and scripts are.
    if not any(byte < 32 and byte not in b"\t\n\r\f" for byte in head):
        raise UnreadableRecording(f"{shown(path.name)}: a text, not a recording")
