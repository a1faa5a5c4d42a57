"""The strip of four good moments."""

import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from indexer.thumbnails import CELL_HEIGHT, CELL_WIDTH, choose, goodness, strip


def crop(height: int, width: int, colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    return np.full((height, width, 3), colour, dtype=np.uint8)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200))
def test_one_moment_of_each_quarter_in_order(scores: list[float]) -> None:
    chosen = choose(scores)
    assert len(chosen) == min(4, len(scores))
    assert chosen == sorted(set(chosen))
    for quarter, position in zip(np.array_split(np.arange(len(scores)), len(chosen)), chosen, strict=True):
        assert position in quarter
        assert scores[position] == max(scores[q] for q in quarter)


def test_large_sharp_and_whole_is_good() -> None:
    assert goodness(100, 50, at_border=False) > goodness(100, 10, at_border=False)
    assert goodness(100, 50, at_border=False) > goodness(60, 50, at_border=False)
    assert goodness(100, 50, at_border=True) < goodness(100, 50, at_border=False)


def test_strip_shows_every_picture_in_its_cell_with_its_aspect() -> None:
    squashed = crop(256, 128, (200, 0, 0))  # a square box, squashed to the network's input
    tall = crop(120, 30, (0, 200, 0))
    jpeg = strip([squashed, tall], [1.0, 0.25])
    picture = np.asarray(Image.open(io.BytesIO(jpeg)))
    assert picture.shape == (CELL_HEIGHT, 2 * CELL_WIDTH, 3)
    red = picture[..., 0] > 150
    green = picture[..., 1] > 150
    assert abs(int(red[:, :CELL_WIDTH].sum()) - CELL_WIDTH**2) < 2 * CELL_WIDTH  # a square in the middle
    assert abs(int(green[:, CELL_WIDTH:].sum()) - CELL_HEIGHT * CELL_HEIGHT // 4) < CELL_HEIGHT
    assert jpeg == strip([squashed, tall], [1.0, 0.25])


def test_odd_boxes_still_give_a_strip() -> None:
    for shape in [(1, 1), (1, 500), (500, 1)]:
        jpeg = strip([crop(*shape, (9, 9, 9))], [shape[1] / shape[0]])
        assert Image.open(io.BytesIO(jpeg)).size == (CELL_WIDTH, CELL_HEIGHT)
