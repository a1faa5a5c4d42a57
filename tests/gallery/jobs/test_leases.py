"""Who holds a recording, when it passes on, and what comes too late."""

import math
import multiprocessing
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import pytest

from gallery.errors import InvalidInput, LeaseLost
from gallery.gallery import Gallery
from gallery.jobs import leases
from gallery.jobs.ending import complete
from gallery.jobs.jobs import Jobs
from gallery.jobs.leases import MAX_ATTEMPTS
from gallery.records.jobs import Claim, Completion
from gallery.settings import GallerySettings
from gallery.sql.database import Database
from gallery.sql.tables import Camera, Job
from tests.gallery.jobs.recordings import add_camera, recording, recordings
from tests.waiting import PATIENCE, take_time

LEASE = 60.0
ENTRANCES = ("renew", "finish", "release")


@pytest.fixture
def camera(database: Database) -> int:
    return add_camera(database)


def in_seconds(seconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def at(gallery: Gallery, now: datetime) -> Jobs:
    """The jobs at another time."""
    return Jobs(gallery._database, clock=lambda _session: now)


def claimed(gallery: Gallery, worker: str = "worker", now: datetime | None = None) -> Claim:
    jobs = gallery.jobs if now is None else at(gallery, now)
    claim = jobs.claim(worker, lease_seconds=LEASE)
    assert claim is not None
    return claim


def use(gallery: Gallery, claim: Claim, entrance: str) -> None:
    """Come with a claim through one of the entrances that need it."""
    if entrance == "renew":
        gallery.jobs.renew(claim, lease_seconds=LEASE, stage="embed", progress=0.5)
    elif entrance == "finish":
        gallery.jobs.finish(claim, state="succeeded", video_id="a" * 32)
    else:
        gallery.jobs.release(claim)


class TestHandingOver:
    def test_a_lease_that_ran_out_passes_on(self, gallery: Gallery, camera: int) -> None:
        job_id = gallery.jobs.file([recording(camera)]).id
        dead = claimed(gallery, "dead")
        gallery.jobs.renew(dead, lease_seconds=LEASE, stage="embed", progress=0.7, counters={"frames": 7})
        assert gallery.jobs.claim("next", lease_seconds=LEASE) is None
        following = claimed(gallery, "next", now=in_seconds(LEASE + 1))
        assert following.recording.id == dead.recording.id
        assert (following.recording.attempts, following.worker) == (2, "next")
        assert (following.recording.progress, following.recording.counters) == (0.0, {})
        assert gallery.jobs.get(job_id).state == "running"

    def test_renewing_keeps_it(self, gallery: Gallery, camera: int) -> None:
        gallery.jobs.file([recording(camera)])
        claim = claimed(gallery)
        gallery.jobs.renew(claim, lease_seconds=10 * LEASE)
        assert at(gallery, in_seconds(9 * LEASE)).claim("next", lease_seconds=LEASE) is None
        assert at(gallery, in_seconds(11 * LEASE)).claim("next", lease_seconds=LEASE) is not None

    def test_a_late_worker_may_go_on_while_nobody_took_over(self, gallery: Gallery, camera: int) -> None:
        job_id = gallery.jobs.file([recording(camera)]).id
        claim = claimed(gallery, now=in_seconds(-1000))
        assert gallery.jobs.renew(claim, lease_seconds=LEASE)
        assert gallery.jobs.claim("next", lease_seconds=LEASE) is None
        gallery.jobs.finish(claim, state="succeeded")
        assert gallery.jobs.get(job_id).state == "succeeded"

    def test_what_kills_its_workers_is_given_up(self, gallery: Gallery, camera: int) -> None:
        job_id = gallery.jobs.file(recordings(camera, 2)).id
        for number in range(MAX_ATTEMPTS):
            claim = claimed(gallery, f"host-{number}", now=in_seconds(number * 100))
            assert claim.recording.number == 0
        other = claimed(gallery, "host-3", now=in_seconds(1000))
        assert other.recording.number == 1  # the next recording is not held up
        failed = gallery.jobs.get(job_id).recordings[0]
        assert failed.state == "failed"
        assert failed.reason is not None
        assert all(f"host-{number}" in failed.reason for number in range(MAX_ATTEMPTS))
        assert failed.finished_at is not None

    def test_giving_up_ends_the_job(self, gallery: Gallery, camera: int) -> None:
        job_id = gallery.jobs.file([recording(camera)]).id
        for number in range(MAX_ATTEMPTS):
            claimed(gallery, f"host-{number}", now=in_seconds(number * 100))
        assert at(gallery, in_seconds(1000)).claim("host-3", lease_seconds=LEASE) is None
        assert gallery.jobs.get(job_id).state == "failed"

    def test_a_cancelled_job_is_not_handed_over(self, gallery: Gallery, camera: int) -> None:
        job_id = gallery.jobs.file([recording(camera)]).id
        claimed(gallery, "dead")
        gallery.jobs.cancel(job_id)
        assert at(gallery, in_seconds(LEASE + 1)).claim("next", lease_seconds=LEASE) is None
        assert gallery.jobs.get(job_id).state == "cancelled"


class TestFence:
    def test_a_worker_that_woke_too_late(
        self, gallery: Gallery, camera: int, subtests: pytest.Subtests
    ) -> None:
        job_id = gallery.jobs.file([recording(camera)]).id
        zombie = claimed(gallery, "zombie", now=in_seconds(-1000))
        heir = claimed(gallery, "heir")
        before = gallery.jobs.get(job_id).recordings
        for entrance in ENTRANCES:
            with subtests.test(entrance=entrance):
                with pytest.raises(LeaseLost, match="zombie"):
                    use(gallery, zombie, entrance)
                assert gallery.jobs.get(job_id).recordings == before
        gallery.jobs.finish(heir, state="succeeded")

    def test_a_worker_that_inherited_from_itself(
        self, gallery: Gallery, camera: int, subtests: pytest.Subtests
    ) -> None:
        gallery.jobs.file([recording(camera)])
        old = claimed(gallery, "same name", now=in_seconds(-1000))
        new = claimed(gallery, "same name")
        for entrance in ENTRANCES:
            with subtests.test(entrance=entrance), pytest.raises(LeaseLost):
                use(gallery, old, entrance)
        gallery.jobs.finish(new, state="succeeded")

    def test_a_lease_under_another_name(
        self, gallery: Gallery, camera: int, subtests: pytest.Subtests
    ) -> None:
        gallery.jobs.file([recording(camera)])
        claim = claimed(gallery)
        for entrance in ENTRANCES:
            with subtests.test(entrance=entrance), pytest.raises(LeaseLost):
                use(gallery, replace(claim, worker="other"), entrance)

    def test_a_recording_that_has_ended(
        self, gallery: Gallery, camera: int, subtests: pytest.Subtests
    ) -> None:
        for state in ("succeeded", "cancelled"):
            gallery.jobs.file([recording(camera)])
            claim = claimed(gallery)
            gallery.jobs.finish(claim, state=state)
            for entrance in ENTRANCES:
                with subtests.test(state=state, entrance=entrance), pytest.raises(LeaseLost):
                    use(gallery, claim, entrance)

    def test_finishing_stands_and_falls_with_the_callers_transaction(
        self, gallery: Gallery, camera: int
    ) -> None:
        job_id = gallery.jobs.file([recording(camera)]).id
        claim = claimed(gallery)

        def commit_and_break() -> None:
            with gallery._database.write() as session:
                session.add(Camera(name="of a failed commit", time_zone="UTC", created_at=in_seconds(0)))
                complete(session, Completion(claim, None, {}), "a" * 32)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            commit_and_break()
        assert gallery.jobs.get(job_id).state == "running"
        with gallery._database.write() as session:
            complete(session, Completion(claim, None, {}), "b" * 32)
        assert gallery.jobs.get(job_id).recordings[0].video_id == "b" * 32

    def test_rows_of_a_zombie_are_rolled_back(self, gallery: Gallery, camera: int) -> None:
        gallery.jobs.file([recording(camera)])
        zombie = claimed(gallery, "zombie", now=in_seconds(-1000))
        claimed(gallery, "heir")

        def commit() -> None:
            with gallery._database.write() as session:
                session.add(Camera(name="the zombie's", time_zone="UTC", created_at=in_seconds(0)))
                complete(session, Completion(zombie, None, {}), "a" * 32)

        with pytest.raises(LeaseLost):
            commit()
        with gallery._database.read() as session:
            assert session.query(Camera).count() == 1


class TestRelease:
    def test_a_released_recording_waits_again(self, gallery: Gallery, camera: int) -> None:
        job_id = gallery.jobs.file([recording(camera)]).id
        gallery.jobs.release(claimed(gallery))
        waiting = gallery.jobs.get(job_id)
        assert (waiting.state, waiting.recordings[0].worker, waiting.recordings[0].started_at) == (
            "queued",
            None,
            None,
        )

    def test_shutting_down_often_is_no_failure(self, gallery: Gallery, camera: int) -> None:
        gallery.jobs.file([recording(camera)])
        for _ in range(2 * MAX_ATTEMPTS):
            gallery.jobs.release(claimed(gallery))
        assert claimed(gallery).recording.attempts == 2 * MAX_ATTEMPTS + 1

    def test_of_a_cancelled_job_ends_it(self, gallery: Gallery, camera: int) -> None:
        job_id = gallery.jobs.file([recording(camera)]).id
        claim = claimed(gallery)
        gallery.jobs.cancel(job_id)
        gallery.jobs.release(claim)
        assert gallery.jobs.get(job_id).state == "cancelled"


class TestHostileWorkers:
    def test_leases(self, gallery: Gallery, camera: int, subtests: pytest.Subtests) -> None:
        for lease in [0.0, -1.0, math.nan, math.inf, 1e9]:
            with subtests.test(lease=lease):
                gallery.jobs.file([recording(camera)])
                with pytest.raises(InvalidInput):
                    gallery.jobs.claim("worker", lease_seconds=lease)
                claim = claimed(gallery)
                with pytest.raises(InvalidInput):
                    gallery.jobs.renew(claim, lease_seconds=lease)

    def test_names(self, gallery: Gallery, subtests: pytest.Subtests) -> None:
        for worker in ["", "a\0b", "\ud800", "x" * 201]:
            with subtests.test(worker=worker), pytest.raises(InvalidInput):
                gallery.jobs.claim(worker, lease_seconds=LEASE)

    def test_progress(self, gallery: Gallery, camera: int, subtests: pytest.Subtests) -> None:
        hostile: list[dict[str, Any]] = [
            {"progress": math.nan},
            {"stage": "\0"},
            {"stage": ""},
            {"stage": "x" * 101},
            {"counters": {"a": math.nan}},
            {"counters": {"\0": 1}},
        ]
        for values in hostile:
            with subtests.test(values=values):
                job_id = gallery.jobs.file([recording(camera)]).id
                claim = claimed(gallery)
                before = gallery.jobs.get(job_id).recordings
                with pytest.raises(InvalidInput):
                    gallery.jobs.renew(claim, lease_seconds=LEASE, **values)
                assert gallery.jobs.get(job_id).recordings == before

    def test_progress_is_kept_within_bounds(
        self, gallery: Gallery, camera: int, subtests: pytest.Subtests
    ) -> None:
        for given, kept in [(-0.1, 0.0), (1.0000001, 1.0), (math.inf, 1.0)]:
            with subtests.test(given=given, kept=kept):
                job_id = gallery.jobs.file([recording(camera)]).id
                gallery.jobs.renew(claimed(gallery), lease_seconds=LEASE, progress=given)
                assert gallery.jobs.get(job_id).recordings[0].progress == kept

    def test_endings(self, gallery: Gallery, camera: int, subtests: pytest.Subtests) -> None:
        hostile: list[dict[str, Any]] = [
            {"state": "running"},
            {"state": "queued"},
            {"state": "partial"},
            {"state": "\0"},
            {"state": "failed"},
            {"state": "failed", "reason": ""},
            {"state": "skipped"},
            {"state": "failed", "reason": "\0"},
            {"state": "succeeded", "video_id": "x" * 33},
            {"state": "succeeded", "counters": {"a": math.inf}},
        ]
        for values in hostile:
            with subtests.test(values=values):
                job_id = gallery.jobs.file([recording(camera)]).id
                claim = claimed(gallery)
                with pytest.raises(InvalidInput):
                    gallery.jobs.finish(claim, **values)
                assert gallery.jobs.get(job_id).state == "running"


def work(gallery: Gallery, worker: str) -> list[tuple[str, int]]:
    """Claim and finish until nothing waits; returns (recording id, attempts) of what was claimed."""
    done = []
    while (claim := gallery.jobs.claim(worker, lease_seconds=LEASE)) is not None:
        done.append((claim.recording.id, claim.recording.attempts))
        gallery.jobs.finish(claim, state="succeeded")
    return done


def work_in_a_process(settings: GallerySettings, worker: str, results: Any) -> None:
    with Gallery.open(settings) as gallery:
        results.put(work(gallery, worker))


class TestRaces:
    def test_threads_claim_each_recording_once(self, gallery: Gallery, camera: int) -> None:
        job_ids = [gallery.jobs.file(recordings(camera, 15)).id for _ in range(4)]
        start = threading.Barrier(6)

        def run(number: int) -> list[tuple[str, int]]:
            start.wait()
            return work(gallery, f"thread-{number}")

        with ThreadPoolExecutor(6) as pool:
            claims = [claim for done in pool.map(run, range(6)) for claim in done]
        filed = {r.id for job_id in job_ids for r in gallery.jobs.get(job_id).recordings}
        assert Counter(claims) == Counter({(id_, 1): 1 for id_ in filed})
        assert {gallery.jobs.get(job_id).state for job_id in job_ids} == {"succeeded"}

    def test_processes_claim_each_recording_once(
        self, gallery: Gallery, gallery_settings: GallerySettings, camera: int
    ) -> None:
        job_id = gallery.jobs.file(recordings(camera, 40)).id
        context = multiprocessing.get_context("spawn")
        results = context.Queue()
        processes = [
            context.Process(target=work_in_a_process, args=(gallery_settings, f"process-{number}", results))
            for number in range(3)
        ]
        for process in processes:
            process.start()
        claims = [claim for _ in processes for claim in results.get(timeout=PATIENCE)]
        for process in processes:
            process.join(timeout=PATIENCE)
        filed = {r.id for r in gallery.jobs.get(job_id).recordings}
        assert Counter(claims) == Counter({(id_, 1): 1 for id_ in filed})

    def test_a_lease_that_ran_out_is_taken_once(self, gallery: Gallery, camera: int) -> None:
        gallery.jobs.file(recordings(camera, 8))
        for number in range(8):
            claimed(gallery, f"dead-{number}")
        start = threading.Barrier(6)

        def run(number: int) -> list[str]:
            start.wait()
            taken = []
            later = at(gallery, in_seconds(LEASE + 1))
            while (claim := later.claim(f"heir-{number}", lease_seconds=LEASE)) is not None:
                taken.append(claim.recording.id)
            return taken

        with ThreadPoolExecutor(6) as pool:
            taken = [id_ for ids in pool.map(run, range(6)) for id_ in ids]
        assert len(taken) == len(set(taken)) == 8

    def test_cancelling_while_workers_claim_and_release(self, gallery: Gallery, camera: int) -> None:
        """Nothing may be left waiting in a job that was cancelled, whatever the workers were doing."""
        job_ids = [gallery.jobs.file(recordings(camera, 5)).id for _ in range(4)]
        stop = threading.Event()

        def run(number: int) -> None:
            while not stop.is_set():
                claim = gallery.jobs.claim(f"worker-{number}", lease_seconds=LEASE)
                if claim is not None:
                    take_time(0.001)
                    gallery.jobs.release(claim)

        with ThreadPoolExecutor(4) as pool:
            workers = [pool.submit(run, number) for number in range(4)]
            try:
                take_time(0.05)
                for job_id in job_ids:
                    gallery.jobs.cancel(job_id)
            finally:
                take_time(0.05)
                stop.set()
            for worker in workers:
                worker.result(timeout=PATIENCE)
        assert {gallery.jobs.get(job_id).state for job_id in job_ids} == {"cancelled"}

    def test_releasing_while_the_job_is_being_cancelled(self, postgres_settings: GallerySettings) -> None:
        with Gallery.open(postgres_settings) as gallery:
            job_id = gallery.jobs.file([recording(add_camera(gallery._database))]).id
            claim = claimed(gallery)
            with ThreadPoolExecutor(1) as pool:
                with gallery._database.write() as session:
                    session.get_one(Job, job_id).cancel_requested = True
                    session.flush()
                    release = pool.submit(gallery.jobs.release, claim)
                    take_time(0.2)  # it reaches the job's row, and has to wait for us
                release.result(timeout=PATIENCE)
            assert gallery.jobs.get(job_id).state == "cancelled"

    def test_a_row_that_is_being_taken_holds_nobody_up(self, postgres_settings: GallerySettings) -> None:
        with Gallery.open(postgres_settings) as gallery:
            gallery.jobs.file(recordings(add_camera(gallery._database), 2))
            claim = claimed(gallery, now=in_seconds(-1000))
            with gallery._database.write() as session:
                complete(session, Completion(claim, None, {}), "a" * 32)  # not committed yet
                with ThreadPoolExecutor(1) as pool:
                    other = pool.submit(gallery.jobs.claim, "other", lease_seconds=LEASE).result(
                        timeout=PATIENCE
                    )
            assert other is not None
            assert other.recording.number == 1


def test_a_worker_whose_clock_is_an_hour_off(
    gallery: Gallery, camera: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leases are compared with the clock of the database alone."""

    class Off(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Off":
            return cls.fromtimestamp(time.time() + 3600, tz)

    job_id = gallery.jobs.file([recording(camera)]).id
    assert gallery.jobs.claim("right", lease_seconds=600) is not None
    monkeypatch.setattr(leases, "datetime", Off)
    assert gallery.jobs.claim("an hour late", lease_seconds=600) is None
    started = gallery.jobs.get(job_id).recordings[0].started_at
    assert started is not None
    assert abs((datetime.now(UTC) - started).total_seconds()) < 600


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("{path}: Permission denied", "{name}: Permission denied"),
        (
            "[Errno 28] No space left on device: '/srv/data/staging/0f/rows'",
            "[Errno 28] No space left on device: 'rows'",
        ),
        ("cannot open /srv/other/b.mp4 (is it there?)", "cannot open b.mp4 (is it there?)"),
        ("4/5 frames lost at 1/25 s; and/or damaged", "4/5 frames lost at 1/25 s; and/or damaged"),
    ],
)
def test_a_reason_names_no_folder_of_the_server(
    gallery: Gallery, camera: int, reason: str, said: str
) -> None:
    job_id = gallery.jobs.file([recording(camera)]).id
    claim = claimed(gallery)
    names = {"path": claim.recording.path, "name": claim.recording.file_name}
    gallery.jobs.finish(claim, state="failed", reason=reason.format(**names))
    assert gallery.jobs.get(job_id).recordings[0].reason == said.format(**names)
