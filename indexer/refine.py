"""Clean up a finished track: drop things that never move, trim the ends, split at identity switches.

Each step looks at one track alone, after it has ended. benchmarks/README.md has what each is worth on
recordings with ground truth.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.settings import IndexSettings
from models.preprocessing import Crop

Features = NDArray[np.float32]

STRIPES: Final = 6  # of a person, from head to feet
HUES, GREYS = 12, 6  # bins of a stripe's histogram
MIDDLE: Final = slice(6, 26)  # columns of 32: the outer fifths show more wall than person


def is_still(boxes: NDArray[np.void], settings: IndexSettings) -> bool:
    """Whether this is a thing, not a person: it lasted long and never moved.

    A person who stands sways and shifts: over ten seconds the box moves by several tenths of its height, a
    traffic cone's by a few hundredths. The outermost 4 % of positions do not count, so that somebody who
    walks past a thing does not make it move.

    Args:
        boxes: (N,) BOX_DTYPE of the whole track, times ascending.
        settings: `still_seconds`, `still_motion`.
    """
    seconds = (int(boxes["time_us"][-1]) - int(boxes["time_us"][0])) / 1e6
    if settings.still_motion == 0 or seconds < settings.still_seconds:
        return False
    top, bottom = boxes["y"], boxes["y"] + boxes["h"]
    places = np.stack([boxes["x"] + boxes["w"] / 2, top, bottom])  # (3, N)
    low, high = np.percentile(places, (2, 98), axis=1)
    return bool((high - low).max() < settings.still_motion * np.median(boxes["h"]))


def trim(boxes: NDArray[np.void], settings: IndexSettings) -> slice:
    """The boxes to keep: all from the first strong one to the last, never none.

    Strong is a score of at least `trim_score` times the track's median, so it needs no tuning to a detector.
    Off by default: a tracker that hands out real detections only leaves little to trim, and figures fall.
    """
    median = float(np.median(boxes["score"]))
    strong = np.flatnonzero(boxes["score"] >= min(median, settings.trim_score * median))
    return slice(int(strong[0]), int(strong[-1]) + 1)


def appearance(crops: Sequence[Crop]) -> Features:
    """Colours of a person from head to feet: histograms of six stripes.

    Hue counts by saturation, grey level by the lack of it. The root of a histogram of sum 1 has length 1, and
    the product of two such is their Bhattacharyya coefficient.

    Args:
        crops: (h, w, 3) uint8 RGB each.

    Returns:
        (N, 108), rows of length 1.
    """
    features = np.empty((len(crops), STRIPES * (HUES + GREYS)), dtype=np.float32)
    for row, crop in zip(features, crops, strict=True):
        small = Image.fromarray(np.ascontiguousarray(crop)).resize((32, 64), Image.Resampling.BOX)
        pixels = np.asarray(small.convert("HSV"))[:, MIDDLE].astype(np.int64)
        stripe = np.arange(64)[:, None] * STRIPES // 64  # (64, 1), of each line
        hue, saturation, value = pixels[..., 0], pixels[..., 1] / 255, pixels[..., 2]
        hues = stripe * HUES + hue * HUES // 256
        greys = stripe * GREYS + value * GREYS // 256
        coloured = np.bincount(hues.ravel(), saturation.ravel(), STRIPES * HUES)
        colourless = np.bincount(greys.ravel(), 1 - saturation.ravel(), STRIPES * GREYS)
        row[:] = np.sqrt(np.concatenate([coloured, colourless]) / pixels[..., 0].size)
    return features


def switches(features: Features, settings: IndexSettings) -> Sequence[int]:
    """Positions, ascending, at which somebody else begins; none when the track is of one person.

    A switch is where `split_samples` crops before and after are less alike (cosine of their means) than
    `split_cosine`, and less than anywhere nearer to it than that many crops.

    Args:
        features: (M, D) of the sampled crops in order of time, rows of length 1, from `appearance` or an
            embedder.
        settings: `split_cosine` (0: never), `split_samples`.
    """
    side = settings.split_samples
    if settings.split_cosine <= 0 or len(features) < 2 * side:
        return []
    sums = np.cumsum(np.vstack([np.zeros_like(features[:1]), features]), axis=0, dtype=np.float64)
    windows = sums[side:] - sums[:-side]  # (M - side + 1, D), window p sums positions p to p + side
    windows /= np.maximum(np.linalg.norm(windows, axis=1, keepdims=True), 1e-12)
    likeness = (windows[:-side] * windows[side:]).sum(axis=1)  # at position p + side
    cuts: list[int] = []
    for place in np.argsort(likeness, kind="stable"):
        if likeness[place] >= settings.split_cosine:
            break
        if all(abs(int(place) + side - cut) >= side for cut in cuts):
            cuts.append(int(place) + side)
    return sorted(cuts)
