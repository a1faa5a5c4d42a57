"""Tracklet data sets: readable names, enough of the person, the same again from the same seed."""

import json
import signal
import subprocess
import sys
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from PIL import Image

from simulation.crops import CROP
from simulation.errors import BadRequest
from simulation.presets import PRESETS, TrackletPreset
from simulation.tracklets import simulate_tracklets
from tests.waiting import until

TINY = replace(PRESETS["tiny"], identities=4, test_identities=1, people=2, cameras=1)
UNLIKE = TrackletPreset(
    seed=7,
    identities=4,
    test_identities=2,
    cameras=2,
    frames=(3, 4),
    width=640,
    height=360,
    unlike=True,
    crossed=0.5,
)
RUN = (
    "import sys; from pathlib import Path\n"
    "from tests.simulation.test_tracklets import TINY\n"
    "from simulation.tracklets import simulate_tracklets\n"
    "simulate_tracklets(Path(sys.argv[1]), TINY, processes=0)\n"
)

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
        assert min(line["visible"]) >= TINY.least_visible


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
    simulate_tracklets(tmp_path, TINY, processes=0)

    assert (tmp_path / "tracklets.jsonl").read_bytes() == (made / "tracklets.jsonl").read_bytes()
    for path in made.rglob("*.jpg"):
        with Image.open(path) as first, Image.open(tmp_path / path.relative_to(made)) as second:
            difference = np.abs(np.asarray(first, np.int16) - np.asarray(second, np.int16))
        assert difference.mean() < 0.5


def test_finished_scenes_stay(made: Path) -> None:
    (made / "scenes" / "00001.jsonl").unlink()
    before = {path: path.stat().st_mtime_ns for path in made.rglob("000[12]*.jpg")}
    listing = (made / "tracklets.jsonl").read_bytes()
    simulate_tracklets(made, TINY, processes=0)

    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert (made / "tracklets.jsonl").read_bytes() == listing


@pytest.mark.long
@pytest.mark.parametrize("waits_for", ["bbox_*/*/*F001.jpg", "scenes/00000.jsonl", "bbox_*/0003/*F001.jpg"])
def test_a_killed_run_goes_on_to_the_same_result(made: Path, tmp_path: Path, waits_for: str) -> None:
    for attempt in range(5):  # on a busy machine one may be done before it is killed
        out = tmp_path / str(attempt)
        with subprocess.Popen([sys.executable, "-c", RUN, str(out)]) as run:
            until(lambda: any(out.glob(waits_for)) or run.poll() is not None, pause=0.005)  # noqa: B023
            run.send_signal(signal.SIGKILL)
        if not (out / "tracklets.jsonl").exists():
            break
    assert not (out / "tracklets.jsonl").exists()

    simulate_tracklets(out, TINY, processes=0)

    assert (out / "tracklets.jsonl").read_bytes() == (made / "tracklets.jsonl").read_bytes()
    pictures = {path.relative_to(made) for path in made.rglob("*.jpg")}
    assert {path.relative_to(out) for path in out.rglob("*.jpg")} == pictures
    assert all((out / name).read_bytes() == (made / name).read_bytes() for name in pictures)


@pytest.mark.long
def test_a_drawing_process_that_is_killed_is_replaced_and_the_result_the_same(
    made: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def kill() -> None:
        until(lambda: any(tmp_path.glob("bbox_*/*/*F001.jpg")), pause=0.005)
        for process in active_children():
            process.kill()

    killer = Thread(target=kill)
    killer.start()
    simulate_tracklets(tmp_path, TINY, processes=1)
    killer.join()

    assert "a drawing process died" in caplog.text
    assert (tmp_path / "tracklets.jsonl").read_bytes() == (made / "tracklets.jsonl").read_bytes()
    pictures = {path.relative_to(made) for path in made.rglob("*.jpg")}
    assert {path.relative_to(tmp_path) for path in tmp_path.rglob("*.jpg")} == pictures


def test_cameras_that_disagree_are_those_of_one_world_though_its_people_are_made_in_parts(
    tmp_path: Path,
) -> None:
    preset = replace(
        UNLIKE, identities=4, test_identities=3, people=1, one_test_world=True, crossed_first=True
    )
    listing = simulate_tracklets(tmp_path, preset, processes=0)
    lines = [json.loads(line) for line in listing.read_text().splitlines()]

    learnt = {line["camera"] for line in lines if line["split"] == "bbox_train"}
    judged = {line["camera"] for line in lines if line["split"] == "bbox_test"}
    assert learnt <= {1, 2}
    assert judged <= {3, 4}
    assert len({line["identity"] for line in lines if line["split"] == "bbox_test"}) >= 2
    assert len(lines) >= 4
    assert all(len(line["visible"]) == line["frames"] >= preset.frames[0] for line in lines)


@pytest.mark.long
def test_tests_of_clips_begin_with_somebody_in_front(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"identities": 4, "test_identities": 4, "people": 4, "least_visible": 0.12}
    preset = replace(UNLIKE, **changes, frames=(6, 6), crossed_first=True)
    listing = simulate_tracklets(tmp_path, preset, processes=0)
    shown = np.array([json.loads(line)["visible"] for line in listing.read_text().splitlines()])

    assert len(shown) >= 4
    assert np.median(shown[:, 0]) < 0.65
    assert np.median(shown[:, -1]) > np.median(shown[:, 0]) + 0.2


@pytest.mark.parametrize(
    "change",
    [
        {"identities": 10_000},
        {"identities": -1},
        {"test_identities": 5},
        {"test_identities": -1},
        {"people": 0},
        {"seed": -1},
        {"cameras": 0},
        {"cameras": 33},
        {"fewest_cameras": 2},
        {"fewest_cameras": 0},
        {"frames": (0, 4)},
        {"frames": (5, 4)},
        {"frames": (4, 1000)},
        {"fps": 0.0},
        {"fps": float("nan")},
        {"fps": float("inf")},
        {"width": 63},
        {"height": 4097},
        {"crossed": -0.1},
        {"crossed": float("nan")},
        {"least_visible": 1.1},
    ],
)
def test_a_preset_that_cannot_be_simulated_is_refused_before_anything_is_written(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    with pytest.raises(BadRequest):
        simulate_tracklets(tmp_path / "out", replace(TINY, **change))

    assert not (tmp_path / "out").exists()
