"""Small videos whose pictures show their own number, in any container and with any time stamps."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from indexer.decode import OpenRecording, open_recording
from indexer.types import Frame

WIDTH, HEIGHT = 160, 96
BITS = 8
MILLISECOND = Fraction(1, 1000)


def numbered(number: int, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.uint8]:
    """A grey picture with the bits of `number` as bright blocks along its upper edge, lowest first."""
    picture = np.full((height, width, 3), 60, dtype=np.uint8)
    for bit in range(BITS):
        if number >> bit & 1:
            picture[: height // 4, width * bit // BITS : width * (bit + 1) // BITS] = 230
    return picture


def number_of(picture: NDArray[np.uint8]) -> int:
    """The number that a picture shows."""
    height, width = picture.shape[:2]
    row = picture[height // 8, :, 1]
    return sum(1 << bit for bit in range(BITS) if row[width * (2 * bit + 1) // (2 * BITS)] > 145)


def encode(
    path: Path,
    codec: str = "libx264",
    *,
    frames: int = 50,
    rate: int = 25,
    times_ms: Sequence[int] | None = None,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    pixels: str = "yuv420p",
    container: str | None = None,
    rotation: int | None = None,
    options: dict[str, str] | None = None,
    pictures: Sequence[NDArray[np.uint8]] | None = None,
    container_options: dict[str, str] | None = None,
    aspect: Fraction | None = None,
) -> Path:
    """Encode `frames` numbered pictures, or `pictures`, evenly or at `times_ms`."""
    with av.open(str(path), "w", format=container, options=container_options or {}) as output:
        stream: Any = output.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        unit = Fraction(1, rate) if times_ms is None else MILLISECOND
        stream.codec_context.time_base = unit
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if rotation is not None:
            stream.set_display_rotation(rotation)
        count = len(pictures or times_ms or range(frames))
        for index in range(count):
            drawn = pictures[index] if pictures else numbered(index % (1 << BITS), *size)
            frame = av.VideoFrame.from_ndarray(drawn, format="rgb24")
            frame.pts, frame.time_base = (index if times_ms is None else times_ms[index]), unit
            output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return path


def read(path: Path, fps: float | None = None) -> tuple[list[Frame], OpenRecording]:
    """All frames and the recording that they come from."""
    with open_recording(path) as recorded:
        return list(recorded.frames(fps=fps)), recorded
