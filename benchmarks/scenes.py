"""Recordings for benchmarks of indexing, 720 pixels high, encoded anew with H.264.

still  the background of a sample with the noise of a sensor, 25 frames a second: a lonely camera at night
three  a sample, enlarged: one to three people in view
eight  vtest.avi, enlarged: some eight people in view, small ones among them
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

SCENES = ("still", "three", "eight")
HEIGHT = 720
STILL_RATE = 25  # frames a second
NOISE = 2.0  # of 255, the deviation of a sensor's noise in good light
_SAMPLES = Path(__file__).parent.parent / "samples"
Picture = NDArray[np.uint8]


def make(scene: str, folder: Path, data: Path | None, seconds: float) -> Path | None:
    """Encode a scene of at most so many seconds; None: it is made of vtest.avi, and `data` is not there."""
    target = folder / f"{scene}.mp4"
    if scene == "still":
        return encode(target, _still(seconds), Fraction(STILL_RATE))
    source = _SAMPLES / "camera-2.mp4" if scene == "three" else data and data / "vtest.avi"
    if source is None:
        return None
    with av.open(str(source)) as container:
        rate = container.streams.video[0].average_rate
        assert rate is not None
    return encode(target, _enlarged(source, seconds), rate)


def encode(target: Path, pictures: Iterator[Picture], rate: Fraction) -> Path:
    """Encode pictures, (h, w, 3) uint8 RGB, at so many frames a second."""
    first = next(pictures)
    with av.open(str(target), "w") as output:
        stream: Any = output.add_stream("libx264", rate=rate, options={"preset": "veryfast", "crf": "23"})
        stream.height, stream.width = first.shape[:2]
        stream.pix_fmt = "yuv420p"
        output.mux(stream.encode(_frame(first)))
        for picture in pictures:
            output.mux(stream.encode(_frame(picture)))
        output.mux(stream.encode())
    return target


def _frame(picture: Picture) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(picture, format="rgb24")


def _enlarged(source: Path, seconds: float) -> Iterator[Picture]:
    with av.open(str(source)) as container:
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time >= seconds:
                return
            width = round(frame.width * HEIGHT / frame.height / 2) * 2
            yield frame.reformat(width, HEIGHT, "rgb24").to_ndarray().astype(np.uint8, copy=False)


def _still(seconds: float) -> Iterator[Picture]:
    """The median of a sample's frames has nobody on it."""
    some = list(_enlarged(_SAMPLES / "camera-2.mp4", 60.0))[::20]
    background = np.median(some, axis=0)
    generator = np.random.default_rng(0)
    for _ in range(round(seconds * STILL_RATE)):
        noise = generator.normal(0, NOISE, background.shape)
        yield np.clip(background + noise, 0, 255).astype(np.uint8)
