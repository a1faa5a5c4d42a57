"""The types of pictures and of boxes on them."""

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # (h, w, 3), red, green, blue
Box = tuple[float, float, float, float]  # x, y, w, h in pixels of the upright photo
