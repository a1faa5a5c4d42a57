import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.filtering import TOO_BLURRED, TOO_SHORT, TOO_SMALL, reason_to_drop
from indexer.settings import IndexSettings
from models.quality import sharpness
from tests.indexer.tracks import boxes

SETTINGS = IndexSettings()


def textured(*cells: int) -> NDArray[np.uint8]:
    """A crop of black and white blotches, as many across as `cells` say, fading into each other."""
    rng = np.random.default_rng(3)
    layers = []
    for count in cells:
        blotches = rng.choice(np.array([0, 255], np.uint8), (2 * count, count))
        layers.append(np.asarray(Image.fromarray(blotches).resize((64, 128), Image.Resampling.BICUBIC)))
    return np.repeat(np.mean(layers, axis=0).astype(np.uint8)[:, :, None], 3, axis=2)


def test_the_threshold_parts_sharp_from_hopeless() -> None:
    assert sharpness(textured(2, 8, 32)) > SETTINGS.min_sharpness > sharpness(textured(2))


def test_each_reason_by_itself() -> None:
    track, sharp = boxes(range(20)), [0.2] * 10
    assert reason_to_drop(track, sharp, SETTINGS) is None
    assert reason_to_drop(track[:4], sharp, SETTINGS) == TOO_SHORT
    assert reason_to_drop(boxes(range(8), step_us=20_000), sharp, SETTINGS) == TOO_SHORT
    assert reason_to_drop(track, [], SETTINGS) == TOO_SHORT
    assert reason_to_drop(boxes(range(20), height=31.0), sharp, SETTINGS) == TOO_SMALL
    assert reason_to_drop(track, [0.01] * 10, SETTINGS) == TOO_BLURRED


def test_most_of_a_tracklet_decides() -> None:
    heights = [20.0] * 9 + [40.0] * 11
    assert reason_to_drop(boxes(range(20), height=heights), [0.01] * 4 + [0.2] * 6, SETTINGS) is None


def test_every_filter_can_be_turned_off() -> None:
    off = IndexSettings(min_seconds=0, min_frames=1, min_height=0, min_sharpness=0)
    assert reason_to_drop(boxes([5.0], height=2.0), [0.0], off) is None
