"""Crops of data sets, read one by one."""

from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, UnidentifiedImageError

from models.errors import BadDataset
from models.preprocessing import Crop

MAX_SIDE: Final = 4096


def read_frame(path: Path) -> Crop:
    """Decode a crop of a person: (h, w, 3) uint8 RGB. Raises BadDataset, which names the crop."""
    try:
        with Image.open(path) as image:
            if max(image.size) > MAX_SIDE:
                raise BadDataset(f"{path}: {image.width} x {image.height} pixels are no crop of a person")
            return np.asarray(image.convert("RGB"))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise BadDataset(f"{path}: not a readable image ({error})") from error
