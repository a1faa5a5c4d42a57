"""`sightline watch`: shown before it counts, then filed and named."""

import errno
import os
from pathlib import Path

import pytest

from gallery import Gallery, GallerySettings
from tests.sightline.conftest import Run

TEMPLATE = "{camera}/{year}{month}{day}-{hour}{minute}.mp4"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in (
        "gate/20260105-0900.mp4",
        "gate/20261025-0230.mp4",
        "gate/later.mp4",
        "yard/20260105-0900.mp4",
    ):
        path = tmp_path / "drop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        os.utime(path, (1_700_000_000, 1_700_000_000))
    return tmp_path / "drop"


@pytest.mark.usefixtures("handlers")
def test_shown_first_and_filed_with_consent(run: Run, folder: Path, sqlite_settings: GallerySettings) -> None:
    with Gallery.open(sqlite_settings) as gallery:
        gallery.catalogue.add_camera("gate", time_zone="Europe/Berlin")
    asked = ("watch", folder, "--camera-from", TEMPLATE)
    shown = run(*asked, "--dry-run")
    assert shown.exit_code == 0
    for said in (
        "2026-01-05 09:00:00 CET",
        "2026-01-05 08:00:00",
        "comes twice",
        "does not fit",
        "no camera 'yard'",
    ):
        assert said in shown.output.replace("\n", " "), shown.output
    refused = run(*asked, "--once")
    assert refused.exit_code == 2
    assert "say --yes" in refused.stderr
    with Gallery.open(sqlite_settings) as gallery:
        assert gallery.jobs.list() == []

    filed = run(*asked, "--once", "--yes", "--add-cameras", "--time-zone", "Asia/Tokyo")

    assert filed.exit_code == 0
    assert "filed yard/20260105-0900.mp4: yard, 2026-01-05 09:00:00+09:00" in filed.output
    with Gallery.open(sqlite_settings) as gallery:
        (job,) = gallery.jobs.list()
        assert len(gallery.jobs.get(job.id).recordings) == 2
        assert gallery.catalogue.camera_named("yard").time_zone == "Asia/Tokyo"
    again = run(*asked, "--once", "--yes")
    assert "2 were filed before" in again.output


@pytest.mark.usefixtures("handlers")
def test_what_cannot_be_said_ends_no_filing(
    run: Run, folder: Path, sqlite_settings: GallerySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when its output goes to a disk that is full."""

    def say(text: str) -> None:
        raise OSError(errno.ENOSPC, text)

    monkeypatch.setattr("sightline.watch._print_look", lambda *_: None)
    for name in ("print_line", "print_note"):
        monkeypatch.setattr(f"sightline.watch.{name}", say)
    options = ("--once", "--yes", "--add-cameras", "--time-zone", "UTC")
    watched = run("watch", folder, "--camera-from", TEMPLATE, *options)
    assert watched.exit_code == 0, watched.output
    with Gallery.open(sqlite_settings) as gallery:
        (job,) = gallery.jobs.list()
        assert len(gallery.jobs.get(job.id).recordings) >= 2


def test_wrong_requests_are_one_line(run: Run, folder: Path) -> None:
    for arguments, said in (
        ((folder, "--camera-from", "{day}.mp4"), "camera"),
        ((folder, "--camera-from", TEMPLATE, "--add-cameras"), "say --time-zone"),
        ((folder, "--camera-from", TEMPLATE, "--add-cameras", "--time-zone", "Mars"), "no time zone 'Mars'"),
        ((folder / "gone", "--camera-from", TEMPLATE), "no folder"),
    ):
        result = run("watch", *arguments, "--once", "--yes")
        assert (result.exit_code, len(result.stderr.strip().splitlines())) == (2, 1), result.stderr
        assert said in result.stderr
