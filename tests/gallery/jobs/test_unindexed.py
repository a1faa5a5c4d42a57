"""What was filed and cannot be found by a search."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gallery.errors import InvalidInput, NotFound
from gallery.gallery import Gallery
from gallery.records.coverage import Unindexed
from gallery.records.jobs import EXPECTED_SECONDS, NewRecording
from gallery.records.searching import Filters
from tests.gallery.making import MODEL, store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def file(gallery: Gallery, name: str, camera: str = "gate", start: datetime = NOON) -> str:
    camera_id = gallery.catalogue.get_or_add_camera(camera).id
    return gallery.jobs.file([NewRecording(camera_id, f"/media/{name}", name, False, start)]).id


def end(gallery: Gallery, name: str, state: str) -> None:
    claim = gallery.jobs.claim("worker", lease_seconds=60)
    assert claim is not None
    assert claim.recording.file_name == name
    gallery.jobs.finish(claim, state=state, reason="because" if state != "succeeded" else None)


def unindexed(gallery: Gallery, **filters: Any) -> list[Unindexed]:
    cameras = gallery.catalogue.coverage(Filters(**filters), MODEL.id).cameras
    return [one for camera in cameras for one in camera.unindexed]


def names(gallery: Gallery, **filters: Any) -> list[str]:
    return [one.file_name for one in unindexed(gallery, **filters)]


def test_lists_what_waits_runs_or_failed(gallery: Gallery) -> None:
    for name, state in (("done", "succeeded"), ("double", "skipped"), ("broken", "failed")):
        file(gallery, name)
        end(gallery, name, state)
    gallery.jobs.cancel(file(gallery, "stopped"))
    file(gallery, "running")
    gallery.jobs.claim("worker", lease_seconds=60)
    file(gallery, "waiting")
    assert names(gallery) == ["broken", "running", "waiting"]
    assert [one.state for one in unindexed(gallery)] == ["failed", "being_indexed", "waiting"]
    assert [one.reason for one in unindexed(gallery)] == ["because", None, None]


def test_tells_a_recording_filed_again_by_its_last_filing(gallery: Gallery) -> None:
    for name, states in (("mended", ["failed", "succeeded"]), ("broken", ["failed", "failed"])):
        for state in states:
            file(gallery, name)
            end(gallery, name, state)
    file(gallery, "again")
    end(gallery, "again", "failed")
    file(gallery, "again")
    file(gallery, "given up")
    assert [(one.file_name, one.state) for one in unindexed(gallery)] == [
        ("broken", "failed"),
        ("again", "waiting"),
        ("given up", "waiting"),
    ]


def test_a_failure_is_over_once_its_file_is_indexed_with_or_without_a_job(gallery: Gallery) -> None:
    """What was indexed from the path before, and what failed from it since, are others."""
    store(gallery, "before", [], path="/media/broken")
    for name in ("mended", "broken"):
        file(gallery, name)
        end(gallery, name, "failed")
    store(gallery, "whole", [], path="/media/mended")
    assert names(gallery) == ["broken"]


def test_says_when_a_recording_ends_as_far_as_is_known(gallery: Gallery) -> None:
    """By its header once a worker has opened it; else no later than the camera's next recording begins."""
    for hours, name in ((0, "first"), (2, "second"), (5, "last")):
        file(gallery, name, start=NOON + timedelta(hours=hours))
    store(gallery, "video", [], start=NOON + timedelta(hours=1))
    claim = gallery.jobs.claim("worker", lease_seconds=60)
    assert claim is not None
    assert [(one.end, one.exact) for one in unindexed(gallery)] == [
        (NOON + timedelta(hours=1), False),
        (NOON + timedelta(hours=5), False),
        (None, False),
    ]
    gallery.jobs.finish(claim, state="failed", reason="disk", counters={EXPECTED_SECONDS: 600})
    assert (unindexed(gallery)[0].end, unindexed(gallery)[0].exact) == (NOON + timedelta(minutes=10), True)
    assert names(gallery, start=NOON + timedelta(minutes=10)) == ["second", "last"]
    assert names(gallery, start=NOON + timedelta(hours=9)) == ["last"]


@pytest.mark.parametrize("seconds", [-1, 0, "long", None, 7 * 86400 + 1, 10**12, 1e300])
def test_a_nonsensical_length_is_none(gallery: Gallery, seconds: object) -> None:
    file(gallery, "odd")
    claim = gallery.jobs.claim("worker", lease_seconds=60)
    assert claim is not None
    gallery.jobs.finish(claim, state="failed", reason="odd", counters={EXPECTED_SECONDS: seconds})
    assert [(one.end, one.exact) for one in unindexed(gallery)] == [(None, False)]


def test_what_failed_without_a_job_is_recorded_as_failed(gallery: Gallery) -> None:
    camera = gallery.catalogue.get_or_add_camera("gate")
    recording = NewRecording(camera.id, "/media/deep/a.mp4", "a.mp4", False, NOON)
    job = gallery.jobs.record_failure(recording, "/media/deep/a.mp4: no picture", counters={"frames_bad": 2})
    assert (job.state, [one.state for one in job.recordings]) == ("failed", ["failed"])
    assert [(one.file_name, one.reason) for one in unindexed(gallery)] == [("a.mp4", "a.mp4: no picture")]
    with pytest.raises(NotFound):
        gallery.jobs.record_failure(replace(recording, camera_id=2**31), "because")
    with pytest.raises(InvalidInput):
        gallery.jobs.record_failure(recording, "")
    assert len(gallery.jobs.list()) == 1


def test_lists_what_could_pass_filters(gallery: Gallery) -> None:
    file(gallery, "gate")
    file(gallery, "yard", camera="yard")
    file(gallery, "late", start=NOON + timedelta(hours=1))
    yard = gallery.catalogue.camera_named("yard").id
    assert names(gallery, camera_ids=frozenset({yard, 10**12})) == ["yard"]
    assert names(gallery, camera_ids=frozenset()) == []
    assert names(gallery, end=NOON + timedelta(hours=1)) == ["gate", "yard"]
    assert names(gallery, end=NOON) == []


def test_needs_a_file_while_it_waits_or_is_worked_on(gallery: Gallery) -> None:
    job = file(gallery, "a.mp4")
    assert gallery.jobs.needs("/media/a.mp4")
    assert not gallery.jobs.needs("/media/b.mp4")
    end(gallery, "a.mp4", "failed")
    assert not gallery.jobs.needs("/media/a.mp4")
    file(gallery, "a.mp4")
    gallery.jobs.claim("worker", lease_seconds=60)
    assert gallery.jobs.needs("/media/a.mp4")
    assert gallery.jobs.get(job).state == "failed"


def test_needs_the_file_of_a_video_until_it_is_erased(gallery: Gallery) -> None:
    video = store(gallery, "a", [])
    assert gallery.jobs.needs(video.path)
    gallery.erase_video(video.id)
    assert not gallery.jobs.needs(video.path)
