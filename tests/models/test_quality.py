from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageFilter

from models.errors import BadImage
from models.preprocessing import Crop
from models.quality import BLURRED, assess, sharpness

MakeCrop = Callable[..., Crop]


def blur(crop: Crop, radius: float) -> Crop:
    return np.asarray(Image.fromarray(crop).filter(ImageFilter.GaussianBlur(radius)))


def figure(rng: np.random.Generator, height: int = 128) -> Crop:
    """A patterned coat and dark trousers before a wall, drawn at any height."""
    picture = np.full((128, 48, 3), 170, np.uint8)
    picture[8:26, 17:31] = (200, 160, 130)
    picture[26:72, 8:40] = rng.integers(30, 200, (12, 8, 3)).repeat(4, axis=0).repeat(4, axis=1)[:46]
    picture[72:124, 12:36] = (40, 40, 60)
    return np.asarray(Image.fromarray(picture).resize((height * 48 // 128, height), Image.Resampling.BICUBIC))


def test_blur_lowers_sharpness_step_by_step(rng: np.random.Generator) -> None:
    crop = figure(rng)
    values = [sharpness(blur(crop, radius)) for radius in (0, 1, 2, 4)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 2 * BLURRED
    assert values[3] < BLURRED


def test_light_and_contrast_do_not_matter(rng: np.random.Generator) -> None:
    crop = figure(rng)
    dim = (crop // 3 + 10).astype(np.uint8)
    assert sharpness(dim) == pytest.approx(sharpness(crop), rel=0.1)


def test_size_does_not_matter_above_that_of_judgement(rng: np.random.Generator) -> None:
    crop = figure(rng, 512)
    assert sharpness(crop[::2, ::2]) == pytest.approx(sharpness(crop), rel=0.15)


def test_a_flat_crop_is_not_sharp() -> None:
    assert sharpness(np.full((80, 40, 3), 90, np.uint8)) == 0.0
    assert sharpness(np.zeros((1, 1, 3), np.uint8)) == 0.0


@pytest.mark.parametrize(
    ("box", "cut_off_at"),
    [
        ((20.0, 10.0, 60.0, 90.0), ()),
        ((1.0, 10.0, 60.0, 90.0), ("left",)),
        ((20.0, -5.0, 60.0, 99.0), ("top", "bottom")),
        ((0.0, 0.0, 200.0, 100.0), ("left", "top", "right", "bottom")),
        ((198.5, 10.0, 230.0, 90.0), ("right",)),
    ],
)
def test_borders_that_cut_a_person_off_are_named(
    box: tuple[float, float, float, float], cut_off_at: tuple[str, ...], make_crop: MakeCrop
) -> None:
    quality = assess(make_crop(100, 200), box)
    assert quality.cut_off_at == cut_off_at
    assert quality.height_px == box[3] - box[1]
    assert quality.sharpness >= 0


def test_only_the_box_is_judged(rng: np.random.Generator) -> None:
    picture = np.full((200, 200, 3), 128, np.uint8)
    picture[40:168, 100:148] = figure(rng)
    assert assess(picture, (100, 40, 148, 168)).sharpness == pytest.approx(
        sharpness(picture[40:168, 100:148])
    )
    assert assess(picture, (10, 10, 60, 150)).sharpness == 0.0


@pytest.mark.parametrize(
    "box", [(300.0, 10.0, 400.0, 50.0), (10.0, 10.0, 10.0, 50.0), (-50.0, 0.0, -10.0, 50.0)]
)
def test_a_box_without_pixels_is_refused(box: tuple[float, float, float, float], make_crop: MakeCrop) -> None:
    with pytest.raises(BadImage):
        assess(make_crop(100, 200), box)
