"""What the gate measures, on features that are known."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.adaptation.gate import (
    HALVES,
    MANY_RETURNS,
    NEGATIVES,
    RETURNS,
    SIMULATED,
    HeldOut,
    Seen,
    camera_pairs,
    halves_map,
    measure,
    negatives_taken,
    there_and_back,
    verdict,
)
from models.adaptation.pieces import Piece
from models.adaptation.result import Measure
from models.adaptation.settings import Gate
from models.adaptation.store import CropStore
from models.evaluation.reranking import Features
from models.preprocessing import Preprocessing

PEOPLE, CAMERAS = 20, np.repeat([0, 1], 20)


def unit(x: np.ndarray) -> Features:
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True), dtype=np.float32)


def seen(noise: float, camera: float = 0.0, simulated: float | None = None) -> Seen:
    """Twenty people on two cameras: photo, half and whole of each, with a share of the camera."""
    rng = np.random.default_rng(0)
    people = np.tile(rng.normal(size=(PEOPLE, 24)), (2, 1))
    shift = camera * rng.normal(size=(2, 24))[CAMERAS]
    views = [unit(people + shift + noise * rng.normal(size=people.shape)) for _ in range(3)]
    return Seen(views[0], views[1], views[2], simulated)


@pytest.fixture
def held(tmp_path: Path):  # type: ignore[no-untyped-def]
    with CropStore(tmp_path, Preprocessing(64, 32)) as store:
        pieces = [Piece(str(n), n, 0, 4) for n in range(2 * PEOPLE)]
        apart = [(n, n + 1) for n in range(2 * PEOPLE - 1) if n != PEOPLE - 1]
        yield HeldOut(pieces, CAMERAS, apart, store, None)


ALL = np.ones(2 * PEOPLE, dtype=np.bool_)


def test_halves_are_found_where_features_are_good() -> None:
    # Everybody is there twice, once on each camera: the other one may come first.
    assert halves_map(seen(0.1, camera=1), ALL) == pytest.approx(1)
    assert halves_map(seen(5), ALL) < 0.4


def test_single_crops_are_only_in_the_way() -> None:
    some = ALL.copy()
    some[::2] = False

    assert halves_map(seen(0.1, camera=1), some) == pytest.approx(1)


def test_sure_negatives_are_below_the_threshold_where_features_are_good(held: HeldOut) -> None:
    assert negatives_taken(seen(0.1), ALL, held.apart, 0.95) == 0
    assert negatives_taken(seen(5), ALL, held.apart, 0.95) > 0.5


def test_there_and_back_needs_features_without_cameras(held: HeldOut) -> None:
    pairs = camera_pairs(CAMERAS, ALL)

    assert len(pairs) == 2
    assert there_and_back(seen(0.1), CAMERAS, pairs) == pytest.approx(1)
    assert there_and_back(seen(0.5, camera=4), CAMERAS, pairs) < 0.6


def test_a_camera_with_few_tracklets_is_left_out() -> None:
    cameras = np.array([0] * 12 + [1] * 12 + [2] * 3)

    assert len(camera_pairs(cameras, np.ones(27, dtype=np.bool_))) == 2
    assert camera_pairs(cameras[:12], np.ones(12, dtype=np.bool_)) == []


def test_what_can_be_measured_is(held: HeldOut) -> None:
    found = measure(seen(1), seen(0.5), held, Gate())

    assert [one.name for one in found] == [HALVES, NEGATIVES, RETURNS]
    passed, reason = verdict(found)
    assert passed, reason
    assert "the adapted model is better" in reason
    failed, reason = verdict(measure(seen(0.5), seen(3), held, Gate()))
    assert not failed
    assert HALVES in reason


def test_equal_is_not_better(held: HeldOut) -> None:
    passed, reason = verdict(measure(seen(1), seen(1), held, Gate()))

    assert not passed
    assert "better in nothing" in reason


@pytest.mark.parametrize(
    ("after", "passes"), [(0.5, True), (0.46, False), (0.48, True)], ids=["same", "worse", "hardly worse"]
)
def test_each_figure_has_its_allowance(after: float, passes: bool) -> None:
    better = Measure(HALVES, 0.5, 0.9, 0.49, True, 10)
    one = Measure(SIMULATED, 0.5, after, 0.47, True, 10)

    assert verdict([better, one])[0] is passes
    fewer = Measure(NEGATIVES, 0.5, 1 - after, 0.53, False, 10)
    assert verdict([better, fewer])[0] is passes


def test_within_a_camera_wrong_clusters_gain_so_a_gain_across_cameras_is_asked_for(held: HeldOut) -> None:
    """Halves of a tracklet grow alike whatever is learnt; who is found again on another camera does not."""
    before, after = seen(1, camera=4), seen(0.9, camera=4)
    halves, negatives, returns = measure(before, after, held, Gate())
    assert halves.gains
    assert negatives.passes
    lower = 0.353 - Gate().returns_loss
    found = replace(returns, before=0.353, after=0.346, allowed=lower, count=MANY_RETURNS)
    assert found.passes, "a little less is allowed"
    passed, reason = verdict([halves, negatives, found])
    assert not passed
    assert "not found better on other cameras" in reason
    assert verdict([halves, negatives, replace(found, after=0.405)])[0]
    assert verdict([halves, negatives, replace(found, count=MANY_RETURNS - 1)])[0], "too few to tell"
