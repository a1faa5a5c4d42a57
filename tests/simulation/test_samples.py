"""The sample recordings in the repository are those that their preset makes, and worth showing."""

import json
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from simulation.recordings import PRESETS, describe, draw_world_of

SAMPLES = Path(__file__).parents[2] / "samples"
PRESET = PRESETS["sample"]


@pytest.fixture(scope="module")
def world() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((SAMPLES / "world.json").read_text())
    return content


def seen_on(world: dict[str, Any]) -> Counter[int]:
    """Each person of the ground truth with the number of cameras that see enough of it."""
    cameras: Counter[int] = Counter()
    for camera in world["cameras"]:
        rows = [line.split(",") for line in (SAMPLES / camera["truth"]).read_text().splitlines()]
        frames = Counter(int(row[1]) for row in rows if float(row[8]) > 0.5)
        cameras.update(person for person, count in frames.items() if count >= 10)
    return cameras


def test_the_preset_still_makes_them(world: dict[str, Any]) -> None:
    """A change of people, timetable or cameras has to film them anew."""
    made = json.loads(json.dumps(describe(draw_world_of(PRESET, None), PRESET)))

    assert {key: value for key, value in world.items() if key != "probes"} == made


def test_they_are_small_enough_for_git() -> None:
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) < 20e6


@pytest.mark.parametrize("camera", range(1, 5))
def test_four_cameras_film_for_a_minute(camera: int) -> None:
    with av.open(str(SAMPLES / f"camera-{camera}.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.frames == 600
        assert stream.average_rate == Fraction(10)
        assert (stream.codec_context.width, stream.codec_context.height) == (960, 540)


def test_a_dozen_people_pass_and_most_of_them_several_cameras(world: dict[str, Any]) -> None:
    cameras = seen_on(world)

    assert len(cameras) >= 12
    assert sum(count > 1 for count in cameras.values()) > len(cameras) / 2


def test_each_photo_shows_somebody_whom_several_cameras_see(world: dict[str, Any]) -> None:
    cameras = seen_on(world)

    assert len(world["probes"]) == 3
    for probe in world["probes"]:
        assert cameras[probe["identity"]] > 1
        with Image.open(SAMPLES / probe["file"]) as photo:
            assert photo.size == (480, 640)
