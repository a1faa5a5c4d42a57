"""`sightline videos`: list and correct."""

import json
import shutil
from pathlib import Path

import pytest

from tests.sightline.conftest import Run

START = "2026-01-05T09:00:00+00:00"


@pytest.fixture
def file(run: Run, networks: None, recordings: Path, tmp_path: Path) -> Path:
    """A recording of camera gate, in the gallery."""
    path = tmp_path / "a.mp4"
    shutil.copy(recordings / "a.mp4", path)
    assert (
        run("index", path, "--camera", "gate", "--start", START, "--time-zone", "Europe/Berlin").exit_code
        == 0
    )
    return path


def listed(run: Run) -> dict[str, str]:
    (video,) = json.loads(run("videos", "--json").stdout)
    found: dict[str, str] = video
    return found


def test_start_and_camera_are_corrected(run: Run, file: Path) -> None:
    run("cameras", "add", "yard", "--time-zone", "Asia/Kolkata")
    result = run("videos", "edit", listed(run)["id"], "--start", "2026-01-06T10:30", "--camera", "yard")
    assert result.exit_code == 0
    assert "camera yard, 2026-01-06 10:30:00" in result.stdout
    video = listed(run)
    assert (video["camera"], video["start_time"]) == ("yard", "2026-01-06T05:00:00+00:00")


def test_a_recording_that_moved_is_found_at_its_new_place(run: Run, file: Path, tmp_path: Path) -> None:
    new = tmp_path / "elsewhere" / "b.mp4"
    new.parent.mkdir()
    shutil.copy(file, new)
    again = ("index", new, "--camera", "gate", "--start", START)
    assert "new place" not in run(*again).stdout
    assert listed(run)["path"] == str(file)  # it is still there: this is a copy
    file.unlink()
    assert "its new place is recorded" in run(*again).stdout
    assert listed(run)["path"] == str(new)


def test_a_path_is_corrected_by_hand(run: Run, file: Path, tmp_path: Path) -> None:
    video_id, new, other = listed(run)["id"], tmp_path / "b.mp4", tmp_path / "other.mp4"
    file.rename(new)
    other.write_bytes(b"something else")
    refused = run("videos", "edit", video_id, "--path", other)
    assert (refused.exit_code, listed(run)["path"]) == (2, str(file))
    assert "another recording" in refused.stderr
    assert run("videos", "edit", video_id, "--path", new).exit_code == 0
    assert listed(run)["path"] == str(new)
    assert run("videos", "edit", video_id).exit_code == 2
