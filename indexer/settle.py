"""Turn an ended track into tracklets with quality and a thumbnail, or drop it for a counted reason."""

from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from indexer import thumbnails
from indexer.clips import Stretch
from indexer.counters import Counters
from indexer.filtering import reason_to_drop
from indexer.refine import appearance, is_still, switches, trim
from indexer.settings import IndexSettings

NEVER_MOVED: Final = "never_moved"
TRIMMED: Final = "boxes_trimmed"
SPLIT: Final = "splits"


def refined(stretch: Stretch, counters: Counters, settings: IndexSettings) -> list[Stretch]:
    """Drop objects, trim weak ends, split different people apart, and drop what is not worth keeping."""
    if is_still(stretch.boxes, settings):
        counters.count(NEVER_MOVED)
        return []
    kept = trim(stretch.boxes, settings)
    counters.count(TRIMMED, len(stretch.boxes) - (kept.stop - kept.start))
    trimmed = _part(stretch, kept.start, kept.stop)
    if not _worth_keeping(trimmed, counters, settings):
        return []
    cuts = [trimmed.samples[position].box for position in switches(_appearance(trimmed), settings)]
    if not cuts:
        return [trimmed]
    counters.count(SPLIT, len(cuts))
    parts = [_part(trimmed, start, stop) for start, stop in pairwise([0, *cuts, len(trimmed.boxes)])]
    return [part for part in parts if _worth_keeping(part, counters, settings)]


def _appearance(stretch: Stretch) -> NDArray[np.float32]:
    return appearance([sample.crop for sample in stretch.samples])


def _worth_keeping(stretch: Stretch, counters: Counters, settings: IndexSettings) -> bool:
    sharpnesses = [sample.sharpness for sample in stretch.samples]
    reason = reason_to_drop(stretch.boxes, sharpnesses, stretch.pace_us, settings)
    if reason is not None:
        counters.count(reason)
    return reason is None


def quality(stretch: Stretch) -> dict[str, float]:
    """Return how well the person is seen: median height and sharpness, mean score of the detector."""
    return {
        "height_px": round(float(np.median(stretch.boxes["h"])), 1),
        "sharpness": round(float(np.median([sample.sharpness for sample in stretch.samples])), 4),
        "detector_score": round(float(np.mean(stretch.boxes["score"])), 4),
    }


def thumbnail(stretch: Stretch) -> bytes:
    """A JPEG strip of the moments that show most."""
    samples, heights = stretch.samples, stretch.boxes["h"]
    scores = [
        thumbnails.goodness(float(heights[sample.box]), sample.sharpness, sample.at_border)
        for sample in samples
    ]
    shown = [samples[position] for position in thumbnails.choose(scores)]
    return thumbnails.strip([s.crop for s in shown], [s.aspect for s in shown])


def _part(stretch: Stretch, start: int, stop: int) -> Stretch:
    """Boxes `start` to `stop` with their samples."""
    samples = [replace(s, box=s.box - start) for s in stretch.samples if start <= s.box < stop]
    return replace(stretch, boxes=stretch.boxes[start:stop], samples=samples)
