"""What was filed and cannot be found by a search."""

from datetime import UTC, datetime, timedelta

from gallery.gallery import Gallery
from gallery.records.jobs import NewRecording
from tests.gallery.making import store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def file(gallery: Gallery, name: str, camera: str = "gate", start: datetime = NOON) -> str:
    camera_id = gallery.catalogue.get_or_add_camera(camera).id
    return gallery.jobs.file([NewRecording(camera_id, f"/media/{name}", name, False, start)]).id


def end(gallery: Gallery, name: str, state: str) -> None:
    claim = gallery.jobs.claim("worker", lease_seconds=60)
    assert claim is not None
    assert claim.recording.file_name == name
    gallery.jobs.finish(claim, state=state, reason="because" if state != "succeeded" else None)


def names(gallery: Gallery, **limits: object) -> list[str]:
    return [one.file_name for one in gallery.jobs.unindexed(**limits)]  # type: ignore[arg-type]


def test_lists_what_waits_runs_or_failed_newest_first(gallery: Gallery) -> None:
    for name, state in (("done", "succeeded"), ("double", "skipped"), ("broken", "failed")):
        file(gallery, name)
        end(gallery, name, state)
    gallery.jobs.cancel(file(gallery, "stopped"))
    file(gallery, "running")
    gallery.jobs.claim("worker", lease_seconds=60)
    file(gallery, "waiting")
    assert names(gallery) == ["waiting", "running", "broken"]
    assert names(gallery, limit=1) == ["waiting"]


def test_tells_a_recording_filed_again_by_its_last_filing(gallery: Gallery) -> None:
    for name, states in (("mended", ["failed", "succeeded"]), ("broken", ["failed", "failed"])):
        for state in states:
            file(gallery, name)
            end(gallery, name, state)
    file(gallery, "again")
    end(gallery, "again", "failed")
    file(gallery, "again")
    file(gallery, "given up")
    found = gallery.jobs.unindexed()
    assert [(one.file_name, one.state) for one in found] == [
        ("given up", "queued"),
        ("again", "queued"),
        ("broken", "failed"),
    ]


def test_lists_what_could_pass_filters(gallery: Gallery) -> None:
    file(gallery, "gate")
    file(gallery, "yard", camera="yard")
    file(gallery, "late", start=NOON + timedelta(hours=1))
    yard = gallery.catalogue.camera_named("yard").id
    assert names(gallery, camera_ids={yard, 10**12}) == ["yard"]
    assert names(gallery, camera_ids=set()) == []
    assert names(gallery, before=NOON + timedelta(hours=1)) == ["yard", "gate"]
    assert names(gallery, before=NOON) == []


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
