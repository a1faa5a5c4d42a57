"""The scores that a probe reaches in each camera, whichever person is seen.

Photos look like the tracklets of cameras that see alike, so everybody scores high there. The scores of each
camera are therefore standardised by what the probe scores there on the whole: (s - mean) / deviation, the
t-norm of speaker verification (Auckenthaler, Carey, Lloyd-Thomas, "Score Normalization for Text-Independent
Speaker Verification Systems", 2000), with the tracklets of one camera as cohort. Within a camera the order
stays as it is.

For a probe q the mean score is q.mu and the variance q'Sq, with the mean mu and the covariance S of the
camera's vectors. Of S the leading directions are kept, and one variance for all others. A camera with few
tracklets says little about itself: its mean and variance are shrunk towards those of the whole gallery.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gallery.records.tracklets import FloatArray

DIRECTIONS = 32  # of the covariance that are kept; more change no ranking that was measured
SAMPLE = 1024  # tracklets of a camera that are looked at: their mean is off by a thirtieth of a deviation
SHRINKAGE = 30  # tracklets that the whole gallery counts for beside a camera's own
LEAST_DEVIATION = 1e-3  # of scores between -1 and 1: fp16 vectors tell no smaller differences apart

_OVERSAMPLING = 8
_POWERS = 2


@dataclass(frozen=True, slots=True)
class Cohort:
    """The vectors of one camera, summed up.

    Attributes:
        count: how many there are.
        mean: (D,).
        directions: (R, D), orthonormal, those along which they differ most.
        variances: (R,) along these.
        rest: variance along any other direction.
    """

    count: int
    mean: FloatArray
    directions: FloatArray
    variances: FloatArray
    rest: float

    @classmethod
    def of(cls, vectors: NDArray[np.float16] | FloatArray, count: int | None = None) -> "Cohort":
        """Sum up vectors, (N, D); `count` says of how many they are a sample."""
        known = vectors.astype(np.float32)
        mean = known.mean(axis=0)
        centred = known - mean
        directions, variances = _principal(centred)
        dimension = known.shape[1]
        left = max(0.0, float(centred.var(axis=0).sum()) - float(variances.sum()))
        rest = left / (dimension - len(variances)) if dimension > len(variances) else 0.0
        return cls(len(known) if count is None else count, mean, directions, variances, rest)

    def level(self, query: FloatArray) -> tuple[float, float]:
        """Return mean and variance of the cosines of a probe, (D,), with these vectors."""
        along = np.square(self.directions @ query)
        others = max(0.0, float(query @ query) - float(along.sum()))
        return float(self.mean @ query), float(along @ self.variances) + self.rest * others


@dataclass(frozen=True, slots=True)
class Level:
    """A probe's scores in one camera: mean and standard deviation of its cosines."""

    mean: float
    deviation: float

    def standardise(self, scores: FloatArray) -> NDArray[np.float64]:
        """Say how many deviations above the camera's mean each cosine lies."""
        standard: NDArray[np.float64] = (scores.astype(np.float64) - self.mean) / self.deviation
        return standard


def standard_scores(queries: FloatArray, vectors: FloatArray, camera_ids: NDArray[np.int64]) -> FloatArray:
    """Rank a gallery that is given whole as one that is stored would be.

    Args:
        queries: (Q, D), L2-normalised.
        vectors: (N, D), L2-normalised; rounded to 16 bits as stored ones are.
        camera_ids: (N,) which camera each is of.

    Returns:
        (Q, N) cosines standardised within their camera.
    """
    stored = vectors.astype(np.float16)
    members = {int(camera): np.flatnonzero(camera_ids == camera) for camera in np.unique(camera_ids)}
    cohorts = {
        camera: Cohort.of(stored[rows[evenly(len(rows))]], len(rows)) for camera, rows in members.items()
    }
    scores = queries @ stored.astype(np.float32).T
    for query, row in zip(queries, scores, strict=True):
        for camera, level in levels(query, cohorts).items():
            row[members[camera]] = level.standardise(row[members[camera]])
    return scores


def evenly(count: int) -> NDArray[np.int64]:
    """Places, (S,), of the tracklets of a camera that are looked at."""
    looked_at = min(count, SAMPLE)
    places: NDArray[np.int64] = np.arange(looked_at) * count // max(looked_at, 1)
    return places


def levels(query: FloatArray, cohorts: Mapping[int, Cohort]) -> dict[int, Level]:
    """Say for each camera what a probe scores there.

    Args:
        query: (D,) float32, L2-normalised.
        cohorts: of all cameras of the gallery, whatever is searched: a filter moves no score.
    """
    if not cohorts:
        return {}
    counts = np.array([cohort.count for cohort in cohorts.values()], np.float64)
    own = np.array([cohort.level(query) for cohort in cohorts.values()])
    means, variances = own[:, 0], own[:, 1]
    shares = counts / counts.sum()
    mean = shares @ means
    variance = shares @ (variances + np.square(means - mean))
    weights = counts / (counts + SHRINKAGE)
    means = weights * means + (1 - weights) * mean
    deviations = np.sqrt(weights * variances + (1 - weights) * variance).clip(min=LEAST_DEVIATION)
    return {
        camera: Level(*one) for camera, *one in zip(cohorts, means.tolist(), deviations.tolist(), strict=True)
    }


def _principal(centred: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Leading directions, (R, D), and the variances along them, (R,), of centred vectors, (N, D).

    Subspace iteration from a fixed start: the same vectors give the same numbers (Halko, Martinsson, Tropp,
    "Finding Structure with Randomness", SIAM Review 2011, algorithm 4.4).
    """
    rows, dimension = centred.shape
    if min(rows, dimension) <= DIRECTIONS + _OVERSAMPLING:
        basis = np.eye(dimension, dtype=np.float32)
        if rows < dimension:
            basis = np.linalg.qr(centred.T)[0]
    else:
        start = np.random.Generator(np.random.PCG64(0))
        basis = start.standard_normal((dimension, DIRECTIONS + _OVERSAMPLING), np.float32)
        for _ in range(_POWERS + 1):
            basis = np.linalg.qr(centred.T @ (centred @ basis))[0]
    _, lengths, within = np.linalg.svd(centred @ basis, full_matrices=False)
    kept = min(DIRECTIONS, len(lengths))
    directions: FloatArray = (basis @ within[:kept].T).T.astype(np.float32)
    return directions, np.square(lengths[:kept]).astype(np.float32) / rows
