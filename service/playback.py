"""Clips to watch: a stretch of a recording as H.264 MP4, upright, with the person's box drawn on it."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import av
import numpy as np
from numpy.typing import NDArray

from service.errors import RecordingUnavailable
from service.footage import MICROSECOND, Footage, Stretch
from service.planes import Planes, coded

_CLOCK: Final = Fraction(1, 90_000)  # time base of the clip: exact for every usual frame rate
_BT601: Final = 6  # AVCOL_SPC_SMPTE170M
_LIMITED: Final = 1  # AVCOL_RANGE_MPEG
_GAP_US: Final = 1_000_000  # no box is made up for longer than the person was out of sight
_LINE: Final = coded(255, 176, 0)
_EDGE: Final = coded(20, 20, 20)


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip that was cut."""

    frames: int
    width: int
    height: int
    first_us: int


def cut(
    source: Path,
    destination: Path,
    stretch: Stretch,
    *,
    boxes: NDArray[np.void] | None = None,
    size: tuple[int, int] | None = None,
    steady: bool = True,
    track: int | None = None,
    max_side: int = 1280,
) -> Clip:
    """Write a stretch of a recording to `destination`, which must end in .mp4.

    Frames keep their distances in time. The clip starts with a key frame at zero, its index comes first, so
    that a browser plays it while it loads. There is no sound.

    Args:
        source: the recording.
        destination: file to write.
        stretch: which frames.
        boxes: BOX_DTYPE rows of one tracklet, to be drawn and interpolated in between; None draws nothing.
        size: upright (width, height) in which the indexer saw the recording, with square pixels; boxes are in
            pixels of it. None for that of the file.
        steady: its time stamps can be trusted, see `service.footage`.
        track: number of its video stream in the file; None for the first.
        max_side: longer pictures are scaled down to this.

    Raises:
        RecordingUnavailable: the recording cannot be read, or holds no such frames.
    """
    with Footage(source, steady=steady, track=track) as footage:
        size = size or footage.size
        frames = footage.frames(stretch)
        first = next(frames, None)
        if first is None:
            raise RecordingUnavailable("The recording holds no readable pictures at that time.")
        with _Writer(destination, _scaled(size, max_side)) as writer:
            for time_us, frame in chain([first], frames):
                picture = footage.picture(frame, writer.size)
                if boxes is not None:
                    _draw(picture, _box_at(boxes, time_us), writer.size[0] / size[0])
                writer.add(picture, time_us - first[0])
    return Clip(writer.frames, *writer.size, first[0])


def _scaled(size: tuple[int, int], max_side: int) -> tuple[int, int]:
    """The size to encode: even, as 4:2:0 needs, and not over `max_side`."""
    scale = min(1.0, max_side / max(size))
    return max(2, int(size[0] * scale) // 2 * 2), max(2, int(size[1] * scale) // 2 * 2)


def _box_at(boxes: NDArray[np.void], time_us: int) -> tuple[float, float, float, float] | None:
    """The box x, y, w, h at a time, interpolated between samples; None where the person is not in sight."""
    times = boxes["time_us"]
    after = int(np.searchsorted(times, time_us))
    if after == len(times) or (after == 0 and times[0] != time_us):
        return None
    if times[after] != time_us and times[after] - times[after - 1] > _GAP_US:
        return None
    x, y, w, h = (float(np.interp(time_us, times, boxes[name])) for name in ("x", "y", "w", "h"))
    return x, y, w, h


def _draw(picture: Planes, box: tuple[float, float, float, float] | None, scale: float) -> None:
    """Draw a frame of a box given in unscaled pixels; the part that lies outside the picture is left out."""
    if box is None:
        return
    height, width = picture.y.shape
    x, y, w, h = (value * scale for value in box)
    line = max(2, round(max(height, width) / 400))
    left, top, right, bottom = round(x), round(y), round(x + w), round(y + h)
    for colour, inset, thickness in ((_EDGE, -1, line + 2), (_LINE, 0, line)):
        x0, y0, x1, y1 = left + inset, top + inset, right - inset, bottom - inset
        for rows, columns in (
            ((y0, y0 + thickness), (x0, x1)),
            ((y1 - thickness, y1), (x0, x1)),
            ((y0, y1), (x0, x0 + thickness)),
            ((y0, y1), (x1 - thickness, x1)),
        ):
            picture.fill(rows, columns, colour)


class _Writer:
    """An MP4 being written."""

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        self.size = size
        self.frames = 0
        self._last = -1
        self._container = av.open(str(path), "w", options={"movflags": "+faststart"})
        # As near to the recording as `veryfast` at 23, in two fifths of its time: somebody waits for it.
        self._stream = self._container.add_stream("libx264", options={"preset": "ultrafast", "crf": "26"})
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        self._stream.gop_size = 25
        self._stream.max_b_frames = 0  # the first picture shown is the first one stored
        self._stream.time_base = self._stream.codec_context.time_base = _CLOCK
        # What `service.planes` holds is BT.601; untold, players take large pictures for BT.709.
        self._stream.codec_context.colorspace = _BT601
        self._stream.codec_context.color_range = _LIMITED

    def add(self, picture: Planes, time_us: int) -> None:
        """Append a picture; one that does not come after the last is left out."""
        pts = round(time_us * MICROSECOND / _CLOCK)
        if pts <= self._last:
            return
        frame = av.VideoFrame.from_ndarray(picture.packed, format="yuv420p")
        frame.pts, frame.time_base = pts, _CLOCK
        self._container.mux(self._stream.encode(frame))
        self._last = pts
        self.frames += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is buffered and the index; after a failure FFmpeg would crash over what is buffered."""
        try:
            if kind is None:
                self._container.mux(self._stream.encode(None))
        finally:
            self._container.close()
