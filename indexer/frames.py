"""Decoded frames as upright RGB images of one size, with square pixels."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

import numpy as np
from av.video.reformatter import VideoReformatter

from indexer.types import Image

COMB: Final = (
    16  # grey levels by which a line must leave the range of its neighbours to count as a comb's tooth
)
SQUARE: Final = (0.8, 1.25)  # pixel aspects within which nobody looks squashed: left as coded
PLAUSIBLE: Final = (0.25, 4.0)  # no camera has narrower or wider pixels, whatever a file says
LONGEST_SIDE: Final = 4096  # larger frames are scaled down: the networks see nothing finer

# Recorders save space by leaving out every other column or line, and often do not say so in the file.
_WHOLE: Final = {
    (704, 480),
    (704, 576),
    (720, 480),
    (720, 576),
    (960, 480),
    (960, 540),
    (960, 576),
    (1280, 720),
    (1920, 1080),
    (2560, 1440),
}
HALVED: Final = {(width // 2, height): 2 for width, height in _WHOLE} | {
    (width, height // 2): Fraction(1, 2) for width, height in _WHOLE
}


class FrameConverter:
    """Turns decoded frames into images (h, w, 3) uint8 RGB.

    Images are turned upright as the file says, in quarter turns, and have square pixels. All have the size
    of the first: where the size changes in the file, later frames are scaled to it, so that boxes stay
    comparable. Interlaced frames lose the comb that movement leaves.

    Args:
        aspect: width / height of a coded pixel.
        warn: told once of everything unusual.

    Attributes:
        size: width and height of the images; None before the first frame.
        coded: upright width and height of the first frame as coded.
    """

    def __init__(self, aspect: Fraction, warn: Callable[[str], None]) -> None:
        self.size: tuple[int, int] | None = None
        self.coded = (0, 0)
        self._aspect = aspect
        self._coded_size = (0, 0)  # before turning
        self._warn = warn
        self._reformatter = VideoReformatter()  # one for all frames: its tables are costly to set up

    @property
    def bytes(self) -> int:
        """How many an image takes; 0 before the first frame."""
        return 0 if self.size is None else self.size[0] * self.size[1] * 3

    def measure(self, frame: Any) -> None:
        """Fix the size by the first frame, whether its image is wanted or not."""
        if self.size is not None:
            return
        self._coded_size = frame.width, frame.height
        width, height = _squared(*self._coded_size, self._aspect)
        turned = _turns(frame) % 2 == 1
        self.size = (height, width) if turned else (width, height)
        self.coded = self._coded_size[::-1] if turned else self._coded_size
        if max(self._coded_size) > LONGEST_SIDE:
            self._warn(f"frames of {frame.width} x {frame.height} were scaled down to {width} x {height}")

    def notice(self, frame: Any) -> None:
        """Warn of what is unusual about a frame whose image may not be wanted."""
        self.measure(frame)
        if (frame.width, frame.height) != self._coded_size:
            self._warn("the frame size changes in the file: later frames are scaled to the first")
        if frame.interlaced_frame:
            self._warn("the recording is interlaced: combs were smoothed")

    def convert(self, frame: Any) -> Image:
        """The upright image, contiguous in memory."""
        self.notice(frame)
        assert self.size is not None
        turns = _turns(frame)
        width, height = self.size[::-1] if turns % 2 else self.size
        upright = self._reformatter.reformat(frame, width=width, height=height, format="rgb24")
        pixels = np.asarray(upright.to_ndarray(), dtype=np.uint8)  # without a copy
        if frame.interlaced_frame:
            pixels = without_comb(pixels)
        return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


def pixel_aspect(
    said: Fraction | None, size: tuple[int, int], camera: float | None, warn: Callable[[str], None]
) -> Fraction:
    """Width / height of a coded pixel: what the file says, else the camera's, else 1.

    Many programs write 1:1 without knowing, so a file that says so says nothing.

    Args:
        said: by the file.
        size: width and height in coded pixels.
        camera: the setting of the camera, None where it has none.
        warn: told of what is implausible or probably missing.
    """
    if said and said != 1:
        if PLAUSIBLE[0] <= said <= PLAUSIBLE[1]:
            return _unless_nearly_square(said)
        warn(f"the file says that pixels are {said.numerator}:{said.denominator}: not believed")
    if camera is not None:
        return _unless_nearly_square(Fraction(camera).limit_denominator(1000))
    if size in HALVED:
        warn(
            f"recorders often store {size[0]} x {size[1]} with pixels left out: if people look squashed, set "
            f"the pixel aspect of the camera to {float(HALVED[size]):g}"
        )
    return Fraction(1)


def _unless_nearly_square(aspect: Fraction) -> Fraction:
    return Fraction(1) if SQUARE[0] <= aspect <= SQUARE[1] else aspect


def _squared(width: int, height: int, aspect: Fraction) -> tuple[int, int]:
    """The size with square pixels that keeps what there is to see, within LONGEST_SIDE."""
    wide, high = width * max(aspect, Fraction(1)), height / min(aspect, Fraction(1))
    scale = min(Fraction(1), LONGEST_SIDE / max(wide, high))
    return max(1, round(wide * scale)), max(1, round(high * scale))


def without_comb(pixels: Image) -> Image:
    """Smooth what movement between the two fields of a frame leaves; what stands still keeps every line.

    Args:
        pixels: (h, w, 3), not changed.
    """
    above, line, below = (
        pixels[start:stop:2].astype(np.int16) for start, stop in ((0, -2), (1, -1), (2, None))
    )
    rows = min(len(above), len(line), len(below))
    above, line, below = above[:rows], line[:rows], below[:rows]
    low, high = np.minimum(above, below) - COMB, np.maximum(above, below) + COMB
    comb = ((line < low) | (line > high)).any(axis=2, keepdims=True)
    smoothed = pixels.copy()
    smoothed[1 : 2 * rows : 2] = np.where(comb, (above + below) // 2, line)
    return smoothed


def _turns(frame: Any) -> int:
    """Quarter turns counter-clockwise that bring the stored image upright."""
    return int(round(frame.rotation / 90) % 4)
