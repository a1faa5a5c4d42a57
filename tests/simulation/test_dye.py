"""Dyed textures: folds stay, colours go, and what is not dyed is as it was."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.avatars import HAIR_TEXTURE, TEXTURE
from simulation.dye import GAMMA, atlas, brightness, dyed, paint
from simulation.garments import Dress
from simulation.pieces import Slot

HALF = 0.5 ** (1 / GAMMA) * 255


def cloth(colour: tuple[int, int, int]) -> np.ndarray:
    """A garment with folds: brighter and darker by a fifth."""
    folds = 1 + 0.2 * np.sin(np.arange(64) / 5)
    return np.clip(np.array(colour) * folds[:, None, None] * np.ones((1, 64, 1)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("colour", [(40, 42, 48), (120, 60, 30), (200, 200, 205)])
def test_dyed_cloth_forgets_its_colour_and_keeps_its_folds(colour: tuple[int, int, int]) -> None:
    texture = cloth(colour).reshape(-1, 3)
    out = dyed(texture).astype(float)

    assert (out[:, 3] > 250).mean() > 0.95
    assert np.median(out[:, 0]) == pytest.approx(HALF, abs=3)
    whole = out[:, 3] == 255
    np.testing.assert_allclose(out[whole, 0], out[whole, 2])  # grey
    assert np.corrcoef(brightness(texture), out[:, 0])[0, 1] > 0.99


def test_what_differs_much_from_its_garment_stays_itself() -> None:
    texture = cloth((40, 42, 48))
    texture[20:30, 20:30] = (250, 250, 245)  # a collar, a button
    out = dyed(texture.reshape(-1, 3)).reshape(64, 64, 4)

    assert (out[20:30, 20:30, 3] == 0).all()
    assert np.array_equal(out[20:30, 20:30, :3], texture[20:30, 20:30])


def test_no_texels_are_no_garment() -> None:
    assert dyed(np.zeros((0, 3), np.uint8)).shape == (0, 4)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.8, 1.1))
def test_paint_changes_the_garments_it_is_told_and_the_tan(seed: int, tan: float) -> None:
    rng = np.random.default_rng(seed)
    texture = rng.integers(0, 256, (TEXTURE, TEXTURE, 3), np.uint8)
    clothes = np.zeros((TEXTURE, TEXTURE), bool)
    clothes[:, 200:] = True
    garment = np.where(clothes, np.uint8(Slot.TOP), 0).astype(np.uint8)
    garment[:, 200:300][clothes[:, 200:300]] = Slot.BOTTOM
    several = np.zeros((TEXTURE, TEXTURE), bool)
    several[:, 290:310] = True
    dress = Dress(texture, clothes, garment)
    out = paint(dress, None, several=several, slots={Slot.TOP}, tan=tan)

    assert out.shape == (TEXTURE, TEXTURE + HAIR_TEXTURE, 5)
    assert np.array_equal(out[:, 200:300, :3], texture[:, 200:300])
    assert not out[:, :300, 3].any()
    assert out[:, 300:TEXTURE, 3].any()
    assert np.abs(out[:, :200, :3] - np.clip(texture[:, :200] * tan, 0, 255)).max() <= 1
    assert not out[:, 290:310, 4].any()
    assert (out[:, 310:TEXTURE, 4] == Slot.TOP).all()
    assert not out[:, TEXTURE:].any()


def test_hair_lies_beside_the_body() -> None:
    hair = np.full((HAIR_TEXTURE, HAIR_TEXTURE, 3), 90, np.uint8)
    empty = np.zeros((TEXTURE, TEXTURE), bool)
    dress = Dress(np.zeros((TEXTURE, TEXTURE, 3), np.uint8), empty, empty.astype(np.uint8))
    kept, changed = (paint(dress, hair, several=empty, slots=s, tan=1.0) for s in ((), {Slot.HAIR}))
    uv = np.array([[0, 0], [0.5, 0.5], [1, 1]], np.float32)
    at = atlas(uv, np.ones(3, bool)) * (TEXTURE + HAIR_TEXTURE, TEXTURE)
    column, row = at.astype(int).T

    assert (kept[row, column, :3] == 90).all()
    assert (kept[row, column, 3] == 0).all()
    assert (changed[row, column, 3] == 255).all()
    np.testing.assert_allclose(atlas(uv, np.zeros(3, bool)) * (1.5, 1.0), uv)
