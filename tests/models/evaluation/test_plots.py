"""Figures of an evaluation: what they show, and what they refuse."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import BadDataset
from models.evaluation.plots import (
    BORDER,
    COLOURS,
    CROP,
    Answer,
    RankedList,
    Verdict,
    cmc_plot,
    ranked_lists,
)

BLUE = (10, 20, 200)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    Image.new("RGB", (20, 50), BLUE).save(tmp_path / "person.png")
    return tmp_path / "person.png"


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB"))


def counts(path: Path, colour: tuple[int, int, int]) -> int:
    return int((pixels(path) == colour).all(axis=2).sum())


def test_each_answer_has_the_border_of_its_verdict(tmp_path: Path, picture: Path) -> None:
    out = tmp_path / "lists.png"
    rows = [
        RankedList(picture, "", [Answer(picture, v, 0.91) for v in (Verdict.RIGHT, Verdict.WRONG)]),
        RankedList(picture, "", [Answer(picture, v, -0.25) for v in (Verdict.WRONG, Verdict.RIGHT)]),
    ]
    ranked_lists(out, rows)

    border = (CROP[0] + 2 * BORDER) * (CROP[1] + 2 * BORDER) - CROP[0] * CROP[1]
    assert counts(out, COLOURS[Verdict.RIGHT]) == 2 * border
    assert counts(out, COLOURS[Verdict.WRONG]) == 2 * border
    assert counts(out, BLUE) == 6 * CROP[0] * CROP[1]
    # Two queries with their borders, and the text below all answers.
    assert counts(out, COLOURS[Verdict.QUERY]) > 2 * border


def test_answers_stand_from_left_to_right_below_their_own_queries(tmp_path: Path, picture: Path) -> None:
    out = tmp_path / "lists.png"
    ranked_lists(
        out,
        [
            RankedList(picture, "", [Answer(picture, v, 0.9) for v in (Verdict.WRONG, Verdict.RIGHT)]),
            RankedList(picture, "", []),
        ],
    )

    def where(verdict: Verdict) -> tuple[int, int]:
        found = np.argwhere((pixels(out) == COLOURS[verdict]).all(axis=2))
        return int(found[:, 0].min()), int(found[:, 1].min())

    (top, wrong), (also_top, right) = where(Verdict.WRONG), where(Verdict.RIGHT)
    assert top == also_top < CROP[1]
    assert wrong < right


def test_the_caption_stands_below_the_query(tmp_path: Path, picture: Path) -> None:
    for name in ("", "match at 7", "match at 11310"):
        ranked_lists(tmp_path / f"{name}.png", [RankedList(picture, name, [])])

    without, short, long = (pixels(tmp_path / f"{name}.png") for name in ("", "match at 7", "match at 11310"))
    changed = np.argwhere((without != long).any(axis=2))
    assert changed[:, 0].min() >= CROP[1] + 2 * BORDER
    assert changed[:, 1].min() > 0  # the longest that is drawn has room
    assert changed[:, 1].max() < without.shape[1] - 1
    assert (short != long).any()


def test_a_picture_that_cannot_be_read_is_named(tmp_path: Path, picture: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")

    with pytest.raises(BadDataset, match=r"bad\.png"):
        ranked_lists(
            tmp_path / "out.png",
            [RankedList(picture, "", [Answer(tmp_path / "bad.png", Verdict.RIGHT, 1.0)])],
        )
    assert not (tmp_path / "out.png").exists()


def test_nothing_to_draw_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no rows"):
        ranked_lists(tmp_path / "out.png", [])
    with pytest.raises(ValueError, match="no curves"):
        cmc_plot(tmp_path / "out.png", "CMC", {})


@pytest.mark.parametrize("curve", [[], [[0.5]], [0.2, 1.2], [-0.1], [0.5, np.nan]])
def test_a_curve_must_be_shares(tmp_path: Path, curve: list[float]) -> None:
    with pytest.raises(ValueError, match="TKP is not a row of shares"):
        cmc_plot(tmp_path / "out.png", "CMC", {"TKP": np.array(curve)})


def test_curves_are_drawn(tmp_path: Path) -> None:
    one, two, other = tmp_path / "1.png", tmp_path / "2.png", tmp_path / "3.png"
    curve = np.array([0.5, 0.7, 0.9])
    cmc_plot(one, "$CMC_{x", {"$TKP_{x": curve, "_VKD": np.array([0.6])})
    cmc_plot(two, "$CMC_{x", {"$TKP_{x": curve, "_VKD": np.array([0.6])})
    cmc_plot(other, "$CMC_{x", {"$TKP_{x": curve[::-1], "_VKD": np.array([0.6])})

    assert min(pixels(one).shape[:2]) > 400
    assert np.array_equal(pixels(one), pixels(two))
    assert not np.array_equal(pixels(one), pixels(other))
