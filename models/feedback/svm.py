"""A linear support vector machine for the few examples that somebody marks.

Exact up to a tolerance, by dual coordinate descent: Hsieh, Chang, Lin, Keerthi, Sundararajan, "A Dual
Coordinate Descent Method for Large-scale Linear SVM", ICML 2008, Algorithm 1, with L1 loss. A library would
bring a hundred megabytes for these lines; the tests compare with one.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

MOST_SWEEPS: Final = 1000
TOLERANCE: Final = 1e-6

Floats = NDArray[np.float64]


def separating(examples: Floats, labels: NDArray[np.int64], costs: Floats) -> Floats:
    """The weights w, (D,), that minimise |w|²/2 + sum of costs · max(0, 1 - y w·x).

    Args:
        examples: (N, D); a constant column in it is the bias.
        labels: (N,) of 1 and -1.
        costs: (N,) above 0: of each example's violation.
    """
    signed = labels[:, np.newaxis] * examples
    diagonal = np.maximum(np.square(examples).sum(axis=1), 1e-12)
    alphas, weights = np.zeros(len(examples)), np.zeros(examples.shape[1])
    for _ in range(MOST_SWEEPS):
        largest = 0.0
        for i in range(len(examples)):
            gradient = float(signed[i] @ weights) - 1
            moved = min(max(alphas[i] - gradient / diagonal[i], 0.0), costs[i])
            step = moved - alphas[i]
            if step:
                weights += step * signed[i]
                alphas[i] = moved
                largest = max(largest, abs(step) * float(np.sqrt(diagonal[i])))
        if largest < TOLERANCE:
            break
    return weights
