"""Failed recordings: which are told, and trying them again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gallery.errors import Conflict, InvalidInput, KeyReused, LeaseLost, NotFound
from gallery.gallery import Gallery
from gallery.records.jobs import JobInfo, NewRecording, ReindexOptions, WatchedFile, WatchedStamp
from tests.gallery.jobs.recordings import START, add_camera, recording, recordings
from tests.gallery.making import make_tracklets, store

KEY = "k" * 32
NOWHERE = "0" * 32


def end_all(gallery: Gallery, **states: str) -> None:
    """A worker ends all that waits: those that are named as said, the others with success."""
    while (claim := gallery.jobs.claim("worker", lease_seconds=60)) is not None:
        state = states.get(claim.recording.file_name.removesuffix(".mp4"), "succeeded")
        gallery.jobs.finish(claim, state=state, reason="because" if state == "failed" else None)


def failed_ids(job: JobInfo) -> list[str]:
    return [one.id for one in job.recordings if one.state == "failed"]


def half_failed(gallery: Gallery, camera: int) -> JobInfo:
    """A job of four recordings, of which 1 and 3 failed."""
    job = gallery.jobs.file(recordings(camera, 4))
    end_all(gallery, **{"1": "failed", "3": "failed"})
    return gallery.jobs.get(job.id)


def test_files_what_failed_as_a_job_of_its_own_once(gallery: Gallery) -> None:
    camera = add_camera(gallery._database)
    job = half_failed(gallery, camera)
    again = gallery.failures.retry(job.id, failed_ids(job), key_id=KEY)
    same = [(one.path, one.file_name, one.camera_id, one.start_time, one.owned) for one in again.recordings]
    was = [job.recordings[1], job.recordings[3]]
    assert same == [(one.path, one.file_name, one.camera_id, one.start_time, one.owned) for one in was]
    assert [(one.number, one.state, one.attempts) for one in again.recordings] == [
        (0, "queued", 0),
        (1, "queued", 0),
    ]
    assert gallery.jobs.get(job.id) == job, "the job that failed stays as it ended"
    event = gallery.audit.events(action="job.retry")[0]
    assert (event.key_id, event.subject) == (KEY, again.id)
    assert event.detail == {"of": job.id, "recordings": 2}
    with pytest.raises(Conflict, match="was filed again"):
        gallery.failures.retry(job.id, failed_ids(job)[:1])
    assert len(gallery.jobs.list()) == 2
    end_all(gallery, **{"3": "failed"})
    (left,) = gallery.failures.list()
    assert (left.job_id, left.recording.file_name) == (again.id, "3.mp4")
    assert set(gallery.failures.outlived(job.recordings).values()) == {"filed_again"}
    gallery.jobs.cancel(gallery.failures.retry(again.id, [left.recording.id]).id)
    assert gallery.failures.list() == [left], "what was cancelled was not tried"
    store(gallery, "whole", [], path=left.recording.path)
    assert gallery.failures.list() == []
    assert gallery.failures.outlived([left.recording]) == {left.recording.id: "indexed"}
    with pytest.raises(Conflict, match="is indexed"):
        gallery.failures.retry(again.id, [left.recording.id])


def test_a_repeated_request_gets_the_same_job(gallery: Gallery) -> None:
    job = half_failed(gallery, add_camera(gallery._database))
    first, second = failed_ids(job)

    def retry(_: int = 0, ids: Any = (first,), **other: Any) -> str:
        return gallery.failures.retry(job.id, ids, key_id=KEY, idempotency_key="i", **other).id

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(retry, range(8)))) == 1
    with pytest.raises(KeyReused):
        retry(ids=[second])
    with pytest.raises(Conflict, match="was filed again"):
        gallery.failures.retry(job.id, [first], key_id="other", idempotency_key="i")

    def at_once(number: int) -> bool:
        try:
            gallery.failures.retry(job.id, [second], key_id=KEY, idempotency_key=f"of {number}")
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(at_once, range(8))) == 1, "one of them"
    assert len(gallery.audit.events(action="job.retry")) == 2


def test_refuses_what_did_not_fail_or_is_not_there(gallery: Gallery) -> None:
    camera = add_camera(gallery._database)
    job = half_failed(gallery, camera)
    (elsewhere,) = gallery.jobs.file([recording(camera, "/media/else.mp4")]).recordings
    store(gallery, 1, make_tracklets(1, 1))
    model_job = gallery.jobs.file_reindex(ReindexOptions("new", "b" * 64))
    refused: list[tuple[str, list[str], type[Exception]]] = [
        (job.id, [job.recordings[0].id], Conflict),
        (job.id, [failed_ids(job)[0], job.recordings[0].id], Conflict),
        (job.id, [elsewhere.id], NotFound),
        (job.id, ["\0'; --"], NotFound),
        (job.id, [], InvalidInput),
        (job.id, [f"{n:032x}" for n in range(1001)], InvalidInput),
        (NOWHERE, [NOWHERE], NotFound),
        ("\0", [NOWHERE], NotFound),
        (model_job.id, [model_job.recordings[0].id], InvalidInput),
    ]
    filed = len(gallery.jobs.list())
    for job_id, ids, error in refused:
        with pytest.raises(error):
            gallery.failures.retry(job_id, ids)
    assert len(gallery.jobs.list()) == filed
    with pytest.raises(InvalidInput):
        gallery.failures.list(limit=0)
    with pytest.raises(NotFound):
        gallery.failures.list(after="nonsense")


def test_lists_by_camera_and_page(gallery: Gallery) -> None:
    gate, yard = (add_camera(gallery._database, name) for name in ("gate", "yard"))
    for camera in (gate, yard, gate):
        for number in range(3):
            path = f"/media/{camera}/{number}.mp4"
            start = START + timedelta(hours=number)
            gallery.jobs.record_failure(recording(camera, path, start_time=start), "damaged")
    names = sorted((one.recording.camera_id, one.recording.file_name) for one in gallery.failures.list())
    assert names == [(camera, f"{n}.mp4") for camera in (gate, yard) for n in range(3)]
    assert len(gallery.failures.list(camera_id=yard)) == 3
    seen: list[str] = []
    while page := gallery.failures.list(after=seen[-1] if seen else None, limit=2):
        seen += [one.recording.id for one in page]
    assert seen == [one.recording.id for one in gallery.failures.list()]


def test_what_is_out_of_sight_is_not_there(gallery: Gallery) -> None:
    gate, vault = (add_camera(gallery._database, name) for name in ("gate", "vault"))
    jobs = [
        gallery.jobs.file([recording(camera, f"/media/{name}.mp4") for camera, name in mixed])
        for mixed in ([(gate, "a")], [(vault, "b")], [(gate, "c"), (vault, "d")])
    ]
    end_all(gallery, a="failed", b="failed", c="failed", d="failed")
    limited = gallery.limited_to(frozenset({gate}))
    assert {one.recording.file_name for one in limited.failures.list()} == {"c.mp4", "a.mp4"}
    for job in jobs[1:]:
        with pytest.raises(NotFound, match=f"no job {job.id}"):
            limited.failures.retry(job.id, [gallery.jobs.get(job.id).recordings[0].id])
    (mine,) = jobs[0].recordings
    assert limited.failures.retry(jobs[0].id, [mine.id]).recordings[0].path == "/media/a.mp4"


def test_a_watched_file_that_waits_again_is_followed_when_it_is_renamed(gallery: Gallery) -> None:
    camera = add_camera(gallery._database)

    def watched(name: str) -> WatchedFile:
        new = NewRecording(camera, f"/media/{name}.mp4", f"{name}.mp4", False, datetime.now(UTC))
        return WatchedFile(new, "a" * 64, WatchedStamp(1, 2, 3))

    job = gallery.watched.file([watched("first")]).job
    assert job is not None
    end_all(gallery, first="failed")
    again = gallery.failures.retry(job.id, [job.recordings[0].id])
    outcome = gallery.watched.file([watched("second")])
    assert (outcome.renamed, outcome.filed) == (1, 0)
    assert gallery.jobs.get(again.id).recordings[0].file_name == "second.mp4"
    claim = gallery.jobs.claim("worker", lease_seconds=60)
    assert claim is not None
    gallery.jobs.finish(claim, state="succeeded")
    with pytest.raises(LeaseLost):
        gallery.jobs.finish(claim, state="failed", reason="late")
