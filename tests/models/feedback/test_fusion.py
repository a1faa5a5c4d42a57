"""Several photos as one probe."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.feedback.fusion import LEAST, fuse, pulled_by, weight

SEEDS = st.integers(0, 2**32 - 1)
WEIGHTS = st.floats(LEAST**2, 1)


def vectors(seed: int, count: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    drawn = np.random.default_rng(seed).standard_normal((count, 24)).astype(np.float32)
    scaled: np.ndarray[tuple[int, int], np.dtype[np.float32]] = drawn / np.linalg.norm(
        drawn, axis=1, keepdims=True
    )
    return scaled


@given(seed=SEEDS, weight=WEIGHTS, times=st.integers(1, 20))
def test_one_photo_is_that_photo_exactly_however_often(seed: int, weight: float, times: int) -> None:
    (photo,) = vectors(seed, 1)
    assert np.array_equal(fuse([photo] * times, [weight] * times), photo)


@given(seed=SEEDS, weights=st.lists(WEIGHTS, min_size=2, max_size=20))
def test_it_ranks_by_the_weighted_mean_of_cosines(seed: int, weights: list[float]) -> None:
    photos, gallery = vectors(seed, len(weights)), vectors(seed + 1, 30)
    fused = fuse(photos, weights)
    assert np.linalg.norm(fused) == pytest.approx(1, abs=1e-5)
    mean = np.average(gallery @ photos.T, axis=1, weights=weights)
    scale = np.linalg.norm(np.average(photos, axis=0, weights=weights))
    assert gallery @ fused * scale == pytest.approx(mean, abs=1e-4)
    order = np.random.default_rng(seed).permutation(len(weights))
    assert fuse(photos[order], np.array(weights)[order].tolist()) == pytest.approx(fused, abs=1e-5)


def test_photos_that_cancel_out_leave_the_first() -> None:
    (photo,) = vectors(0, 1)
    assert np.array_equal(fuse([photo, -photo], [1, 1]), photo)


@pytest.mark.parametrize("weights", [[], [1.0], [1.0, 0.0], [1.0, -1.0]])
def test_weights_that_do_not_fit_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="weights"):
        fuse(vectors(0, 2), weights)


def test_a_small_or_blurred_photo_counts_less() -> None:
    assert weight(300, 0.4) == 1
    assert weight(300, 0.4) > weight(64, 0.4) > weight(64, 0.09) > 0
    assert weight(1, 0) == LEAST**2


def test_what_pulls_a_hit_is_the_photo_for_which_it_stands_out() -> None:
    scores = np.array([[4.0, 1.0, 3.0], [1.0, 5.0, 4.0]])
    assert pulled_by(scores, [1, 1]).tolist() == [0, 1, 1]
    assert pulled_by(scores, [1, 0.5]).tolist() == [0, 1, 0]
