"""`sightline search`."""

import json
from pathlib import Path
from typing import Any

import pytest

from gallery import Gallery, GallerySettings
from tests.indexer.videos import CROWD, make_video
from tests.sightline.conftest import Run

pytestmark = pytest.mark.usefixtures("indexed")


@pytest.fixture
def indexed(run: Run, networks: None, recordings: Path) -> None:
    """Three people at the gate in Tokyo, one of them in the yard an hour later."""
    zone = ("--time-zone", "Asia/Tokyo")
    run("index", recordings / "a.mp4", "--camera", "gate", "--start", "2026-01-05T09:00", *zone)
    run(
        "index",
        recordings / "b.mp4",
        "--camera",
        "yard",
        "--start",
        "2026-01-05T10:00",
        *zone,
        "--site",
        "back",
    )


def answer(run: Run, *arguments: str | Path) -> dict[str, Any]:
    result = run("search", *arguments, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def cameras(found: dict[str, Any]) -> list[str]:
    return [hit["camera"]["name"] for hit in found["hits"]]


def test_the_person_on_the_photo_ranks_first_on_both_cameras(run: Run, photo: Path) -> None:
    found = answer(run, photo, "--person", "0", "--limit", "2")

    assert sorted(cameras(found)) == ["gate", "yard"]
    assert found["coverage"]["tracklets_compared"] == 4


def test_the_table_shows_the_clock_of_the_camera(run: Run, photo: Path) -> None:
    result = run("search", photo)

    assert result.exit_code == 0
    assert "2026-01-05 10:00:00" in result.output
    assert "4 tracklets were compared." in result.output


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (["--camera", "yard"], {"yard"}),
        (["--camera", "yard", "--camera", "gate"], {"yard", "gate"}),
        (["--site", "back"], {"yard"}),
        (["--from", "2026-01-05T09:30"], {"yard"}),
        (["--to", "2026-01-05T00:30:00+00:00"], {"gate"}),
        (["--from", "2026-01-05T11:00"], set()),
    ],
)
def test_filters_restrict_the_answer(run: Run, photo: Path, filters: list[str], expected: set[str]) -> None:
    assert set(cameras(answer(run, photo, *filters))) == expected


def test_every_search_is_recorded(run: Run, photo: Path, sqlite_settings: GallerySettings) -> None:
    found = answer(run, photo)

    with Gallery.open(sqlite_settings) as gallery:
        assert gallery.searches.get(found["id"]).id == found["id"]


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["--camera", "roof"], "roof"),
        (["--person", "9"], "no person 9"),
        (["--from", "2026-01-05T11:00", "--to", "2026-01-05T10:00"], "before"),
        (["--from", "noon"], "noon"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(run: Run, photo: Path, arguments: list[str], cause: str) -> None:
    result = run("search", photo, *arguments)

    assert result.exit_code == 2
    assert cause in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_file_that_is_no_photo_is_refused(run: Run, recordings: Path) -> None:
    refused, missing = run("search", recordings / "notes.txt"), run("search", "nowhere.jpg")

    assert (refused.exit_code, missing.exit_code) == (2, 2)
    assert "nowhere.jpg" in missing.stderr


def test_times_without_offset_need_cameras_of_one_zone(
    run: Run, photo: Path, recordings: Path, tmp_path: Path
) -> None:
    other = make_video(tmp_path / "other.mp4", CROWD, seed=1)
    run("index", other, "--camera", "hall", "--start", "2026-01-05T09:00", "--time-zone", "Europe/Berlin")

    refused = run("search", photo, "--from", "2026-01-05T09:30")

    assert refused.exit_code == 2
    assert "several time zones" in refused.stderr
    assert cameras(answer(run, photo, "--from", "2026-01-05T09:30", "--camera", "yard")) == ["yard"]
