"""Recordings and what is said about them agree, are made once, and go on after a kill."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from simulation.errors import BadRequest, BadWardrobe
from simulation.recordings import PRESETS, claim, draw_world_of, scenes, simulate_recordings
from simulation.renderer import Renderer
from simulation.scene import SUPERSAMPLE
from simulation.studio import Actor, Studio
from tests.waiting import until

TINY = replace(PRESETS["tiny"], seconds=9.0)
RUN = (
    "import sys; from pathlib import Path\n"
    "from simulation.recordings import simulate_recordings\n"
    "from tests.simulation.test_recordings import TINY\n"
    "simulate_recordings(Path(sys.argv[1]), TINY, processes=0)\n"
)

pytestmark = pytest.mark.usefixtures("renderer")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    simulate_recordings(folder, TINY, processes=0)
    return folder


@pytest.fixture(scope="module")
def described(made: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((made / "world.json").read_text())
    return content


def truth(folder: Path, camera: int) -> list[list[float]]:
    lines = (folder / f"camera-{camera}.gt.txt").read_text().splitlines()
    return [[float(value) for value in line.split(",")] for line in lines]


def truths(folder: Path) -> Iterator[tuple[int, list[float]]]:
    for camera in range(1, TINY.cameras + 1):
        for row in truth(folder, camera):
            yield camera, row


def times_of(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("camera", range(1, TINY.cameras + 1))
def test_a_recording_has_every_frame_at_its_time(made: Path, camera: int) -> None:
    with av.open(str(made / f"camera-{camera}.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        times = [(frame.pts or 0) * stream.time_base for frame in container.decode(stream)]

        assert (stream.codec_context.width, stream.codec_context.height) == (TINY.width, TINY.height)
        assert times == [Fraction(k, TINY.fps) for k in range(round(TINY.seconds * TINY.fps))]


def test_people_are_in_the_truth_between_entering_and_leaving_only(
    made: Path, described: dict[str, Any]
) -> None:
    stays: dict[tuple[int, str], list[tuple[float, float]]] = {}
    for walk in described["passes"]:
        stays.setdefault((walk["identity"], walk["camera"]), []).append((walk["enters"], walk["leaves"]))
    rows = list(truths(made))

    assert len(rows) > 50
    assert {camera for camera, _ in rows} == {1, 2}
    for camera, (frame, identity, *_) in rows:
        at = (frame - 1) / TINY.fps
        spans = stays[int(identity), f"camera-{camera}"]
        assert any(enters - 0.001 <= at <= leaves + 0.001 for enters, leaves in spans)


def test_a_person_is_once_in_a_frame_and_on_one_camera_at_a_time(made: Path) -> None:
    seen = [(int(row[0]), int(row[1])) for _, row in truths(made)]

    assert len(seen) == len(set(seen))


def test_the_world_says_who_is_there(described: dict[str, Any]) -> None:
    assert [person["identity"] for person in described["people"]] == list(range(1, TINY.people + 1))
    assert all(person["caption"].endswith(".") for person in described["people"])
    assert [camera["name"] for camera in described["cameras"]] == ["camera-1", "camera-2"]
    assert all(camera["start"].endswith("+00:00") for camera in described["cameras"])


def test_probes_are_photos_of_people_of_the_world(made: Path, described: dict[str, Any]) -> None:
    (probe,) = described["probes"]

    with Image.open(made / probe["file"]) as photo:
        assert photo.size == (480, 640)
    assert probe["identity"] <= TINY.people


def test_boxes_lie_where_the_pixels_of_the_people_are() -> None:
    world = draw_world_of(TINY, None)
    renderer = Renderer()
    studio = Studio(renderer, world.stations[0])
    actors = {number: Actor(renderer, person) for number, person in enumerate(world.people)}
    compared = 0
    for cast in list(scenes(world, TINY, 0))[::4]:
        picture, sightings = studio.shoot([(p, actors[p], at) for p, at in cast], shot=0, truth=True)
        assert picture.truth is not None
        for number, seen in enumerate(sightings, 1):
            rows, columns = np.nonzero(picture.truth[..., 0] == number)
            if seen.visible < 0.85 or len(rows) < 50:
                continue
            left, top, width, height = seen.box
            drawn = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / SUPERSAMPLE
            box = np.clip([left, top, left + width, top + height], 0, [TINY.width, TINY.height] * 2)
            np.testing.assert_allclose(drawn, box, atol=1.5 + 0.03 * height)
            compared += 1
    assert compared >= 4


@pytest.mark.long
def test_truth_has_the_same_bytes_in_another_process_with_other_threads(made: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3"}
    environment["OPENBLAS_CORETYPE"] = "Prescott"  # kernels without fused multiply-add
    subprocess.run([sys.executable, "-c", RUN, str(tmp_path)], check=True, env=environment)

    for name in ("world.json", "camera-1.gt.txt", "camera-2.gt.txt"):
        assert (tmp_path / name).read_bytes() == (made / name).read_bytes(), name


def test_a_second_run_changes_nothing(made: Path) -> None:
    before = times_of(made)
    told: list[int] = []

    simulate_recordings(made, TINY, processes=0, advance=told.append)

    assert times_of(made) == before
    assert sum(told) == TINY.cameras


@pytest.mark.long
def test_a_killed_run_goes_on(made: Path, tmp_path: Path) -> None:
    first = tmp_path / "camera-1.gt.txt"
    with subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path)]) as run:
        until(first.exists)
        run.send_signal(signal.SIGKILL)
    assert not (tmp_path / "world.json").exists()
    finished = (tmp_path / "camera-1.mp4").stat().st_mtime_ns

    simulate_recordings(tmp_path, TINY, processes=0)

    assert (tmp_path / "camera-1.mp4").stat().st_mtime_ns == finished
    for name in ("world.json", "camera-1.gt.txt", "camera-2.gt.txt"):
        assert (tmp_path / name).read_bytes() == (made / name).read_bytes(), name
    assert list(tmp_path.rglob("*.part*")) == []


def test_two_worlds_do_not_mix_in_one_folder(made: Path, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="choose another folder"):
        simulate_recordings(made, replace(TINY, seed=TINY.seed + 1))
    with pytest.raises(BadWardrobe):
        simulate_recordings(made, TINY, wardrobe=tmp_path)


def test_a_folder_is_claimed_again_by_the_same_preset(tmp_path: Path) -> None:
    claim(tmp_path / "new", TINY, None)
    claim(tmp_path / "new", TINY, None)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": -1},
        {"cameras": 0},
        {"cameras": 33},
        {"people": 0},
        {"seconds": 0.0},
        {"seconds": float("nan")},
        {"seconds": float("inf")},
        {"width": 62},
        {"width": 321},
        {"height": 5000},
        {"fps": 0},
        {"fps": 61},
        {"quality": 52},
        {"probes": -1},
    ],
)
def test_a_preset_that_cannot_be_filmed_is_refused_before_anything_is_written(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    with pytest.raises(BadRequest):
        simulate_recordings(tmp_path / "out", replace(TINY, **change))

    assert not (tmp_path / "out").exists()
