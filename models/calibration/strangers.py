"""What people who surely are two say of a calibrator, without anybody's verdicts.

The likelihood ratio of strangers is 1 on average, whatever their scores are like: the mean over pairs of two
people of p(score | one person) / p(score | two people) is the integral of p(score | one person). Where it is
more, strangers look more alike than where the calibrator was learnt, and its log ratios have to come down by
the logarithm of that mean. They never go up: ratios can be too small on average because one person looks
less alike here, of which strangers say nothing.

Nor does a tracklet's other half say anything of it: all halves that were measured, simulated and real, are
at the calibrator's limit, for they share camera, light and clothes. Another camera is what is hard.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.calibration.calibrator import Calibrator, Evidence
from models.calibration.correction import SPREADS

LEAST_PHOTOS: Final = 30
LEAST_PAIRS: Final = 100


@dataclass(frozen=True, slots=True)
class Strangers:
    """How alike strangers look to a calibrator.

    Attributes:
        photos: that were compared.
        pairs: of a photo and a tracklet of somebody else.
        mean_ratio: likelihood ratio that a calibrator gives them on average; 1 where it is right.
        shift: of log ratios that mends it, never above 0; what few pairs say counts less.
    """

    photos: int
    pairs: int
    mean_ratio: float
    shift: float


def lacking_strangers(photos: Sequence[Evidence]) -> str | None:
    """Why there is too little to tell, in a sentence; None where there is enough."""
    pairs = sum(len(one.scores) for one in photos)
    if len(photos) >= LEAST_PHOTOS and pairs >= LEAST_PAIRS:
        return None
    return (
        f"There are {pairs} pairs of people who were seen side by side, of {len(photos)} tracklets with crops"
        f"; {LEAST_PAIRS} pairs of {LEAST_PHOTOS} are the least."
    )


def strangers(calibrator: Calibrator, photos: Sequence[Evidence]) -> Strangers:
    """Compare photos with tracklets that surely show others: evidence for each photo, at least two of them.

    Pairs of one photo are no independent witnesses: how far the mean can be trusted is told by how much
    photos differ.
    """
    sums = np.array([np.exp(calibrator.log_ratios(one)).sum() for one in photos])
    counts = np.array([len(one.scores) for one in photos])
    pairs = int(counts.sum())
    mean = float(sums.sum() / pairs)
    variance = float(np.square(sums - mean * counts).sum()) / (mean * pairs) ** 2  # of the mean's logarithm
    trust = SPREADS[1] ** 2 / (SPREADS[1] ** 2 + variance)
    return Strangers(len(photos), pairs, mean, float(min(0.0, -np.log(mean) * trust)))
