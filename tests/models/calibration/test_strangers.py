"""What people who surely are two say of a calibrator."""

import numpy as np
import pytest

from models.calibration.calibrator import Evidence
from models.calibration.strangers import LEAST_PAIRS, LEAST_PHOTOS, lacking_strangers, strangers
from tests.models.calibration.pairs import calibrator

TRUE = calibrator(intercept=-0.5, weights=(1.0, 0.0, 0.0, 0.0), limit=30.0)  # log N(1, 1) - log N(0, 1)


def photos(count: int, each: int, seed: int, *, mean: float = 0.0, photo: float = 0.0) -> list[Evidence]:
    """Strangers score N(mean, 1); `photo` is how far photos differ in what they score with everybody."""
    random = np.random.default_rng(seed)
    return [
        Evidence(
            scores=random.normal(mean + random.normal(0, photo), 1, each),
            cosines=np.zeros(each),
            height=np.array(200.0),
            sharpness=np.array(0.3),
        )
        for _ in range(count)
    ]


def test_one_that_is_right_stays_as_it_is() -> None:
    found = strangers(TRUE, photos(500, 20, seed=1))
    assert found.mean_ratio == pytest.approx(1, abs=0.05)
    assert found.shift == pytest.approx(0, abs=0.05)
    assert (found.photos, found.pairs) == (500, 10_000)


@pytest.mark.parametrize("mean", [0.5, 1.0])
def test_strangers_who_look_more_alike_bring_ratios_down(mean: float) -> None:
    """Of N(mean, 1) the mean of exp(s - 1/2) is exp(mean)."""
    found = strangers(TRUE, photos(500, 20, seed=2, mean=mean))
    assert found.shift == pytest.approx(-mean, abs=0.06)
    mended = strangers(TRUE.corrected(1.0, found.shift), photos(500, 20, seed=3, mean=mean))
    assert mended.mean_ratio == pytest.approx(1, abs=0.06)


def test_ratios_never_go_up() -> None:
    assert strangers(TRUE, photos(100, 20, seed=4, mean=-1.0)).shift == 0


def test_few_photos_that_differ_are_trusted_less() -> None:
    many = strangers(TRUE, photos(2000, 10, seed=5, mean=0.2, photo=1.5))
    few = [strangers(TRUE, photos(30, 10, seed=seed, mean=0.2, photo=1.5)) for seed in range(6, 26)]
    assert many.shift < -1
    assert all(one.shift > -np.log(max(one.mean_ratio, 1.0)) for one in few if one.shift < 0)
    assert np.mean([one.shift for one in few]) > many.shift


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ([], "0 pairs of people"),
        (photos(LEAST_PHOTOS - 1, 20, seed=0), f"{LEAST_PHOTOS} are the least"),
        (photos(LEAST_PHOTOS, LEAST_PAIRS // LEAST_PHOTOS, seed=0), "90 pairs of people"),
    ],
)
def test_too_few_are_said_to_be_so(known: list[Evidence], said: str) -> None:
    assert said in (lacking_strangers(known) or "")


def test_enough_are_enough() -> None:
    assert lacking_strangers(photos(LEAST_PHOTOS, 4, seed=0)) is None
