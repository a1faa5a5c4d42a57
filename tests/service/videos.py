"""Recordings and photos to test with, drawn: every frame says which one it is."""

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
BITS = 8
CELL = 8  # pixels a side of one bit of the frame's number
BACKGROUND = (90, 110, 130)
RED, GREEN, BLUE = (200, 30, 30), (30, 160, 60), (40, 60, 200)


def numbered(number: int, width: int = 160, height: int = 120) -> Pixels:
    """A picture with its number as black and white cells along the top."""
    picture = np.full((height, width, 3), BACKGROUND, dtype=np.uint8)
    for bit in range(BITS):
        picture[:CELL, bit * CELL : (bit + 1) * CELL] = 255 if number >> bit & 1 else 0
    return picture


def number_of(picture: Pixels) -> int:
    """The number that `numbered` drew."""
    cells = picture[:CELL, : BITS * CELL].mean(axis=2).reshape(CELL, BITS, CELL).mean(axis=(0, 2))
    return sum(int(cell > 127) << bit for bit, cell in enumerate(cells))


def write_video(
    path: Path,
    pictures: Sequence[Pixels],
    *,
    times: Sequence[float] | None = None,
    rate: int = 10,
    codec: str = "libx264",
    gop: int = 12,
    rotation: int = 0,
    b_frames: int = 0,
) -> Path:
    """Encode pictures at `times` in seconds, by default evenly; shown turned left by `rotation`."""
    height, width = pictures[0].shape[:2]
    options = {"crf": "12", "preset": "ultrafast"} if codec == "libx264" else {}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.gop_size, stream.max_b_frames = gop, b_frames
        if times is not None:
            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        if rotation:
            stream.set_display_rotation(rotation)
        for index, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            if times is None:
                frame.pts, frame.time_base = index, Fraction(1, rate)
            else:
                frame.pts, frame.time_base = round(times[index] * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def read_video(path: Path) -> list[tuple[float, Pixels]]:
    """Every frame with its time in seconds."""
    frames = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            picture: Pixels = frame.to_ndarray(format="rgb24")  # type: ignore[assignment]  # of 8 bits
            frames.append((float(frame.time or 0), picture))
    return frames


def person(colour: tuple[int, int, int], width: int = 40, height: int = 100) -> Pixels:
    """Something upright: a coloured half over a dark one, with fine stripes that blurring takes away."""
    picture = np.full((height, width, 3), colour, dtype=np.uint8)
    picture[height // 2 :] = 25
    picture[::8] = np.minimum(picture[::8] + 40, 255)
    picture[:, ::10] = 200
    return picture


def scene(*figures: tuple[tuple[int, int, int], int, int], width: int = 320, height: int = 240) -> Pixels:
    """A picture with figures (colour, x, y) on a plain background."""
    picture = np.full((height, width, 3), BACKGROUND, dtype=np.uint8)
    for colour, x, y in figures:
        figure = person(colour)
        picture[y : y + figure.shape[0], x : x + figure.shape[1]] = figure
    return picture


def encoded(picture: Pixels, image_format: str = "PNG", **options: object) -> bytes:
    """A picture as a file."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, image_format, **options)
    return buffer.getvalue()
