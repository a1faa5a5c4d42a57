"""A probe that verdicts on its hits have moved.

Rocchio: towards the matches, away from the others (Rocchio, "Relevance Feedback in Information Retrieval", in
The SMART Retrieval System, 1971). From `ENOUGH` verdicts of both kinds on, a linear support vector machine
finds what tells the one from the others; its direction is added, as it alone would forget the photo.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.feedback.fusion import Floats, unit
from models.feedback.svm import separating

ENOUGH: Final = 5
COST: Final = 1.0


class Method(StrEnum):
    """How a probe was moved."""

    ROCCHIO = "rocchio"
    SVM = "svm"


@dataclass(frozen=True, slots=True)
class Weights:
    """How far verdicts move a probe of length one; chosen on people that judge nothing (docs/experiments.md).

    Attributes:
        matches: towards the mean of the matches.
        others: away from the mean of the others.
        separation: along the direction that tells them apart.
    """

    matches: float = 1.0
    others: float = 0.25
    separation: float = 0.5


@dataclass(frozen=True, slots=True)
class Refined:
    """A moved probe, (D,), L2-normalised, and how it was moved."""

    vector: Floats
    method: Method


def refine(probe: Floats, matches: Floats, others: Floats, weights: Weights | None = None) -> Refined:
    """Move a probe by verdicts; without any it stays as it is.

    Args:
        probe: (D,), L2-normalised.
        matches: (M, D), L2-normalised, tracklets that show the person; M may be 0.
        others: (N, D), of somebody else; N may be 0.
        weights: how far.
    """
    weights = weights or Weights()
    if not len(matches) and not len(others):
        return Refined(probe, Method.ROCCHIO)
    moved = probe.astype(np.float64)
    if len(matches):
        moved += weights.matches * matches.astype(np.float64).mean(axis=0)
    if len(others):
        moved -= weights.others * others.astype(np.float64).mean(axis=0)
    if not len(matches) or not len(others) or len(matches) + len(others) < ENOUGH:
        return Refined(unit(moved, otherwise=probe), Method.ROCCHIO)
    direction = _separation(probe, matches, others)
    moved = unit(moved, otherwise=probe) + weights.separation * direction
    return Refined(unit(moved, otherwise=probe), Method.SVM)


def _separation(probe: Floats, matches: Floats, others: Floats) -> NDArray[np.float64]:
    """The direction, (D,) of length one, that tells the person (with the probe) from the others.

    Both kinds weigh the same, however many there are of each.
    """
    examples = np.concatenate([probe[np.newaxis], matches, others]).astype(np.float64)
    examples = np.concatenate([examples, np.ones((len(examples), 1))], axis=1)
    labels = np.repeat(np.array([1, -1]), [1 + len(matches), len(others)])
    costs = COST * len(labels) / 2 / np.where(labels > 0, 1 + len(matches), len(others))
    direction = separating(examples, labels, costs)[:-1]
    return unit(direction, otherwise=np.zeros(len(direction), np.float32)).astype(np.float64)
