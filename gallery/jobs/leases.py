"""Leases on the recordings of jobs, within a caller's transaction.

A worker holds a recording for a while and renews that lease as it goes; when it dies the lease runs out and
another worker takes over. `attempts` counts the leases of a recording, so (worker, attempts) names one lease,
and whatever comes from a worker whose lease was handed over is refused.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from gallery.errors import LeaseLost
from gallery.jobs import outbox
from gallery.jobs.state import CANCELLED, FAILED, QUEUED, RUNNING
from gallery.records.jobs import Claim, JobKind, RecordingInfo
from gallery.sql.base import UtcDateTime
from gallery.sql.copying import copied
from gallery.sql.tables import Job, JobRecording

MAX_ATTEMPTS = 3  # leases that may run out before a recording is given up: it may be what kills the workers
ON_REQUEST = "cancelled on request"
_URGENCY: Final[Mapping[str, int]] = {JobKind.INDEX: 0, JobKind.REINDEX: 1, JobKind.ADAPT: 2}


def current_time(session: Session) -> datetime:
    """The database's clock: leases are compared with nothing else, whatever time a worker believes it is."""
    if session.get_bind().dialect.name == "postgresql":
        return session.execute(select(func.clock_timestamp(type_=UtcDateTime()))).scalar_one()
    now: str = session.execute(select(func.strftime("%Y-%m-%d %H:%M:%f", "now"))).scalar_one()
    return datetime.fromisoformat(now).replace(tzinfo=UTC)


def anything_claimable(session: Session, now: datetime, kinds: Collection[JobKind]) -> bool:
    """Say whether `take` has something to look at; cheap, and takes no lock."""
    query = select(JobRecording.id).join(Job, Job.id == JobRecording.job_id)
    query = query.where(_claimable(now), Job.kind.in_(kinds))
    return session.scalar(query.limit(1)) is not None


def take(
    session: Session, worker: str, lease: timedelta, now: datetime, kinds: Collection[JobKind]
) -> Claim | None:
    """Lease the recording that has waited longest in a job of these kinds, of the key whose turn it is.

    What nobody can lease any more is settled on the way.

    New recordings come first, however long others have waited: until they are indexed no search finds them.
    Keys take turns, so that one that files a thousand recordings does not hold up the one of another.

    PostgreSQL skips rows that another worker is taking right now; on SQLite the caller's transaction holds
    the write lock.
    """
    for kind, key_id in _turns(session, now, kinds):
        taken = _take_of(session, kind, key_id, worker, lease, now)
        if taken is not None:
            return taken
    return None


def _turns(session: Session, now: datetime, kinds: Collection[JobKind]) -> list[tuple[str, str | None]]:
    """Kinds of jobs and keys of which something waits: the urgent first, then whose turn was longest ago."""
    joined = select(Job.kind, Job.key_id, func.min(Job.id)).join(JobRecording, Job.id == JobRecording.job_id)
    query = joined.where(_claimable(now), Job.kind.in_(kinds)).group_by(Job.kind, Job.key_id)
    waiting = session.execute(query).all()
    begun: dict[str | None, datetime] = {}
    if len(waiting) > 1:
        last = select(Job.key_id, func.max(JobRecording.started_at)).join(
            JobRecording, Job.id == JobRecording.job_id
        )
        last = last.where(JobRecording.started_at.is_not(None)).group_by(Job.key_id)
        begun = {key_id: at for key_id, at in session.execute(last) if at is not None}
    never = datetime.min.replace(tzinfo=UTC)
    waiting = sorted(waiting, key=lambda row: (_URGENCY[row[0]], begun.get(row[1], never), row[2]))
    return [(kind, key_id) for kind, key_id, _ in waiting]


def _take_of(  # noqa: PLR0917  (a turn, and a lease)
    session: Session, kind: str, key_id: str | None, worker: str, lease: timedelta, now: datetime
) -> Claim | None:
    """Lease the recording of a key that has waited longest in a job of a kind."""
    query = (
        select(JobRecording, Job)
        .join(Job, Job.id == JobRecording.job_id)
        .where(_claimable(now), Job.kind == kind, Job.key_id.is_not_distinct_from(key_id))
        .order_by(JobRecording.job_id, JobRecording.number)  # job ids grow with time
        .limit(1)
        .with_for_update(of=JobRecording, skip_locked=True)
    )
    while (found := session.execute(query).one_or_none()) is not None:
        row, job = found
        if row.state == RUNNING:
            row.lost_workers = [*row.lost_workers, row.worker]
        lost = len(row.lost_workers)
        if job.cancel_requested or lost >= MAX_ATTEMPTS:
            if not outbox.enter(session, job.id, wait=False):
                session.expire(row)  # who holds the job may wait for this row: the next claim settles it
                return None
            names = ", ".join(row.lost_workers)
            given_up = FAILED, f"given up: {lost} workers died on it or hung: {names}"
            state, reason = (CANCELLED, ON_REQUEST) if job.cancel_requested else given_up
            settle(row, state, reason, now)
            outbox.leave(session, job.id, now)
        else:
            _lease(row, worker, now + lease, now)
            session.flush()
            recording = copied(RecordingInfo, row)
            return Claim(recording, row.job_id, worker, JobKind(job.kind), job.options)
        session.flush()
    return None


def renew(session: Session, claim: Claim, values: Mapping[str, Any]) -> bool:
    """Write progress and the new end of the lease; False when the job is to be cancelled.

    Raises:
        LeaseLost: the recording is no longer this worker's.
    """
    _change_own(session, claim, values)
    return not session.execute(select(Job.cancel_requested).where(Job.id == claim.job_id)).scalar_one()


def end(session: Session, claim: Claim, state: str, values: Mapping[str, Any]) -> None:
    """Bring the recording to its final state.

    Raises:
        LeaseLost: the recording is no longer this worker's.
    """
    outbox.enter(session, claim.job_id)
    now = current_time(session)
    ended = {"state": state, "lease_until": None, "stage": None, "finished_at": now}
    _change_own(session, claim, {**ended, **values})
    outbox.leave(session, claim.job_id, now)


def give_back(session: Session, claim: Claim) -> None:
    """Put the recording back into the queue, or cancel it if its job was cancelled.

    Raises:
        LeaseLost: the recording is no longer this worker's.
    """
    # The job's row is locked so that a cancellation cannot pass between reading it and queueing the
    # recording.
    job = session.get_one(Job, claim.job_id, with_for_update=True)
    if job.cancel_requested:
        end(session, claim, CANCELLED, {"reason": ON_REQUEST})
        return
    _change_own(
        session,
        claim,
        {
            "state": QUEUED,
            "worker": None,
            "lease_until": None,
            "stage": None,
            "progress": 0.0,
            "counters": {},
            "started_at": None,
        },
    )


def settle(row: JobRecording, state: str, reason: str, now: datetime) -> None:
    """End a recording that no worker holds."""
    row.state = state
    row.reason = reason
    row.lease_until = None
    row.stage = None
    row.finished_at = now


def _claimable(now: datetime) -> ColumnElement[bool]:
    ran_out = and_(JobRecording.state == RUNNING, JobRecording.lease_until < now)
    return or_(JobRecording.state == QUEUED, ran_out)


def _lease(row: JobRecording, worker: str, until: datetime, now: datetime) -> None:
    row.state = RUNNING
    row.worker = worker
    row.attempts += 1
    row.lease_until = until
    row.stage = None
    row.progress = 0.0
    row.counters = {}
    row.started_at = now


def _change_own(session: Session, claim: Claim, values: Mapping[str, Any]) -> None:
    """Change the claimed row if, and only if, the claim still holds."""
    recording = claim.recording
    own = (
        update(JobRecording)
        .where(
            JobRecording.id == recording.id,
            JobRecording.state == RUNNING,
            JobRecording.worker == claim.worker,
            JobRecording.attempts == recording.attempts,
        )
        .values(dict(values))
        .returning(JobRecording.id)
        .execution_options(synchronize_session=False)
    )
    if session.execute(own).one_or_none() is None:
        raise LeaseLost(
            f"recording {recording.id} is no longer held by {claim.worker} (lease {recording.attempts})"
        )
