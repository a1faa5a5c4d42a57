"""Decoded frames as upright RGB pictures of one size."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from av.video.reformatter import VideoReformatter

from indexer.types import Image

COMB: Final = (
    16  # grey levels by which a line must leave the range of its neighbours to count as a comb's tooth
)
SQUARE: Final = (0.8, 1.25)  # pixel aspects within which nobody looks squashed


class Pictures:
    """Turns frames into pictures (h, w, 3) RGB.

    Pictures are turned upright as the file says, in quarter turns. All have the size of the first: where the
    size changes in the file, later frames are scaled to it, so that boxes stay comparable. Pixels stay as
    they are coded, also where they are not square; playback and boxes then agree without a scale between
    them. Interlaced frames lose the comb that movement leaves.

    Args:
        warn: told once of everything unusual.
    """

    def __init__(self, warn: Callable[[str], None]) -> None:
        self.size: tuple[int, int] | None = None  # width, height upright
        self._warn = warn
        self._reformatter = VideoReformatter()  # one for all frames: its tables are costly to set up

    def measure(self, frame: Any) -> None:
        """Fix the size by the first frame, whether its picture is wanted or not."""
        if self.size is None:
            turned = _turns(frame) % 2 == 1
            self.size = (frame.height, frame.width) if turned else (frame.width, frame.height)

    def picture(self, frame: Any) -> Image:
        """The upright picture, contiguous in memory."""
        self.measure(frame)
        assert self.size is not None
        turns = _turns(frame)
        width, height = self.size[::-1] if turns % 2 else self.size
        if (frame.width, frame.height) != (width, height):
            self._warn("the picture size changes in the file: later frames are scaled to the first")
        upright = self._reformatter.reformat(frame, width=width, height=height, format="rgb24")
        pixels = np.asarray(upright.to_ndarray(), dtype=np.uint8)  # without a copy
        if frame.interlaced_frame:
            self._warn("the recording is interlaced: combs were smoothed")
            pixels = without_comb(pixels)
        return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


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
    """Quarter turns counter-clockwise that bring the stored picture upright."""
    return int(round(frame.rotation / 90) % 4)
