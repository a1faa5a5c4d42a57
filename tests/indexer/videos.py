"""Videos of walking people, drawn and encoded here: striped figures of one colour each on a noisy wall."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 320, 240
RED, GREEN, BLUE = (220, 40, 40), (40, 200, 40), (50, 60, 230)
PALETTE: Final = (RED, GREEN, BLUE)


@dataclass(frozen=True, slots=True)
class Walker:
    """A figure of `size` (w, h) that is in the picture from frame `enters` to before `leaves`.

    It begins at `at` (left, top) and moves `step` pixels a frame.
    """

    colour: tuple[int, int, int]
    enters: int
    leaves: int
    at: tuple[float, float]
    step: tuple[float, float] = (2.0, 0.0)
    size: tuple[int, int] = (28, 72)

    def box(self, frame: int) -> tuple[int, int, int, int]:
        """Left, top, right, bottom on a frame."""
        left = round(self.at[0] + self.step[0] * (frame - self.enters))
        top = round(self.at[1] + self.step[1] * (frame - self.enters))
        return left, top, left + self.size[0], top + self.size[1]


CROWD: Final = (
    Walker(RED, 0, 60, (10, 20)),
    Walker(GREEN, 10, 45, (250, 110), (-3, 0)),
    Walker(BLUE, 10, 70, (20, 150)),
)


def draw(walkers: Sequence[Walker], frame: int) -> NDArray[np.uint8]:
    """The picture of one frame, (240, 320, 3)."""
    wall = np.random.default_rng(7).integers(100, 130, (HEIGHT, WIDTH, 1), dtype=np.uint8)
    picture = np.repeat(wall, 3, axis=2)
    for walker in walkers:
        if not walker.enters <= frame < walker.leaves:
            continue
        left, top, right, bottom = walker.box(frame)
        rows, columns = slice(max(0, top), max(0, bottom)), slice(max(0, left), max(0, right))
        figure = picture[rows, columns]
        figure[:] = walker.colour
        figure[::6] = np.array(walker.colour) * 6 // 10  # stripes: something to be sharp
    return picture


def make_video(
    path: Path, walkers: Sequence[Walker] = CROWD, *, frames: int = 80, fps: int = 10, seed: int = 0
) -> Path:
    """Write a video; another `seed` makes another file of the same scene."""
    path.write_bytes(_encoded(path.suffix, tuple(walkers), frames, fps, seed))
    return path


@cache
def _encoded(suffix: str, walkers: tuple[Walker, ...], frames: int, fps: int, seed: int) -> bytes:
    """The bytes of a video: many tests want the same one."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"video{suffix}"
        with av.open(str(path), "w") as container:
            container.metadata["comment"] = f"seed {seed}"
            stream = container.add_stream("libx264", rate=fps, options={"crf": "12", "preset": "ultrafast"})
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            stream.codec_context.gop_size = 10
            stream.codec_context.time_base = Fraction(1, fps)
            for number in range(frames):
                picture = av.VideoFrame.from_ndarray(draw(walkers, number), format="rgb24")
                picture.pts = number
                container.mux(stream.encode(picture))
            container.mux(stream.encode())
        return path.read_bytes()
