"""Pictures as video codes them: how bright each pixel is, and its colour at half the size.

Y, Cb and Cr of BT.601 in the limited range, 4:2:0. Between decoder and encoder nothing is turned into RGB and
back, which would take longer than either.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]  # (h, w), or half of both
# Of red, green and blue from 0 to 1; ITU-R BT.601-7, section 2.5.
_MATRIX: Final = np.array(
    [[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]], dtype=np.float64
)
_OFFSET: Final = np.array([16.0, 128.0, 128.0])


def coded(red: int, green: int, blue: int) -> tuple[int, int, int]:
    """Y, Cb and Cr of a colour, each from 0 to 255."""
    y, cb, cr = np.rint(_MATRIX @ (np.array([red, green, blue]) / 255) + _OFFSET)
    return int(y), int(cb), int(cr)


@dataclass(frozen=True, slots=True)
class Planes:
    """A picture with an even width and height.

    Attributes:
        packed: (3 h / 2, w), the planes one after the other; `y`, `cb` and `cr` are views of it.
    """

    packed: NDArray[np.uint8]
    y: Plane
    cb: Plane
    cr: Plane

    @classmethod
    def of(cls, packed: NDArray[np.uint8]) -> Self:
        """The planes of a picture as FFmpeg packs them."""
        height, width = packed.shape[0] * 2 // 3, packed.shape[1]
        flat, quarter = packed.reshape(-1), height * width // 4
        half = (height // 2, width // 2)
        colours = flat[height * width :]
        return cls(packed, packed[:height], colours[:quarter].reshape(half), colours[quarter:].reshape(half))

    def turned(self, turns: int) -> Self:
        """The same, turned by quarters counter-clockwise."""
        if turns % 4 == 0:
            return self
        planes = [np.rot90(plane, turns) for plane in (self.y, self.cb, self.cr)]
        flat = np.concatenate([plane.ravel() for plane in planes])
        return type(self).of(flat.reshape(-1, planes[0].shape[1]))

    def fill(self, rows: tuple[int, int], columns: tuple[int, int], colour: tuple[int, int, int]) -> None:
        """Paint a rectangle, [first, last) each; the part that lies outside the picture is left out."""
        y, cb, cr = colour
        height, width = self.y.shape
        self.y[_span(rows, height), _span(columns, width)] = y
        # Each colour is of four pixels: those that the rectangle covers in part are painted, too.
        place = tuple(
            _span((start // 2, (stop + 1) // 2), length // 2)
            for (start, stop), length in ((rows, height), (columns, width))
        )
        self.cb[place], self.cr[place] = cb, cr


def _span(ends: tuple[int, int], length: int) -> slice:
    start, stop = (min(max(end, 0), length) for end in ends)
    return slice(start, stop)
