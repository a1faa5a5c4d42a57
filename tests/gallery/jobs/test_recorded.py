"""What is done to jobs and webhooks, and its event: both or neither, and the event says why."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gallery import because
from gallery.errors import StorageFull
from gallery.gallery import Gallery
from gallery.records.jobs import (
    AdaptOptions,
    NewRecording,
    ReindexOptions,
    WatchedFile,
    WatchedStamp,
)
from gallery.sql import chain
from gallery.sql.job_tables import Watched, Webhook
from gallery.sql.tables import Job, JobRecording
from tests.gallery.jobs.recordings import START, add_camera, recording
from tests.gallery.making import make_tracklets, store

WHY = {"purpose": "missing child", "case_number": "2026/7"}
KEY = "k" * 32


def watched(camera: int) -> WatchedFile:
    new = NewRecording(camera, "/media/w.mp4", "w.mp4", False, START)
    return WatchedFile(new, "a" * 64, WatchedStamp(1, 2, 3))


def again(gallery: Gallery) -> object:
    (failed,) = gallery.failures.list()
    return gallery.failures.retry(failed.job_id, [failed.recording.id], key_id=KEY)


CHANGES: dict[str, tuple[str, Callable[[Gallery, int, str, str], object]]] = {
    "index": ("job.file", lambda g, camera, job, hook: g.jobs.file([recording(camera)], key_id=KEY)),
    "reindex": (
        "job.file",
        lambda g, camera, job, hook: g.jobs.file_reindex(ReindexOptions("new", "b" * 64), key_id=KEY),
    ),
    "adapt": (
        "job.file",
        lambda g, camera, job, hook: g.jobs.file_adapt(AdaptOptions(name="n", parent="p"), key_id=KEY),
    ),
    "retry": ("job.retry", lambda g, camera, job, hook: again(g)),
    "cancel": ("job.cancel", lambda g, camera, job, hook: g.jobs.cancel(job, key_id=KEY)),
    "watch": ("job.file", lambda g, camera, job, hook: g.watched.file([watched(camera)])),
    "hook": (
        "webhook.create",
        lambda g, camera, job, hook: g.webhooks.create("https://a.example/", key_id=KEY),
    ),
    "no hook": ("webhook.delete", lambda g, camera, job, hook: g.webhooks.delete(hook, key_id=KEY)),
}


def rows(gallery: Gallery) -> list[int]:
    with gallery._database.read() as session:
        tables = (Job, JobRecording, Webhook, Watched)
        counts = [session.scalars(select(func.count()).select_from(table)).one() for table in tables]
        return [*counts, sum(session.scalars(select(Job.cancel_requested)))]


def test_a_change_and_its_event_are_one(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = add_camera(gallery._database)
    store(gallery, 1, make_tracklets(1, 1))
    job = gallery.jobs.file([recording(camera, "/media/first.mp4")]).id
    hook = gallery.webhooks.create("https://first.example/")[0].id
    gallery.jobs.record_failure(recording(camera, "/media/damaged.mp4"), "it is damaged")

    def full(session: Session) -> None:
        raise StorageFull("the disk of the database is full")

    for name, (action, change) in CHANGES.items():
        before, events = rows(gallery), gallery.audit.anchor()
        with monkeypatch.context() as patch:
            patch.setattr(chain, "write_waiting", full)
            with pytest.raises(StorageFull):
                change(gallery, camera, job, hook)
        assert (rows(gallery), gallery.audit.anchor()) == (before, events), name
        with because(**WHY):
            change(gallery, camera, job, hook)
        (event,) = gallery.audit.trail(after=events.event)
        assert (event.action, event.key_id) == (action, None if name == "watch" else KEY), name
        assert event.detail["reason"] == WHY, name
        assert rows(gallery) != before, name


def test_what_changes_nothing_has_no_event(gallery: Gallery) -> None:
    camera = add_camera(gallery._database)
    filed = [gallery.jobs.file([recording(camera)], key_id=KEY, idempotency_key="i") for _ in range(2)]
    assert filed[0].id == filed[1].id
    assert [event.action for event in gallery.audit.trail()] == ["job.file"]
    for _ in range(2):  # the second finds that it has ended
        gallery.jobs.cancel(filed[0].id, key_id=KEY)
    assert [event.action for event in gallery.audit.trail()] == ["job.file", "job.cancel"]
    gallery.jobs.record_failure(recording(camera, "/media/b.mp4"), "it is damaged")
    assert len(list(gallery.audit.trail())) == 2, "nobody asked for it"
