import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexer.refine import appearance, is_still, switches, trim
from indexer.settings import IndexSettings
from tests.indexer.tracks import boxes

SETTINGS = IndexSettings()
RED, BLUE, GREY, DARK = (200, 30, 30), (30, 40, 190), (150, 150, 150), (20, 20, 20)


def jitter(count: int, size: float, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, size, count)


def test_a_thing_is_still_and_a_walker_is_not() -> None:
    assert is_still(boxes(50 + jitter(200, 0.8), top=100 + jitter(200, 0.8, 1)), SETTINGS)
    assert not is_still(boxes(np.linspace(0, 400, 200)), SETTINGS)


def test_somebody_who_stands_is_not_a_thing() -> None:
    """Swaying by a fifth of the height, shifting weight once, or bending once: each is enough."""
    sway = 10 * np.sin(np.arange(200) / 15)
    assert not is_still(boxes(50 + sway), SETTINGS)
    assert not is_still(boxes(np.where(np.arange(200) < 150, 50, 62) + jitter(200, 0.5)), SETTINGS)
    bent = np.where(np.abs(np.arange(200) - 100) < 10, 75.0, 100.0)
    assert not is_still(boxes(np.full(200, 50.0), height=bent), SETTINGS)


def test_what_was_seen_briefly_may_be_a_person_who_stands() -> None:
    assert not is_still(boxes(np.full(90, 50.0)), SETTINGS)
    assert is_still(boxes(np.full(110, 50.0)), SETTINGS)
    assert is_still(boxes(np.full(55, 50.0), step_us=200_000), SETTINGS)


def test_somebody_who_walks_past_does_not_make_a_thing_move() -> None:
    places = 50 + jitter(400, 0.5)
    places[200:206] += 40
    assert is_still(boxes(places), SETTINGS)


def test_standing_still_is_measured_by_height() -> None:
    sway = 50 + 5 * np.sin(np.arange(200) / 15)
    assert is_still(boxes(sway, height=200.0), SETTINGS)
    assert not is_still(boxes(sway, height=60.0), SETTINGS)


def test_dropping_things_can_be_turned_off() -> None:
    assert not is_still(boxes(np.full(200, 50.0)), IndexSettings(still_motion=0))


def test_weak_ends_are_trimmed_and_a_weak_middle_is_kept() -> None:
    scores = [0.5, 0.6, 0.8, 0.8, 0.5, 0.8, 0.8, 0.5]
    assert trim(boxes(range(8), score=scores), IndexSettings(trim_score=0.9)) == slice(2, 7)
    assert trim(boxes(range(8), score=scores), SETTINGS) == slice(0, 8)


@given(st.lists(st.floats(-1, 100, width=32), min_size=1, max_size=30), st.floats(0, 1))
def test_trimming_never_takes_everything(scores: list[float], share: float) -> None:
    kept = trim(boxes(range(len(scores)), score=scores), IndexSettings(trim_score=share))
    assert 0 <= kept.start < kept.stop <= len(scores)
    assert max(scores[kept]) == max(scores)


def crop(shirt: tuple[int, int, int], trousers: tuple[int, int, int], seed: int) -> NDArray[np.uint8]:
    """A figure before a noisy wall, at changing sizes."""
    random = np.random.default_rng(seed)
    height = int(random.integers(60, 120))
    width = height // 2
    picture = random.integers(90, 140, (height, width, 3)).astype(np.int64)
    middle = slice(width // 5, width - width // 5)
    picture[height // 6 : height // 2, middle] = shirt
    picture[height // 2 :, middle] = trousers
    noisy: NDArray[np.uint8] = (picture + random.normal(0, 6, picture.shape)).clip(0, 255).astype(np.uint8)
    return noisy


def look(*people: tuple[tuple[int, int, int], tuple[int, int, int], int]) -> NDArray[np.float32]:
    """Features of crops of one person after another: shirt, trousers, number of crops."""
    crops = [crop(shirt, trousers, i) for shirt, trousers, count in people for i in range(count)]
    return appearance(crops)


def test_appearance_is_of_length_one_and_tells_people_apart() -> None:
    features = look((RED, DARK, 4), (BLUE, DARK, 4))
    assert features.shape == (8, 108)
    assert features.dtype == np.float32
    assert np.linalg.norm(features, axis=1) == pytest.approx(1, abs=1e-5)
    alike = features @ features.T
    assert alike[:4, :4].min() > 0.9
    assert alike[:4, 4:].max() < 0.8


def test_appearance_of_odd_crops() -> None:
    crops = [np.zeros((1, 1, 3), np.uint8), np.full((300, 2, 3), 255, np.uint8), crop(RED, BLUE, 1)[:, ::-1]]
    assert np.linalg.norm(appearance(crops), axis=1) == pytest.approx(1, abs=1e-5)
    assert appearance([]).shape == (0, 108)


def test_a_switch_is_found_where_it_is() -> None:
    assert switches(look((RED, DARK, 20), (BLUE, DARK, 20)), SETTINGS) == [20]
    assert switches(look((RED, DARK, 12), (GREY, BLUE, 9), (RED, DARK, 7)), SETTINGS) == [12, 21]


def test_one_person_is_not_split() -> None:
    assert not switches(look((RED, DARK, 60)), SETTINGS)


def test_a_few_crops_of_somebody_else_are_no_switch() -> None:
    """Somebody passes in front: two crops, of five that are compared."""
    assert not switches(look((RED, DARK, 20), (GREY, DARK, 2), (RED, DARK, 20)), SETTINGS)


def test_what_is_too_short_to_compare_is_not_split() -> None:
    assert not switches(look((RED, DARK, 4), (BLUE, DARK, 4)), SETTINGS)
    assert not switches(look((RED, DARK, 20), (BLUE, DARK, 4)), SETTINGS)
    assert not switches(look(), SETTINGS)


def test_splitting_can_be_turned_off() -> None:
    assert not switches(look((RED, DARK, 20), (BLUE, DARK, 20)), IndexSettings(split_cosine=0))


@given(st.integers(0, 40), st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_parts_are_never_shorter_than_what_is_compared(count: int, side: int, seed: int) -> None:
    features = np.random.default_rng(seed).normal(size=(count, 8)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    cuts = switches(features, IndexSettings(split_cosine=0.9, split_samples=side))
    assert all(len(part) >= side for part in np.split(np.arange(count), cuts)) or not cuts
