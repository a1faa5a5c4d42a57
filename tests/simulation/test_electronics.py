"""What a camera's processing does to a picture: each step is seen where it should be, and only there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulation.electronics import Electronics, combined, draw_electronics, process

NOBODY = np.zeros((48, 32), np.uint8)


def halves() -> NDArray[np.uint8]:
    """Dark on the left, light on the right."""
    picture = np.full((48, 32, 3), 60, np.uint8)
    picture[:, 16:] = 180
    return picture


def coloured() -> NDArray[np.uint8]:
    """Red and green columns by turns, of one brightness."""
    picture = np.zeros((48, 32, 3), np.uint8)
    picture[:, ::2], picture[:, 1::2] = (180, 40, 60), (40, 110, 60)
    return picture


def test_a_camera_without_processing_changes_nothing() -> None:
    picture = halves()

    assert process(picture, NOBODY, Electronics()) is picture
    assert process(picture, NOBODY, Electronics(interlaced=True), drift=0.4) is picture


def test_sharpening_leaves_a_halo_on_both_sides_of_an_edge_and_nothing_elsewhere() -> None:
    sharp = process(halves(), NOBODY, Electronics(halo=1.5, halo_radius=1.2)).astype(int)

    assert sharp[24, 15, 1] < 60 - 10
    assert sharp[24, 16, 1] > 180 + 10
    assert sharp[24, 2].tolist() == pytest.approx([60] * 3, abs=2)
    assert sharp[24, -3].tolist() == pytest.approx([180] * 3, abs=2)


def test_softness_widens_an_edge() -> None:
    soft = process(halves(), NOBODY, Electronics(softness=0.5))

    assert 80 < soft[24, 15, 0] < 160 or 80 < soft[24, 16, 0] < 160


def test_thinned_colour_keeps_brightness_and_mixes_hue() -> None:
    picture = coloured()

    thin = process(picture, NOBODY, Electronics(chroma=4)).astype(float)

    red_less_green = np.abs(thin[..., 0] - thin[..., 1])[:, 4:-4]
    assert red_less_green.mean() < 0.5 * np.abs(picture[..., 0].astype(int) - picture[..., 1]).mean()
    assert thin.mean() == pytest.approx(picture.mean(), abs=6)


def test_colour_lies_to_the_right_of_what_it_belongs_to() -> None:
    picture = np.full((48, 32, 3), 100, np.uint8)
    picture[:, 10] = (200, 58, 58)

    shifted = process(picture, NOBODY, Electronics(chroma_shift=2)).astype(int)

    strength = (shifted.max(2) - shifted.min(2))[24]
    assert strength.argmax() == 12
    assert strength[10] < 20


def test_a_stream_of_low_quality_shows_its_blocks() -> None:
    rng = np.random.default_rng(1)
    picture = rng.integers(80, 120, (48, 32, 3)).astype(np.uint8)

    coarse = process(picture, NOBODY, Electronics(quality=5)).astype(int)

    across = np.abs(np.diff(coarse[..., 1], axis=1)).mean(0)
    assert across[7::8].mean() > 2 * np.delete(across, np.arange(7, 31, 8)).mean()


def test_fields_part_only_where_somebody_moves() -> None:
    picture, who = np.zeros((6, 8, 3), np.uint8), np.zeros((6, 8), np.uint8)
    picture[:, 3], who[:, 3] = 250, 1

    out = combined(picture, who, 2)

    assert out[0::2].tolist() == picture[0::2].tolist()
    assert (out[1::2, 5] == 250).all()
    assert out[1::2, :3].max() == 0


def test_standing_still_leaves_both_fields_together() -> None:
    picture = halves()

    out = process(picture, np.ones((48, 32), np.uint8), Electronics(interlaced=True), drift=0.0)

    assert np.array_equal(out, picture)


@given(st.integers(0, 2**32), st.integers(2, 40), st.integers(2, 40), st.floats(-3, 3))
def test_any_camera_takes_any_picture(seed: int, high: int, wide: int, drift: float) -> None:
    rng = np.random.default_rng(seed)
    picture = rng.integers(0, 256, (high, wide, 3)).astype(np.uint8)
    who = rng.integers(0, 2, (high, wide)).astype(np.uint8)
    electronics = draw_electronics(rng)

    first, second = (process(picture, who, electronics, drift=drift) for _ in range(2))

    assert first.shape == picture.shape
    assert first.dtype == np.uint8
    assert np.array_equal(first, second)


def test_cameras_of_a_city_are_of_many_kinds() -> None:
    drawn = [draw_electronics(np.random.default_rng(seed)) for seed in range(60)]

    assert len(set(drawn)) == 60
    assert {each.chroma for each in drawn} == {1, 2, 4}
    assert {each.interlaced for each in drawn} == {False, True}
    assert any(each.quality is None for each in drawn)
