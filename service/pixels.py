"""The type of pictures: (h, w, 3) uint8, red, green, blue."""

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
