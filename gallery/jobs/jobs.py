"""Jobs: requests for work that takes long, which workers lease one recording at a time."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gallery.errors import InvalidInput, KeyReused
from gallery.jobs import filing as job_filing
from gallery.jobs import leases, model_jobs, outbox, reading, unindexed
from gallery.jobs.ending import ended_values
from gallery.jobs.filing import Filed
from gallery.jobs.state import CANCELLED, ENDED, FAILED, QUEUED, RUNNING
from gallery.records.jobs import (
    AdaptOptions,
    Claim,
    JobInfo,
    JobKind,
    NewRecording,
    ReindexOptions,
)
from gallery.sql.chain import add_event
from gallery.sql.database import Database
from gallery.sql.sight import ALL, Sight
from gallery.sql.tables import Job, JobRecording
from gallery.validation import json_object, known_id, optional_text, text

MAX_LISTED = 100
_LONGEST_LEASE = 86400.0  # seconds


class Jobs:
    """The jobs and their recordings.

    Args:
        database: where they are kept.
        clock: the time, within a transaction, that jobs are filed and leased by; the database's by default.
        sight: a job is seen if all its recordings are of cameras that are; other videos are not named.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[Session], datetime] = leases.current_time,
        sight: Sight = ALL,
    ) -> None:
        self._database = database
        self._clock = clock
        self._sight = sight

    def file(
        self,
        recordings: Sequence[NewRecording],
        *,
        key_id: str | None = None,
        idempotency_key: str | None = None,
        request_hash: str = "",
    ) -> JobInfo:
        """File a job.

        A request sent again with the same `idempotency_key` by the same `key_id` gets the job it got the
        first time. `request_hash` says what "the same request" means; without it, the recordings do.

        Raises:
            InvalidInput: no or too many recordings, one path twice, or a value that cannot be stored.
            NotFound: no such camera.
            Conflict: the idempotency key was used for another request.
        """
        rows = job_filing.new_rows(recordings)

        def insert(session: Session, job_id: str) -> None:
            wanted = {row.camera_id for row in rows if row.camera_id is not None}
            job_filing.require_cameras(session, wanted, self._sight)
            for row in rows:
                row.job_id = job_id
            session.add_all(rows)
            session.flush()

        told = {"recordings": len(rows)}
        filed = Filed(JobKind.INDEX, {}, insert, request_hash or job_filing.fingerprint(rows), told)
        return self.file_as(filed, key_id, idempotency_key)

    def record_failure(
        self, recording: NewRecording, reason: str, *, counters: Mapping[str, Any] | None = None
    ) -> JobInfo:
        """Record that a recording could not be indexed without a job, as a job that failed.

        So a search says that it was not looked at, until the recording is indexed after all.

        Raises:
            InvalidInput: a value that cannot be stored.
            NotFound: no such camera.
        """
        (row,) = job_filing.new_rows([recording])
        for name, value in ended_values(recording, FAILED, reason, None, counters or {}).items():
            setattr(row, name, value)

        def insert(session: Session, job_id: str) -> None:
            job_filing.require_cameras(session, {recording.camera_id})
            row.job_id, row.state = job_id, FAILED
            row.started_at = row.finished_at = self._clock(session)
            session.add(row)
            session.flush()

        return self.file_as(Filed(JobKind.INDEX, {}, insert, job_filing.fingerprint([row]), None), None, None)

    def file_reindex(
        self,
        options: ReindexOptions,
        *,
        camera_ids: Collection[int] | None = None,
        key_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> JobInfo:
        """File a job that gives the recordings of the gallery, or of these cameras, a model's features.

        Raises:
            InvalidInput: a value that cannot be stored.
            NotFound: no such camera.
            Conflict: they all have them, or the idempotency key was used for another request.
        """

        def insert(session: Session, job_id: str) -> None:
            model_jobs.insert_videos(session, job_id, options.model_id, camera_ids)

        chosen = None if camera_ids is None else sorted(set(camera_ids))
        values = model_jobs.reindex_options(options)
        told = {"kind": JobKind.REINDEX, **values, "camera_ids": chosen}
        filed = Filed(JobKind.REINDEX, values, insert, job_filing.hash_of([values, chosen]), told)
        return self.file_as(filed, key_id, idempotency_key)

    def file_adapt(
        self, options: AdaptOptions, *, key_id: str | None = None, idempotency_key: str | None = None
    ) -> JobInfo:
        """File a job that adapts a model to the cameras of the gallery.

        Raises:
            InvalidInput: an option is out of range.
            NotFound: no such camera.
            Conflict: the idempotency key was used for another request.
        """

        def insert(session: Session, job_id: str) -> None:
            model_jobs.insert_adaptation(session, job_id, options)

        values = model_jobs.adapt_options(options)
        told = {"kind": JobKind.ADAPT, **values}
        filed = Filed(JobKind.ADAPT, values, insert, job_filing.hash_of(values), told)
        return self.file_as(filed, key_id, idempotency_key)

    @staticmethod
    def check_adapt(options: AdaptOptions) -> None:
        """Raise InvalidInput for options that no adaptation can have."""
        model_jobs.adapt_options(options)

    def file_as(self, filed: Filed, key_id: str | None, idempotency_key: str | None) -> JobInfo:
        """File a job, or find the one that the same request filed; raises Conflict and what `insert` does."""
        token = job_filing.idempotency_token(key_id, idempotency_key)
        request_hash = text(filed.request_hash, "request hash", longest=64)
        if (before := self._filed_before(token, request_hash)) is not None:
            return before
        try:
            with self._database.write() as session:
                job = Job(
                    id=job_filing.growing_id(),
                    kind=filed.kind,
                    options=filed.options,
                    key_id=key_id,
                    idempotency_key=token,
                    request_hash=request_hash,
                    cancel_requested=False,
                    created_at=self._clock(session),
                )
                session.add(job)
                session.flush()
                filed.insert(session, job.id)
                if filed.told is not None:
                    add_event(session, filed.action, key_id=key_id, subject=job.id, detail=filed.told)
                return reading.job_info(session, job, job.id, self._sight)
        except IntegrityError:
            # The same request, sent twice at once: the other one was filed between our look and our insert.
            if (before := self._filed_before(token, request_hash)) is None:
                raise
            return before

    def get(self, job_id: str) -> JobInfo:
        """Return a job with its recordings.

        Raises:
            NotFound: no such job.
        """
        with self._database.read() as session:
            return reading.job_info(session, session.get(Job, known_id(job_id, "job")), job_id, self._sight)

    def list(
        self, *, limit: int = 50, after: str | None = None, kinds: Collection[JobKind] = tuple(JobKind)
    ) -> Sequence[JobInfo]:
        """List jobs of these kinds newest first, without their recordings.

        `after` is the id of the last one seen.

        Raises:
            InvalidInput: `limit` is out of range.
            NotFound: `after` is no id.
        """
        require_page(limit)
        query = select(Job).where(Job.kind.in_(kinds), *reading.seen_jobs(self._sight))
        query = query.order_by(Job.id.desc()).limit(limit)
        if after is not None:
            query = query.where(Job.id < known_id(after, "job"))
        with self._database.read() as session:
            jobs = session.scalars(query).all()
            progress = reading.progress_of(session, [job.id for job in jobs])
            now = self._clock(session)
            return [reading.job_summary(job, progress[job.id], now) for job in jobs]

    def needs(self, path: str) -> bool:
        """Tell whether the file at this path is still needed: to be indexed, or to play a video from."""
        with self._database.read() as session:
            return unindexed.needs(session, path)

    def cancel(self, job_id: str, *, key_id: str | None = None) -> JobInfo:
        """Cancel a job: what waits is cancelled at once, what runs stops at its next renewal.

        A job that has ended stays as it is, and nothing is recorded.

        Raises:
            NotFound: no such job.
        """
        with self._database.write() as session:
            job = session.get(Job, known_id(job_id, "job"), with_for_update=True)
            reading.job_info(session, job, job_id, self._sight)  # or NotFound
            assert job is not None
            now = self._clock(session)
            mine = JobRecording.job_id == job.id
            if session.scalar(select(JobRecording.id).where(mine, JobRecording.state.not_in(ENDED)).limit(1)):
                job.cancel_requested = True
                session.execute(
                    update(JobRecording)
                    .where(mine, JobRecording.state.in_([QUEUED, RUNNING]))
                    .where(or_(JobRecording.state == QUEUED, JobRecording.lease_until < now))
                    .values(
                        state=CANCELLED,
                        reason=leases.ON_REQUEST,
                        lease_until=None,
                        stage=None,
                        finished_at=now,
                    )
                    .execution_options(synchronize_session=False)
                )
                outbox.leave(session, job.id, now)
                add_event(session, "job.cancel", key_id=key_id, subject=job.id)
            return reading.job_info(session, job, job_id, self._sight)

    def claim(
        self, worker: str, *, lease_seconds: float, kinds: Collection[JobKind] = tuple(JobKind)
    ) -> Claim | None:
        """Lease the recording that has waited longest to `worker`, or return None when nothing waits.

        Jobs of other kinds than `kinds` are left for other workers.

        A recording whose lease ran out is handed over; after `leases.MAX_ATTEMPTS` workers were lost on it,
        it fails with their names as the reason. `worker` must be unique among living workers.

        Raises:
            InvalidInput: bad worker name or lease.
        """
        text(worker, "worker name", longest=200)
        lease = _lease_time(lease_seconds)
        with self._database.read() as session:
            # Idle workers ask often; without this each question would take SQLite's write lock.
            if not leases.anything_claimable(session, self._clock(session), kinds):
                return None
        with self._database.write() as session:
            return leases.take(session, worker, lease, self._clock(session), kinds)

    def renew(
        self,
        claim: Claim,
        *,
        lease_seconds: float,
        stage: str | None = None,
        progress: float = 0.0,
        counters: Mapping[str, Any] | None = None,
    ) -> bool:
        """Prolong a lease and report progress (0..1); return False when the job is to be cancelled.

        Raises:
            LeaseLost: the recording was handed over, ended or cancelled; drop the work.
            InvalidInput: a value that cannot be stored.
        """
        if math.isnan(progress):
            raise InvalidInput("progress is not a number")
        values: dict[str, Any] = {
            "stage": optional_text(stage, "stage", longest=100),
            "progress": min(1.0, max(0.0, progress)),
            "counters": json_object(counters or {}, "counters"),
        }
        lease = _lease_time(lease_seconds)
        with self._database.write() as session:
            values["lease_until"] = self._clock(session) + lease
            return leases.renew(session, claim, values)

    def release(self, claim: Claim) -> None:
        """Put a claimed recording back into the queue, for a worker that shuts down.

        Raises:
            LeaseLost: the recording was handed over, ended or cancelled.
        """
        with self._database.write() as session:
            leases.give_back(session, claim)

    def finish(
        self,
        claim: Claim,
        *,
        state: str,
        reason: str | None = None,
        video_id: str | None = None,
        counters: Mapping[str, Any] | None = None,
    ) -> None:
        """End a claimed recording: succeeded, skipped, failed or cancelled.

        One that succeeds with a new video is ended by the commit of that video (see VideoWriter.commit).

        Raises:
            LeaseLost: the recording was handed over, ended or cancelled; nothing was changed.
            InvalidInput: not a final state, or skipped or failed without a reason.
        """
        values = ended_values(claim.recording, state, reason, video_id, counters)
        with self._database.write() as session:
            leases.end(session, claim, state, values)

    def filed(self, key_id: str | None, idempotency_key: str | None, request_hash: str) -> JobInfo | None:
        """The job that the same request filed before; None if there is none.

        Raises:
            Conflict: the idempotency key was used for another request.
        """
        return self._filed_before(job_filing.idempotency_token(key_id, idempotency_key), request_hash)

    def _filed_before(self, token: str | None, request_hash: str) -> JobInfo | None:
        if token is None:
            return None
        with self._database.read() as session:
            job = session.scalar(select(Job).where(Job.idempotency_key == token))
            if job is None:
                return None
            if job.request_hash != request_hash:
                raise KeyReused("the idempotency key was used for another request")
            return reading.job_info(session, job, job.id, self._sight)


def require_page(limit: int) -> None:
    """Raise InvalidInput for a page of a list that is too long or too short."""
    if not 1 <= limit <= MAX_LISTED:
        raise InvalidInput(f"limit must be 1 to {MAX_LISTED}, not {limit}")


def _lease_time(seconds: float) -> timedelta:
    if not 0 < seconds <= _LONGEST_LEASE:
        raise InvalidInput(f"a lease lasts up to {_LONGEST_LEASE:.0f} seconds, not {seconds}")
    return timedelta(seconds=seconds)
