"""Counts of jobs and of the gallery, on both databases."""

from datetime import UTC, datetime

from gallery import Figures, Gallery, JobKind, NewRecording
from gallery.catalogue.figures import figures
from gallery.jobs.jobs import Jobs
from gallery.sql.database import Database
from tests.waiting import until


def test_what_waits_what_runs_and_what_is_silent(gallery: Gallery, database: Database) -> None:
    with database.read() as session:
        empty = figures(session)
    assert (empty.videos, empty.tracklets, empty.segments, empty.workers) == (0, 0, 0, 0)
    assert empty.jobs[JobKind.ADAPT].states["failed"] == 0
    camera = gallery.catalogue.add_camera("gate").id
    start = datetime(2026, 1, 5, tzinfo=UTC)
    gallery.jobs.file([NewRecording(camera, f"/{name}.mp4", name, False, start) for name in "abcd"])
    jobs = Jobs(database)
    held = jobs.claim("one", lease_seconds=600)
    assert held is not None
    jobs.renew(held, lease_seconds=600, progress=0.5)
    failing = jobs.claim("one", lease_seconds=600, kinds=[JobKind.INDEX])
    assert failing is not None
    jobs.finish(failing, state="failed", reason="it is no recording")
    assert jobs.claim("two", lease_seconds=0.001) is not None

    def with_overdue() -> Figures | None:
        now = gallery.figures()
        return now if now.jobs[JobKind.INDEX].overdue else None

    found = until(with_overdue)

    index = found.jobs[JobKind.INDEX]
    assert {state: count for state, count in index.states.items() if count} in (
        {"queued": 1, "running": 2, "failed": 1},
    )
    assert (index.overdue, found.workers) == (1, 1)
    assert index.progress == 0.25
    assert index.oldest_queued_seconds > 0
    assert index.oldest_running_seconds > 0
    assert found.jobs[JobKind.REINDEX].oldest_queued_seconds == 0
