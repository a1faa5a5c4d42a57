"""Tracklet data sets: readable names, enough of the person, the same again from the same seed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from simulation.crops import CROP, LEAST_VISIBLE
from simulation.errors import BadRequest
from simulation.presets import PRESETS
from simulation.tracklets import simulate_tracklets

TINY = replace(PRESETS["tiny"], identities=4, test_identities=1, people=2, cameras=1)

pytestmark = pytest.mark.usefixtures("renderer")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tracklets")
    simulate_tracklets(folder, TINY, processes=2)
    return folder


@pytest.fixture(scope="module")
def lines(made: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (made / "tracklets.jsonl").read_text().splitlines()]


def test_every_picture_is_named_by_its_line(made: Path, lines: list[dict[str, Any]]) -> None:
    named = {
        f"{line['split']}/{line['identity']:04d}/{line['tracklet']}F{frame:03d}.jpg"
        for line in lines
        for frame in range(1, line["frames"] + 1)
    }

    assert len(lines) >= 2
    assert {str(path.relative_to(made)) for path in made.rglob("*.jpg")} == named
    assert all((line["split"] == "bbox_test") == (line["identity"] > 3) for line in lines)
    for path in made.rglob("*.jpg"):
        with Image.open(path) as picture:
            assert picture.size == CROP


def test_enough_of_everybody_shows(lines: list[dict[str, Any]]) -> None:
    for line in lines:
        assert line["frames"] == len(line["boxes"]) == len(line["visible"])
        assert min(line["visible"]) >= LEAST_VISIBLE


def test_the_truth_names_parts_and_shows_the_person(made: Path, lines: list[dict[str, Any]]) -> None:
    for line in lines:
        with Image.open(made / "truth" / f"{line['identity']:04d}" / f"{line['tracklet']}F001.png") as truth:
            parts = np.asarray(truth)[..., 0]
        assert parts.shape == (CROP[1], CROP[0])
        assert parts.max() <= 24
        assert (parts > 0).mean() > 0.08


def test_another_process_makes_the_same_truth(
    made: Path, lines: list[dict[str, Any]], tmp_path: Path
) -> None:
    simulate_tracklets(tmp_path, TINY, processes=1)

    assert (tmp_path / "tracklets.jsonl").read_bytes() == (made / "tracklets.jsonl").read_bytes()
    for path in made.rglob("*.jpg"):
        with Image.open(path) as first, Image.open(tmp_path / path.relative_to(made)) as second:
            difference = np.abs(np.asarray(first, np.int16) - np.asarray(second, np.int16))
        assert difference.mean() < 0.5


def test_finished_scenes_stay(made: Path) -> None:
    (made / "scenes" / "00001.jsonl").unlink()
    before = {path: path.stat().st_mtime_ns for path in made.rglob("000[12]*.jpg")}
    listing = (made / "tracklets.jsonl").read_bytes()
    simulate_tracklets(made, TINY, processes=1)

    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert (made / "tracklets.jsonl").read_bytes() == listing


def test_identities_that_the_layout_cannot_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest):
        simulate_tracklets(tmp_path, replace(TINY, identities=10_000))
