"""What makes a finished track better: things that never move dropped, ends trimmed, identity switches
split.

Each step looks at one track alone, after it has ended.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from indexer.settings import IndexSettings

Features = NDArray[np.float32]


def is_still(boxes: NDArray[np.void], settings: IndexSettings) -> bool:
    """Whether this is a thing, not a person: it lasted long and never moved.

    Args:
        boxes: (N,) BOX_DTYPE of the whole track, times ascending.
        settings: the thresholds.
    """
    seconds = (int(boxes["time_us"][-1]) - int(boxes["time_us"][0])) / 1e6
    if settings.still_seconds == 0 or seconds < settings.still_seconds:
        return False
    feet = np.stack([boxes["x"] + boxes["w"] / 2, boxes["y"] + boxes["h"]])
    low, high = np.percentile(feet, (5, 95), axis=1)
    return bool((high - low).max() < settings.still_motion * np.median(boxes["h"]))


def trim(boxes: NDArray[np.void], settings: IndexSettings) -> slice:
    """The boxes to keep: all but weak ones at either end. Never empty."""
    strong = np.flatnonzero(boxes["score"] >= settings.trim_score)
    if not len(strong):
        return slice(0, len(boxes))
    return slice(int(strong[0]), int(strong[-1]) + 1)


def switches(features: Features, settings: IndexSettings) -> Sequence[int]:
    """Positions, ascending, at which somebody else begins; none when the track is of one person.

    Args:
        features: (M, D) of the sampled crops in order of time, L2-normalised.
        settings: the thresholds.
    """
    side = settings.split_samples
    cuts: list[int] = []
    if settings.split_cosine <= 0:
        return cuts
    likeness = np.ones(len(features))
    for position in range(side, len(features) - side + 1):
        before = features[position - side : position].mean(axis=0)
        after = features[position : position + side].mean(axis=0)
        likeness[position] = (
            before @ after / max(float(np.linalg.norm(before) * np.linalg.norm(after)), 1e-12)
        )
    for position in np.argsort(likeness, kind="stable"):
        if likeness[position] >= settings.split_cosine:
            break
        if all(abs(position - cut) >= side for cut in cuts):
            cuts.append(int(position))
    return sorted(cuts)
