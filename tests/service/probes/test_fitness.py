"""What is measured of a person on a photo, and what is said of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from gallery import NoticeCode
from models.quality import Quality
from service.pixels import Box, Pixels
from service.probes import fitness
from tests.service.videos import RED, person, scene

HEIGHT, WIDTH = 240, 320
INSIDE: Box = (100, 60, 40, 100)
GOOD = Quality(height_px=100, ratio=2.5, sharpness=0.4, colour=80, cut_off_at=())
sides = st.floats(1, 200)
boxes = st.tuples(st.floats(-50, 250), st.floats(-50, 250), sides, sides)


def codes(photo: Pixels, box: Box = INSIDE, *, hidden: float = 0, score: float | None = 0.9) -> list[str]:
    seen = fitness.assess(photo, box)
    return [one.code for one in fitness.notices(seen, len(photo), hidden, score)]


def test_a_good_photo_gets_no_notice() -> None:
    assert codes(scene((RED, 100, 60))) == []


@pytest.mark.parametrize(
    ("box", "code"),
    [
        ((100, 60, 12, 33), NoticeCode.SMALL),
        ((100, 60, 40, 50), NoticeCode.UPPER_BODY),
        ((100, 60, 40, 39), NoticeCode.PROPORTIONS),
        ((100, 60, 20, 100), NoticeCode.PROPORTIONS),
        ((0, 60, 40, 100), NoticeCode.CUT_OFF),
        ((100, 140, 40, 100), NoticeCode.CUT_OFF),
    ],
)
def test_what_a_box_says(box: Box, code: NoticeCode) -> None:
    assert code in codes(scene((RED, 100, 60)), box)


def test_blur_and_missing_colour() -> None:
    sharp = scene((RED, 100, 60))
    blurred = np.asarray(Image.fromarray(sharp).filter(ImageFilter.GaussianBlur(6)))
    grey = np.asarray(Image.fromarray(sharp).convert("L").convert("RGB"))
    tinted = np.clip(grey.astype(int) + np.array([0, 12, 4]), 0, 255).astype(np.uint8)

    assert codes(blurred) == [NoticeCode.BLURRED]
    assert codes(grey) == [NoticeCode.GREY]
    assert codes(tinted) == [NoticeCode.GREY]


def test_the_detector_and_who_stands_before() -> None:
    photo = scene((RED, 100, 60))
    assert codes(photo, score=0.46) == [NoticeCode.DOUBTFUL]
    assert codes(photo, score=None) == []
    assert codes(photo, hidden=0.4) == [NoticeCode.BEHIND_OTHERS]


def test_a_crop_from_edge_to_edge_is_not_cut_off() -> None:
    assert codes(person(RED, 60, 140), (0, 0, 60, 140)) == []


def test_notices_name_what_was_measured() -> None:
    seen = Quality(height_px=20, ratio=7.3, sharpness=0.4, colour=80, cut_off_at=("left", "bottom"))
    said = " ".join(one.text for one in fitness.notices(seen, 240, 0.5, 0.47))

    for part in ("20 pixels", "7.3 times", "left and bottom", "50 %", "hardly certain"):
        assert part in said
    assert fitness.notices(GOOD, 240, 0, 0.9) == []


def test_only_who_stands_nearer_hides() -> None:
    nearer, behind = (90.0, 70.0, 30.0, 120.0), (90.0, 30.0, 30.0, 100.0)
    assert fitness.hidden_share(INSIDE, [nearer]) == pytest.approx(0.5 * 0.9, abs=0.04)
    assert fitness.hidden_share(INSIDE, [behind]) == 0
    # Two who overlap each other hide no more than both together; another box of the person hides nothing.
    assert fitness.hidden_share(INSIDE, [nearer, nearer]) == fitness.hidden_share(INSIDE, [nearer])
    assert fitness.hidden_share(INSIDE, [(99, 59, 42, 103)]) == 0


@settings(max_examples=60, deadline=None)
@given(box=boxes, others=st.lists(boxes, max_size=6))
def test_shares_and_overlaps_are_shares(box: Box, others: list[Box]) -> None:
    assert 0 <= fitness.hidden_share(box, others) <= 1
    assert fitness.overlap(box, box) == pytest.approx(1)
    for other in others:
        assert 0 <= fitness.overlap(box, other) <= 1 + 1e-9
        assert fitness.overlap(box, other) == pytest.approx(fitness.overlap(other, box))
