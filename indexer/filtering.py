"""Tracklets not worth keeping: too short, too small, too blurred. Whoever asks counts the reasons."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from indexer.settings import IndexSettings
from indexer.types import Image
from models.preprocessing import resample

TOO_SHORT: Final = "too_short"
TOO_SMALL: Final = "too_small"
TOO_BLURRED: Final = "too_blurred"

SHARPNESS_HEIGHT: Final = 128


def sharpness(crop: Image) -> float:
    """Variance of the Laplacian of the grey picture (Pech-Pacheco et al. 2000), in squared grey levels.

    A crop higher than 128 pixels is reduced to them first, so that one threshold serves people near and
    far. A crop of less than 3 x 3 pixels has none: 0.
    """
    height, width = crop.shape[:2]
    if height > SHARPNESS_HEIGHT:
        width = max(1, round(width * SHARPNESS_HEIGHT / height))
        crop = resample(crop, SHARPNESS_HEIGHT, width, mode="bilinear").permute(1, 2, 0).numpy()
    if min(crop.shape[:2]) < 3:
        return 0.0
    grey = crop @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float(np.var(around - 4 * grey[1:-1, 1:-1]))


def reason_to_drop(
    boxes: NDArray[np.void], sharpnesses: Sequence[float], settings: IndexSettings
) -> str | None:
    """Why a tracklet is not kept, or None.

    Args:
        boxes: (N,) BOX_DTYPE, times ascending, at least one.
        sharpnesses: of its sampled crops; a tracklet without any is too short.
        settings: the thresholds.
    """
    seconds = (int(boxes["time_us"][-1]) - int(boxes["time_us"][0])) / 1e6
    if not sharpnesses or len(boxes) < settings.min_frames or seconds < settings.min_seconds:
        return TOO_SHORT
    if float(np.median(boxes["h"])) < settings.min_height:
        return TOO_SMALL
    if float(np.median(sharpnesses)) < settings.min_sharpness:
        return TOO_BLURRED
    return None
