from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gallery.errors import Conflict, InvalidInput, NotFound
from gallery.gallery import Gallery
from gallery.jobs.jobs import MAX_LISTED, Jobs
from gallery.records.jobs import NewRecording
from gallery.sql.database import Database
from gallery.sql.tables import Job, JobRecording
from tests.gallery.jobs.recordings import START, add_camera, recording, recordings

LEASE = 60.0


@pytest.fixture
def camera(database: Database) -> int:
    return add_camera(database)


def count(gallery: Gallery, table: type[Job | JobRecording]) -> int:
    with gallery._database.read() as session:
        return session.scalars(select(func.count()).select_from(table)).one()


def test_a_filed_job_waits(gallery: Gallery, camera: int) -> None:
    local = START.astimezone().replace(microsecond=123_456)
    filed = gallery.jobs.file(
        [recording(camera, "/m/b.mp4", owned=True, start_time=local), recording(camera)]
    )
    assert (filed.state, filed.progress, filed.eta_seconds) == ("queued", 0.0, None)
    assert gallery.jobs.get(filed.id) == filed
    first, second = filed.recordings
    assert (first.number, first.path, first.file_name, first.owned) == (0, "/m/b.mp4", "b.mp4", True)
    assert (first.state, first.attempts, first.counters, first.start_time) == ("queued", 0, {}, local)
    assert (second.number, second.path) == (1, "/media/a.mp4")


def test_the_life_of_a_job(gallery: Gallery, camera: int) -> None:
    jobs = gallery.jobs
    job_id = jobs.file(recordings(camera, 3)).id

    first = jobs.claim("worker", lease_seconds=LEASE)
    assert first is not None
    assert (first.job_id, first.worker, first.recording.path) == (job_id, "worker", "/media/0.mp4")
    assert (first.recording.state, first.recording.attempts) == ("running", 1)
    assert jobs.renew(first, lease_seconds=LEASE, stage="detect", progress=0.5, counters={"frames": 7})
    now = jobs.get(job_id)
    assert now.state == "running"
    assert now.progress == pytest.approx(0.5 / 3)
    assert now.eta_seconds is not None
    assert (now.recordings[0].stage, now.recordings[0].counters) == ("detect", {"frames": 7})

    jobs.finish(first, state="succeeded", video_id="0" * 32, counters={"frames": 9})
    second = jobs.claim("worker", lease_seconds=LEASE)
    assert second is not None
    jobs.finish(second, state="skipped", reason="indexed before", video_id="1" * 32)
    third = jobs.claim("worker", lease_seconds=LEASE)
    assert third is not None
    jobs.finish(third, state="failed", reason="no video stream in it")
    assert jobs.claim("worker", lease_seconds=LEASE) is None

    ended = jobs.get(job_id)
    assert (ended.state, ended.progress, ended.eta_seconds) == ("partial", 1.0, 0.0)
    assert [r.state for r in ended.recordings] == ["succeeded", "skipped", "failed"]
    assert [r.reason for r in ended.recordings] == [None, "indexed before", "no video stream in it"]
    done = ended.recordings[0]
    assert (done.video_id, done.counters, done.progress, done.stage) == ("0" * 32, {"frames": 9}, 1.0, None)
    assert done.started_at is not None
    assert done.finished_at is not None
    assert done.started_at <= done.finished_at


def test_an_indexed_recording_does_not_make_a_job_partial(gallery: Gallery, camera: int) -> None:
    job_id = gallery.jobs.file(recordings(camera, 2)).id
    for state, reason in (("skipped", "indexed before"), ("succeeded", None)):
        claim = gallery.jobs.claim("worker", lease_seconds=LEASE)
        assert claim is not None
        gallery.jobs.finish(claim, state=state, reason=reason)
    assert gallery.jobs.get(job_id).state == "succeeded"


def test_recordings_are_worked_on_in_the_order_they_were_filed(gallery: Gallery, camera: int) -> None:
    filed = [gallery.jobs.file(recordings(camera, 2)).id]
    while (other := gallery.jobs.file(recordings(camera, 1)).id)[:12] == filed[0][:12]:
        filed.append(other)  # within one ms jobs have no order
    filed.append(other)
    claims = [gallery.jobs.claim("worker", lease_seconds=LEASE) for _ in range(len(filed) + 1)]
    order = [(claim.job_id, claim.recording.number) for claim in claims if claim is not None]
    assert order.index((filed[0], 0)) + 1 == order.index((filed[0], 1))
    assert order[-1] == (filed[-1], 0)


def _always(now: datetime, _session: Session) -> datetime:
    return now


def test_keys_take_turns(gallery: Gallery, camera: int) -> None:
    """One that files many does not hold up one that files few; of one key the first filed comes first."""
    filed = {
        gallery.jobs.file(recordings(camera, many), key_id=key).id: key
        for key, many in (("greedy", 4), ("modest", 1), (None, 2))
    }
    order = []
    for number in range(7):
        now = datetime.now(UTC) + timedelta(seconds=number)
        claim = Jobs(gallery._database, clock=partial(_always, now)).claim("w", lease_seconds=LEASE)
        assert claim is not None
        order.append((filed[claim.job_id], claim.recording.number))
    assert set(order[:3]) == {("greedy", 0), ("modest", 0), (None, 0)}  # within one ms jobs have no order
    assert set(order[3:5]) == {("greedy", 1), (None, 1)}
    assert order[5:] == [("greedy", 2), ("greedy", 3)]
    assert gallery.jobs.claim("w", lease_seconds=LEASE) is None


class TestIdempotency:
    def test_the_same_request_gets_the_same_job(self, gallery: Gallery, camera: int) -> None:
        wanted = recordings(camera, 2)
        first = gallery.jobs.file(wanted, key_id="k", idempotency_key="once", request_hash="h")
        assert gallery.jobs.file(wanted, key_id="k", idempotency_key="once", request_hash="h") == first
        assert count(gallery, Job) == 1

    def test_its_state_is_the_present_one(self, gallery: Gallery, camera: int) -> None:
        filed = gallery.jobs.file([recording(camera)], idempotency_key="once")
        gallery.jobs.cancel(filed.id)
        assert gallery.jobs.file([recording(camera)], idempotency_key="once").state == "cancelled"

    def test_another_request_is_refused(self, gallery: Gallery, camera: int) -> None:
        gallery.jobs.file([recording(camera)], idempotency_key="once", request_hash="h")
        with pytest.raises(Conflict, match="another request"):
            gallery.jobs.file([recording(camera)], idempotency_key="once", request_hash="other")

    def test_without_a_hash_the_recordings_decide(self, gallery: Gallery, camera: int) -> None:
        first = gallery.jobs.file([recording(camera)], idempotency_key="once")
        assert gallery.jobs.file([recording(camera)], idempotency_key="once").id == first.id
        with pytest.raises(Conflict):
            gallery.jobs.file([recording(camera, "/media/b.mp4")], idempotency_key="once")

    def test_each_api_key_has_its_own(self, gallery: Gallery, camera: int) -> None:
        ids = {
            gallery.jobs.file([recording(camera)], key_id=key_id, idempotency_key="1").id
            for key_id in ("a", "b", None)
        }
        assert len(ids) == 3

    def test_sent_many_times_at_once(self, gallery: Gallery, camera: int) -> None:
        def file(_: int) -> str:
            return gallery.jobs.file(recordings(camera, 3), idempotency_key="once", request_hash="h").id

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(file, range(16)))) == 1
        assert (count(gallery, Job), count(gallery, JobRecording)) == (1, 3)


class TestList:
    def test_pages_run_from_new_to_old(self, gallery: Gallery, camera: int) -> None:
        filed = sorted(gallery.jobs.file(recordings(camera, 2)).id for _ in range(5))
        claim = gallery.jobs.claim("worker", lease_seconds=LEASE)
        assert claim is not None
        page = gallery.jobs.list(limit=3)
        rest = gallery.jobs.list(limit=3, after=page[-1].id)
        assert [job.id for job in (*page, *rest)] == filed[::-1]
        assert [job.state for job in rest] == ["queued", "running"]
        assert all(job.recordings == () for job in page)
        assert gallery.jobs.list(after=filed[0]) == []

    def test_pages_of_nothing(self, gallery: Gallery, subtests: pytest.Subtests) -> None:
        for limit in [0, -1, MAX_LISTED + 1, 2**70]:
            with subtests.test(limit=limit), pytest.raises(InvalidInput):
                gallery.jobs.list(limit=limit)
        for after in ["", "x", "\0" * 32, "' OR 1=1 --"]:
            with subtests.test(after=after), pytest.raises(NotFound):
                gallery.jobs.list(after=after)


class TestCancel:
    def test_what_waits_is_cancelled_at_once(self, gallery: Gallery, camera: int) -> None:
        job_id = gallery.jobs.file(recordings(camera, 2)).id
        cancelled = gallery.jobs.cancel(job_id)
        assert (cancelled.state, cancelled.cancel_requested, cancelled.eta_seconds) == (
            "cancelled",
            True,
            0.0,
        )
        assert {r.reason for r in cancelled.recordings} == {"cancelled on request"}
        assert all(r.finished_at is not None for r in cancelled.recordings)
        assert gallery.jobs.claim("worker", lease_seconds=LEASE) is None

    def test_what_runs_sees_it_at_the_next_renewal(self, gallery: Gallery, camera: int) -> None:
        job_id = gallery.jobs.file(recordings(camera, 2)).id
        claim = gallery.jobs.claim("worker", lease_seconds=LEASE)
        assert claim is not None
        assert [r.state for r in gallery.jobs.cancel(job_id).recordings] == ["running", "cancelled"]
        assert gallery.jobs.get(job_id).state == "running"
        assert not gallery.jobs.renew(claim, lease_seconds=LEASE, stage="embed", progress=0.9)
        gallery.jobs.finish(claim, state="cancelled", reason="cancelled on request")
        assert gallery.jobs.get(job_id).state == "cancelled"

    def test_what_a_dead_worker_held_is_cancelled_at_once(self, gallery: Gallery, camera: int) -> None:
        job_id = gallery.jobs.file([recording(camera)]).id
        long_ago = datetime.now(UTC) - timedelta(hours=1)
        then = Jobs(gallery._database, clock=lambda _session: long_ago)
        assert then.claim("dead", lease_seconds=1) is not None
        assert gallery.jobs.cancel(job_id).state == "cancelled"

    def test_a_job_that_has_ended_stays_as_it_is(self, gallery: Gallery, camera: int) -> None:
        job_id = gallery.jobs.file([recording(camera)]).id
        claim = gallery.jobs.claim("worker", lease_seconds=LEASE)
        assert claim is not None
        gallery.jobs.finish(claim, state="succeeded")
        before = gallery.jobs.get(job_id)
        assert gallery.jobs.cancel(job_id) == before
        assert not before.cancel_requested

    def test_twice(self, gallery: Gallery, camera: int) -> None:
        job_id = gallery.jobs.file([recording(camera)]).id
        assert gallery.jobs.cancel(job_id) == gallery.jobs.cancel(job_id)

    def test_other_jobs_go_on(self, gallery: Gallery, camera: int) -> None:
        first, second = (gallery.jobs.file([recording(camera)]).id for _ in range(2))
        gallery.jobs.cancel(first)
        claim = gallery.jobs.claim("worker", lease_seconds=LEASE)
        assert claim is not None
        assert claim.job_id == second


class TestHostileFilings:
    def test_values_that_cannot_be_stored(
        self, gallery: Gallery, camera: int, subtests: pytest.Subtests
    ) -> None:
        hostile: list[dict[str, Any]] = [
            {"path": ""},
            {"path": "/media/a\0.mp4"},
            {"path": "/media/\udcff.mp4"},
            {"path": "x" * 5000},
            {"file_name": ""},
            {"file_name": "a\0.mp4"},
            {"file_name": "x" * 1001},
            {"start_time": datetime(2026, 1, 1)},
            {"start_time": datetime.min.replace(tzinfo=UTC)},
            {"start_time": datetime.max.replace(tzinfo=UTC)},
        ]
        for changes in hostile:
            with subtests.test(changes=changes):
                with pytest.raises(InvalidInput):
                    gallery.jobs.file([recording(camera, "/media/ok.mp4"), recording(camera, **changes)])
                assert (count(gallery, Job), count(gallery, JobRecording)) == (0, 0)

    def test_cameras_that_do_not_exist(
        self, gallery: Gallery, camera: int, subtests: pytest.Subtests
    ) -> None:
        for camera_id in [0, -1, 77, 2**31, 2**70]:
            with subtests.test(camera_id=camera_id):
                with pytest.raises(NotFound, match=str(camera_id)):
                    gallery.jobs.file([recording(camera), recording(camera_id, "/media/b.mp4")])
                assert (count(gallery, Job), count(gallery, JobRecording)) == (0, 0)

    def test_one_file_twice(self, gallery: Gallery, camera: int, subtests: pytest.Subtests) -> None:
        for again in ["/media/a.mp4", "/media/./a.mp4", "/media/x/../a.mp4", "/media//a.mp4"]:
            with subtests.test(again=again):
                with pytest.raises(InvalidInput, match="recordings 0 and 1 are the same file"):
                    gallery.jobs.file([recording(camera, "/media/a.mp4"), recording(camera, again)])
                assert count(gallery, Job) == 0

    def test_too_few_or_too_many(self, gallery: Gallery, camera: int, subtests: pytest.Subtests) -> None:
        for number in [0, 1001]:
            with subtests.test(number=number), pytest.raises(InvalidInput):
                gallery.jobs.file(recordings(camera, number))

    def test_idempotency_keys(self, gallery: Gallery, camera: int, subtests: pytest.Subtests) -> None:
        for key in ["", "x" * 256, "a\0", "\ud800"]:
            with subtests.test(key=key), pytest.raises(InvalidInput):
                gallery.jobs.file([recording(camera)], idempotency_key=key)

    def test_other_values(self, gallery: Gallery, camera: int, subtests: pytest.Subtests) -> None:
        hostile: list[dict[str, Any]] = [
            {"key_id": "x" * 33},
            {"key_id": "\0"},
            {"request_hash": "x" * 65},
            {"request_hash": "\0"},
        ]
        for values in hostile:
            with subtests.test(values=values), pytest.raises(InvalidInput):
                gallery.jobs.file([recording(camera)], **values)

    def test_text_is_data(self, gallery: Gallery, camera: int) -> None:
        path = "/media/'); DROP TABLE job; -- 北门 %s {0} \\x00.mp4"
        filed = gallery.jobs.file([recording(camera, path)], idempotency_key="'; --")
        assert gallery.jobs.get(filed.id).recordings[0].path == path

    def test_ids_of_nothing(self, gallery: Gallery, subtests: pytest.Subtests) -> None:
        for job_id in ["", "f" * 32, "\0" * 32, "../../etc/passwd", "\ud800", "x" * 10_000]:
            with subtests.test(job_id=job_id):
                with pytest.raises(NotFound):
                    gallery.jobs.get(job_id)
                with pytest.raises(NotFound):
                    gallery.jobs.cancel(job_id)


def test_a_full_job_is_filed_and_read_quickly_enough_to_answer(gallery: Gallery, camera: int) -> None:
    wanted: Sequence[NewRecording] = recordings(camera, 1000)
    filed = gallery.jobs.file(wanted)
    assert [r.path for r in gallery.jobs.get(filed.id).recordings] == [r.path for r in wanted]
