"""Colours keep their names, fabrics their ranges, prints their seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.colours import (
    BAG_WEIGHTS,
    COLOURS,
    HAIR_COLOURS,
    LOWER_WEIGHTS,
    OUTER_WEIGHTS,
    SHOE_WEIGHTS,
    UPPER_WEIGHTS,
    draw_colour,
    linear,
    nearest_colour,
    vary,
)
from simulation.materials import PATTERNS, SCALES, Material, draw_fabric
from simulation.prints import PRINT_SIZE, draw_print
from simulation.seasons import EVERYDAY, WINTER

WEIGHTS = (UPPER_WEIGHTS, LOWER_WEIGHTS, OUTER_WEIGHTS, SHOE_WEIGHTS, BAG_WEIGHTS)
SEED = st.integers(0, 2**32 - 1)


def srgb(colour: np.ndarray) -> np.ndarray:
    return np.asarray(colour.astype(np.float64) ** (1 / 2.2) * 255)


@given(SEED, st.sampled_from(sorted(COLOURS)))
def test_a_variation_is_still_of_its_family(seed: int, name: str) -> None:
    colour = vary(np.random.default_rng(seed), name)

    assert ((colour >= 0) & (colour <= 1)).all()
    assert np.abs(srgb(colour) - COLOURS[name]).max() < 60


@pytest.mark.parametrize("colours", [COLOURS, HAIR_COLOURS])
def test_a_colour_is_nearest_to_itself(colours: dict[str, tuple[int, int, int]]) -> None:
    for name, colour in colours.items():
        assert nearest_colour(np.array(colour, float), colours) == name
        assert nearest_colour(srgb(linear(colour)), colours) == name


def test_weights_name_colours_that_there_are() -> None:
    for weights in (*WEIGHTS, WINTER.upper, WINTER.lower, WINTER.outer, EVERYDAY.upper):
        assert set(weights) <= set(COLOURS)
        assert all(weight > 0 for weight in weights.values())


def test_colours_come_as_often_as_they_are_worn() -> None:
    rng = np.random.default_rng(0)
    names = [draw_colour(rng, {"black": 3, "red": 1})[0] for _ in range(2000)]

    assert names.count("black") / 2000 == pytest.approx(0.75, abs=0.04)
    assert set(names) == {"black", "red"}


@settings(max_examples=60)
@given(SEED, st.booleans(), st.booleans())
def test_a_fabric_is_what_it_is_called(seed: int, lower: bool, plain: bool) -> None:
    weights = LOWER_WEIGHTS if lower else UPPER_WEIGHTS
    material, name, pattern = draw_fabric(np.random.default_rng(seed), weights, lower=lower, plain=plain)

    assert name in weights
    assert material.pattern == PATTERNS[pattern][0]
    assert pattern == "plain" or not plain
    assert PATTERNS[pattern][2 if lower else 1] > 0 or pattern == "plain"
    low, high = SCALES.get(pattern, (0.05, 0.05))
    assert low <= material.scale <= high
    assert pattern != "denim" or "denim" in name or name in ("black", "grey", "white")


def test_a_material_lies_in_the_rows_that_the_shader_reads() -> None:
    a, b, c = (np.full(3, value, np.float32) for value in (0.1, 0.2, 0.3))
    rows = Material(a, b, c, pattern=3, scale=0.07, strap=-2.0, belt=True, wear=0.5).rows()

    assert rows.shape == (10, 4)
    np.testing.assert_allclose(rows[0], [0.1, 0.1, 0.1, 3])
    np.testing.assert_allclose(rows[1], [0.2, 0.2, 0.2, 0.07])
    assert rows[6].tolist() == [-2.0, 1.0, 0.0, 0.0]
    assert rows[7, 3] == 0.5


def test_an_open_front_shows_what_is_under_it_and_skin_its_beard() -> None:
    a = np.full(3, 0.1, np.float32)

    np.testing.assert_allclose(Material(a, a, a, under=a * 2).rows()[8, :3], 0.2)
    assert Material(a, a, a, beard=True, cropped_hair=True).rows()[8, :3].tolist() == [1.0, 0.0, 1.0]


@settings(max_examples=40, deadline=None)
@given(SEED)
def test_a_print_has_ink_and_room_around_it(seed: int) -> None:
    first, again = (draw_print(np.random.default_rng(seed)) for _ in range(2))
    covered = (first[..., 3] > 127).mean()

    assert first.shape == (PRINT_SIZE, PRINT_SIZE, 4)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert 0.01 < covered < 0.95


def test_seasons_share_out_all_garments() -> None:
    for season in (EVERYDAY, WINTER):
        for shares in (season.women, season.men, season.tops, season.jackets):
            assert sum(shares) == pytest.approx(1.0)
            assert min(shares) >= 0
