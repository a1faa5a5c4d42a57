"""Several photos of one person as one probe: the mean of their embeddings, weighted by quality.

The cosine of a tracklet with the normalised mean is, up to a factor that all tracklets share, the weighted
mean of its cosines with the photos: filters and standard scores work as for one photo.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

GOOD_HEIGHT: Final = 128.0  # pixels: half of what the networks see
GOOD_SHARPNESS: Final = 0.18
LEAST: Final = 0.25  # of either factor: a bad photo still shows the clothes

Floats = NDArray[np.float32]


def weight(height: float, sharpness: float) -> float:
    """How much a photo counts beside others, from LEAST² to 1.

    Args:
        height: of the person in pixels.
        sharpness: as models.quality.sharpness.
    """
    tall = np.clip(height / GOOD_HEIGHT, LEAST, 1.0)
    sharp = np.clip(sharpness / GOOD_SHARPNESS, LEAST, 1.0)
    return float(tall * sharp)


def fuse(vectors: Sequence[Floats] | Floats, weights: Sequence[float]) -> Floats:
    """One probe for several embeddings of a person: (D,), L2-normalised. Of one it is that one, exactly.

    Args:
        vectors: (P, D), L2-normalised, at least one.
        weights: (P,), above 0.

    Raises:
        ValueError: none, or weights that do not fit.
    """
    if len(vectors) == 0 or len(vectors) != len(weights) or min(weights) <= 0:
        raise ValueError(f"{len(vectors)} embeddings with weights {list(weights)}")
    first = np.asarray(vectors[0], np.float32)
    if all(np.array_equal(first, other) for other in vectors[1:]):
        return first
    shares = np.asarray(weights, np.float64) / np.sum(weights)
    return unit(shares @ np.asarray(vectors, np.float64), otherwise=first)


def pulled_by(scores: NDArray[np.floating], weights: Sequence[float]) -> NDArray[np.int64]:
    """Which photo pulled each hit most: (H,) numbers of photos.

    Args:
        scores: (P, H) standard scores of each photo with each hit: how far the hit stands out for it alone.
        weights: (P,) as given to `fuse`.
    """
    most: NDArray[np.int64] = np.argmax(np.asarray(weights)[:, np.newaxis] * scores, axis=0)
    return most


def unit(vector: NDArray[np.floating], *, otherwise: Floats) -> Floats:
    """A vector at length one; `otherwise` where it has no direction."""
    length = float(np.linalg.norm(vector))
    if length < 1e-6:
        return otherwise
    scaled: Floats = (vector / length).astype(np.float32)
    return scaled
