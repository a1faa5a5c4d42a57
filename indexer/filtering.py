"""Tracklets not worth keeping: too short, too small, too blurred. The caller counts the reasons."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from indexer.settings import IndexSettings

TOO_SHORT: Final = "too_short"
TOO_SMALL: Final = "too_small"
TOO_BLURRED: Final = "too_blurred"


def reason_to_drop(
    boxes: NDArray[np.void], sharpnesses: Sequence[float], pace_us: float, settings: IndexSettings
) -> str | None:
    """Why a tracklet is not kept, or None.

    Args:
        boxes: (N,) BOX_DTYPE, times ascending, at least one.
        sharpnesses: of its sampled crops (models.quality.sharpness); a tracklet without any is too short.
        pace_us: between two frames that were looked at, so that each box stands for as long.
        settings: the thresholds.
    """
    lasts = (int(boxes["time_us"][-1]) - int(boxes["time_us"][0])) / 1e6
    seen = len(boxes) * pace_us / 1e6
    if not sharpnesses or lasts < settings.min_seconds or seen < settings.min_seen_seconds:
        return TOO_SHORT
    if float(np.median(boxes["h"])) < settings.min_height:
        return TOO_SMALL
    if float(np.median(sharpnesses)) < settings.min_sharpness:
        return TOO_BLURRED
    return None
