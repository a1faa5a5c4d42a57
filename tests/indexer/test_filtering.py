import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from indexer.filtering import TOO_BLURRED, TOO_SHORT, TOO_SMALL, reason_to_drop, sharpness
from indexer.settings import IndexSettings
from tests.indexer.tracks import boxes

SETTINGS = IndexSettings()


def figure(height: int) -> NDArray[np.uint8]:
    """A striped figure, drawn large and reduced."""
    picture = np.full((512, 256, 3), 120, dtype=np.uint8)
    for stripe in range(16):
        picture[stripe * 32 : stripe * 32 + 16, 64:192] = (60 + 10 * stripe, 40, 200 - 10 * stripe)
    reduced = Image.fromarray(picture).resize((height // 2, height), Image.Resampling.LANCZOS)
    return np.asarray(reduced)


def blurred(picture: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    """Blurred by a Gaussian of this share of the height."""
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(share * len(picture))))


def test_sharpness_falls_with_blur() -> None:
    picture = figure(128)
    values = [sharpness(blurred(picture, share)) for share in (0, 0.01, 0.02, 0.05)]
    assert values == sorted(values, reverse=True)
    assert values[0] > SETTINGS.min_sharpness > values[-1]


def test_sharpness_hardly_depends_on_how_near_somebody_is() -> None:
    near, nearer = sharpness(figure(256)), sharpness(figure(400))
    assert near == pytest.approx(nearer, rel=0.3)


def test_sharpness_is_the_variance_of_the_laplacian() -> None:
    random = np.random.default_rng(1).integers(0, 255, (40, 30, 3), dtype=np.uint8)
    grey = random @ np.array([0.299, 0.587, 0.114])
    inside = [
        grey[y - 1, x] + grey[y + 1, x] + grey[y, x - 1] + grey[y, x + 1] - 4 * grey[y, x]
        for y in range(1, 39)
        for x in range(1, 29)
    ]
    assert sharpness(random) == pytest.approx(np.var(inside), rel=1e-4)


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 50, 3), (500, 2, 3), (3, 3, 3)])
def test_sharpness_of_odd_crops(shape: tuple[int, int, int]) -> None:
    assert sharpness(np.full(shape, 90, dtype=np.uint8)) == 0.0


def test_each_reason_by_itself() -> None:
    track, sharp = boxes(range(20)), [200.0] * 10
    assert reason_to_drop(track, sharp, SETTINGS) is None
    assert reason_to_drop(track[:4], sharp, SETTINGS) == TOO_SHORT
    assert reason_to_drop(boxes(range(8), step_us=20_000), sharp, SETTINGS) == TOO_SHORT
    assert reason_to_drop(track, [], SETTINGS) == TOO_SHORT
    assert reason_to_drop(boxes(range(20), height=31.0), sharp, SETTINGS) == TOO_SMALL
    assert reason_to_drop(track, [1.0] * 10, SETTINGS) == TOO_BLURRED


def test_most_of_a_tracklet_decides() -> None:
    heights = [20.0] * 9 + [40.0] * 11
    assert reason_to_drop(boxes(range(20), height=heights), [1.0] * 4 + [90.0] * 6, SETTINGS) is None


def test_every_filter_can_be_turned_off() -> None:
    off = IndexSettings(min_seconds=0, min_frames=1, min_height=0, min_sharpness=0)
    assert reason_to_drop(boxes([5.0], height=2.0), [0.0], off) is None
