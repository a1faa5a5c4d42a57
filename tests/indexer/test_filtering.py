import numpy as np
from numpy.typing import NDArray
from PIL import Image

from indexer.filtering import TOO_BLURRED, TOO_SHORT, TOO_SMALL, reason_to_drop
from indexer.settings import IndexSettings
from models.quality import sharpness
from tests.indexer.tracks import boxes

SETTINGS = IndexSettings()
PACE_US = 100_000.0


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
    assert reason_to_drop(track, sharp, PACE_US, SETTINGS) is None
    assert reason_to_drop(track[:4], sharp, PACE_US, SETTINGS) == TOO_SHORT
    assert reason_to_drop(boxes(range(8), step_us=20_000), sharp, 20_000, SETTINGS) == TOO_SHORT
    assert reason_to_drop(track, [], PACE_US, SETTINGS) == TOO_SHORT
    assert reason_to_drop(boxes(range(20), height=31.0), sharp, PACE_US, SETTINGS) == TOO_SMALL
    assert reason_to_drop(track, [0.01] * 10, PACE_US, SETTINGS) == TOO_BLURRED


def test_limits_are_times_whatever_the_frame_rate() -> None:
    """Two boxes of a slow recording are a second of somebody; at ten frames a second they are a flicker."""
    sharp = [0.2] * 2
    assert reason_to_drop(boxes(range(2), step_us=1_000_000), sharp, 1_000_000, SETTINGS) is None
    assert reason_to_drop(boxes(range(3), step_us=250_000), sharp, 250_000, SETTINGS) is None
    assert reason_to_drop(boxes(range(2), step_us=1_000_000), sharp, PACE_US, SETTINGS) == TOO_SHORT


def test_most_of_a_tracklet_decides() -> None:
    heights = [20.0] * 9 + [40.0] * 11
    assert reason_to_drop(boxes(range(20), height=heights), [0.01] * 4 + [0.2] * 6, PACE_US, SETTINGS) is None


def test_every_filter_can_be_turned_off() -> None:
    off = IndexSettings(min_seconds=0, min_seen_seconds=0, min_height=0, min_sharpness=0)
    assert reason_to_drop(boxes([5.0], height=2.0), [0.0], PACE_US, off) is None
