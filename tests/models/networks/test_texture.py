"""Textures: by hand, against loops, and what must always hold."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from models.networks.texture import texture_sheet, texture_tiles


def picture(height: int = 2, width: int = 2) -> tuple[Tensor, Tensor]:
    """Pixels 0, 1, 2, ... in the first channel, ten and a hundred times that in the others; nobody on it."""
    first = torch.arange(float(height * width)).view(1, 1, height, width)
    return torch.cat([first, 10 * first, 100 * first], dim=1), torch.zeros(
        1, 3, height, width, dtype=torch.uint8
    )


@pytest.mark.parametrize(
    ("u", "v", "row", "column"),
    # With s = 4: (255 - t) 4 / 255, cut to 3. 64 is the largest t of row 2: 191 * 4 / 255 = 2.996.
    [(255, 255, 0, 0), (0, 0, 3, 3), (255, 0, 3, 0), (64, 63, 3, 2), (191, 192, 0, 1), (128, 127, 2, 1)],
)
def test_places_by_hand(u: int, v: int, row: int, column: int) -> None:
    pixels, truth = picture()
    truth[0, :, 0, 1] = torch.tensor([7, u, v])
    tiles = texture_tiles(pixels, truth, 4)
    assert tiles[0, 6, :, row, column].tolist() == [1, 10, 100]
    others = torch.ones(24, 4, 4, dtype=torch.bool)
    others[6, row, column] = False
    # The mean of 0, 1, 2, 3: background and holes.
    expected = torch.tensor([1.5, 15, 150]).expand(24 * 16 - 1, 3)
    assert tiles[0].transpose(0, 1)[:, others].T.equal(expected)


def test_pixels_that_meet_are_averaged() -> None:
    pixels, truth = picture()
    truth[0, 0] = 24
    truth[0, 1:] = 255
    truth[0, 0, 0, 0] = 0
    assert texture_tiles(pixels, truth, 2)[0, 23, :, 0, 0].tolist() == [2, 20, 200]  # of 1, 2 and 3


def test_nobody_on_a_picture_makes_it_plain() -> None:
    pixels, truth = picture(3, 3)
    truth[:, 1:] = 77  # coordinates of no part mean nothing
    assert (texture_tiles(pixels, truth, 2)[0, :, 0] == 4).all()


def random_batch(seed: int, height: int, width: int) -> tuple[Tensor, Tensor]:
    draws = torch.Generator().manual_seed(seed)
    pixels = torch.randn(2, 3, height, width, generator=draws, dtype=torch.float64)
    coordinates = torch.randint(0, 256, (2, 2, height, width), generator=draws)
    parts = torch.randint(0, 25, (2, 1, height, width), generator=draws)
    return pixels, torch.cat([parts, coordinates], dim=1).to(torch.uint8)


@settings(deadline=None)  # the first call of a kernel takes long
@given(st.integers(0, 999), st.integers(1, 9), st.integers(1, 9), st.sampled_from([1, 2, 5, 8]))
def test_tiles_are_what_the_loops_say(seed: int, height: int, width: int, side: int) -> None:
    pixels, truth = random_batch(seed, height, width)
    tiles = texture_tiles(pixels, truth, side)
    for b in range(2):
        reached: dict[tuple[int, int, int], list[Tensor]] = {}
        for y in range(height):
            for x in range(width):
                part, u, v = truth[b, :, y, x].tolist()
                row, column = (min(side - 1, int((255 - t) * side / 255)) for t in (v, u))
                if part:
                    reached.setdefault((part - 1, row, column), []).append(pixels[b, :, y, x])
        expected = pixels[b].mean(dim=(1, 2)).view(1, 3, 1, 1).repeat(24, 1, side, side)
        for (part, row, column), colours in reached.items():
            expected[part, :, row, column] = torch.stack(colours).mean(dim=0)
        torch.testing.assert_close(tiles[b], expected)


def test_a_change_of_colours_passes_through() -> None:
    """Standardised pixels give the standardised texture."""
    pixels, truth = random_batch(1, 9, 7)
    torch.testing.assert_close(
        texture_tiles(3 * pixels - 2, truth, 4), 3 * texture_tiles(pixels, truth, 4) - 2
    )


def test_the_order_of_pictures_is_kept() -> None:
    pixels, truth = random_batch(2, 9, 7)
    tiles = texture_tiles(pixels, truth, 4)
    assert texture_tiles(pixels.flip(0), truth.flip(0), 4).equal(tiles.flip(0))


def test_the_sheet_has_six_rows_and_four_columns_column_by_column() -> None:
    tiles = torch.arange(1.0, 25).view(1, 24, 1, 1, 1).expand(1, 24, 3, 2, 2).clone()
    tiles[0, 1, 0, 0, 1] = -1  # a mark at the right of part 2's first row
    sheet = texture_sheet(tiles)
    assert sheet.shape == (1, 3, 12, 8)
    assert sheet[0, 1, ::2, 0].tolist() == [1, 2, 3, 4, 5, 6]
    assert sheet[0, 1, 0, ::2].tolist() == [1, 7, 13, 19]
    assert sheet[0, 0, 2, :2].tolist() == [2, -1]
    assert texture_sheet(torch.zeros(2, 24, 3, 32, 32)).shape == (2, 3, 192, 128)  # as published
