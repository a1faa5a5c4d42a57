"""Counts what a gallery holds and how its jobs stand, for those who watch over it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from gallery.jobs.leases import current_time
from gallery.jobs.state import QUEUED, RECORDING_STATES, RUNNING
from gallery.records.figures import Figures, KindFigures
from gallery.records.jobs import JobKind
from gallery.sql.changes import current_change
from gallery.sql.tables import Job, JobRecording, Probe, Segment, Video


def figures(session: Session) -> Figures:
    """Count, in one reading transaction; a few milliseconds for a hundred thousand recordings."""
    videos, tracklets = session.execute(
        select(func.count(), func.coalesce(func.sum(Video.tracklet_count), 0)).select_from(Video)
    ).one()
    segments, vectors, clips = session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(Segment.tracklet_count), 0),
            func.coalesce(func.sum(Segment.clip_count), 0),
        ).select_from(Segment)
    ).one()
    now = current_time(session)
    holding = select(func.count(JobRecording.worker.distinct())).where(
        JobRecording.state == RUNNING, JobRecording.lease_until >= now
    )
    return Figures(
        change=current_change(session),
        videos=videos,
        tracklets=int(tracklets),
        probes=session.execute(select(func.count()).select_from(Probe)).scalar_one(),
        segments=segments,
        tracklet_vectors=int(vectors),
        clip_vectors=int(clips),
        workers=session.execute(holding).scalar_one(),
        jobs=_jobs(session, now),
    )


def _jobs(session: Session, now: datetime) -> dict[JobKind, KindFigures]:
    """All recordings of jobs, counted in one pass."""
    late = case((JobRecording.lease_until < now, 1), else_=0)
    query = (
        select(
            *(Job.kind, JobRecording.state, func.count(), func.min(Job.created_at)),
            *(func.min(JobRecording.started_at), func.avg(JobRecording.progress), func.sum(late)),
        )
        .join(Job, Job.id == JobRecording.job_id)
        .group_by(Job.kind, JobRecording.state)
    )
    rows = {(kind, state): rest for kind, state, *rest in session.execute(query)}
    return {kind: _of_kind(kind, rows, now) for kind in JobKind}


def _of_kind(kind: JobKind, rows: Mapping[tuple[str, str], Sequence[Any]], now: datetime) -> KindFigures:
    nothing = (0, None, None, None, 0)
    _, filed, *_ = rows.get((kind, QUEUED), nothing)
    _, _, begun, progress, overdue = rows.get((kind, RUNNING), nothing)
    return KindFigures(
        states={state: rows.get((kind, state), nothing)[0] for state in sorted(RECORDING_STATES)},
        oldest_queued_seconds=_seconds(filed, now),
        oldest_running_seconds=_seconds(begun, now),
        progress=float(progress or 0.0),
        overdue=int(overdue),
    )


def _seconds(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since is not None else 0.0
