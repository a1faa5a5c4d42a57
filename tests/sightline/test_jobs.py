"""`sightline jobs`."""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gallery import AdaptOptions, Claim, Gallery, GallerySettings, NewRecording
from tests.sightline.conftest import Run


@pytest.fixture
def job(sqlite_settings: GallerySettings) -> str:
    """A job of two recordings of a camera in Tokyo."""
    with Gallery.open(sqlite_settings) as gallery:
        camera = gallery.catalogue.add_camera("gate [1]", time_zone="Asia/Tokyo")
        start = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)
        recordings = [
            NewRecording(camera.id, f"/media/{name}", name, False, start) for name in ("a.mp4", "b.mp4")
        ]
        return gallery.jobs.file(recordings).id


def claim(gallery: Gallery) -> Claim:
    claimed = gallery.jobs.claim("w", lease_seconds=60)
    assert claimed is not None
    return claimed


def test_jobs_are_listed(run: Run, job: str) -> None:
    listed = run("jobs", "list")

    assert listed.exit_code == 0
    assert job in listed.output
    assert "queued" in listed.output
    assert [found["id"] for found in json.loads(run("jobs", "list", "--json").stdout)] == [job]


def test_a_gallery_without_jobs_says_who_files_them(run: Run) -> None:
    assert "No job yet" in run("jobs", "list").output


def test_a_job_is_shown_with_reasons_on_the_clock_of_its_camera(
    run: Run, job: str, sqlite_settings: GallerySettings
) -> None:
    with Gallery.open(sqlite_settings) as gallery:
        gallery.jobs.finish(claim(gallery), state="failed", reason="no such file")

    shown = run("jobs", "show", job)

    assert shown.exit_code == 0
    assert "gate [1]" in shown.output
    assert "2026-01-05 09:00:00" in shown.output
    assert "no such file" in shown.output
    assert [r["state"] for r in json.loads(run("jobs", "show", job, "--json").stdout)["recordings"]] == [
        "failed",
        "queued",
    ]


def test_a_job_is_cancelled_and_that_is_recorded(
    run: Run, job: str, sqlite_settings: GallerySettings
) -> None:
    with Gallery.open(sqlite_settings) as gallery:
        claim(gallery)

    cancelled, again = run("jobs", "cancel", job), run("jobs", "show", job)

    assert "1 recordings in work stop soon" in cancelled.output
    assert "running, to be cancelled" in again.output
    with Gallery.open(sqlite_settings) as gallery:
        assert "job.cancel" in {event.action for event in gallery.audit.events()}


def test_a_job_that_has_ended_is_not_cancelled(run: Run, job: str) -> None:
    run("jobs", "cancel", job)

    assert "had ended before: cancelled" in run("jobs", "cancel", job).output


@pytest.mark.parametrize(("last", "status"), [("succeeded", 0), ("failed", 1)])
def test_following_lasts_until_the_job_ends(
    run: Run, job: str, sqlite_settings: GallerySettings, last: str, status: int
) -> None:
    with Gallery.open(sqlite_settings) as gallery:
        gallery.jobs.finish(claim(gallery), state="skipped", reason="in the gallery already")
        results = []
        follower = threading.Thread(target=lambda: results.append(run("jobs", "follow", job)))
        follower.start()
        state = "skipped" if last == "succeeded" else last
        gallery.jobs.finish(claim(gallery), state=state, reason="as said")
        follower.join()

    assert results[0].exit_code == status
    assert f"Job {job}: {'partial' if status else 'succeeded'}" in results[0].output


def test_what_failed_is_listed_and_tried_again(
    run: Run, job: str, sqlite_settings: GallerySettings, tmp_path: Path
) -> None:
    assert "No recording has failed" in run("jobs", "failed").output
    assert run("jobs", "retry", job).exit_code == 2
    with Gallery.open(sqlite_settings) as gallery:
        camera = gallery.catalogue.camera_named("gate [1]").id
        uploaded = NewRecording(camera, str(tmp_path / "gone"), "gone.mp4", True, datetime.now(UTC))
        gallery.jobs.finish(claim(gallery), state="failed", reason="the share was away")
        gallery.jobs.finish(claim(gallery), state="succeeded")
        lost = gallery.jobs.file([uploaded]).id
        gallery.jobs.finish(claim(gallery), state="failed", reason="no video")

    listed = json.loads(run("jobs", "failed", "--camera", "gate [1]", "--json").stdout)
    assert [(one["job_id"], one["file_name"]) for one in listed] == [(lost, "gone.mp4"), (job, "a.mp4")]
    assert "the share was away" in run("jobs", "failed").output
    assert run("jobs", "failed", "--camera", "cellar").exit_code == 2

    again = json.loads(run("jobs", "retry", job, "--json").stdout)
    assert [(one["file_name"], one["state"]) for one in again["recordings"]] == [("a.mp4", "queued")]
    assert "nothing of job" in run("jobs", "retry", job).stderr
    refused = run("jobs", "retry", lost)
    assert refused.exit_code == 2
    assert "gone.mp4: the uploaded file was deleted" in refused.output
    with Gallery.open(sqlite_settings) as gallery:
        assert gallery.audit.events(action="job.retry")[0].subject == again["id"]
        by_hand = NewRecording(camera, "/srv/b.mp4", "b.mp4", False, datetime.now(UTC))
        read = gallery.jobs.record_failure(by_hand, "damaged").id
        models = gallery.jobs.file_adapt(AdaptOptions("ours", "parent")).id
        gallery.jobs.finish(claim(gallery), state="failed", reason="too few people")
    assert "b.mp4: `sightline index` read it" in run("jobs", "retry", read).output
    assert "indexes no recordings" in run("jobs", "retry", models).stderr


@pytest.mark.parametrize("command", ["show", "cancel", "follow", "retry"])
def test_a_job_that_does_not_exist_is_one_line(run: Run, command: str, tmp_path: Path) -> None:
    result = run("jobs", command, "00000000000000000000000000000000")

    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
