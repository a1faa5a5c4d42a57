"""Recordings that were filed and are not in the gallery: what a search could not look at."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from gallery.jobs.state import CANCELLED, FAILED, QUEUED, RUNNING
from gallery.records.jobs import JobKind
from gallery.sql.tables import Job, JobRecording, Video


def find(
    session: Session, camera_ids: Collection[int] | None, before: datetime | None, limit: int
) -> list[JobRecording]:
    """Find recordings that wait, are being worked on, or failed; the newest first.

    One that failed and was filed again is told by its last filing only.
    """
    query = select(JobRecording).join(Job, Job.id == JobRecording.job_id).where(Job.kind == JobKind.INDEX)
    query = query.where(JobRecording.state.in_([QUEUED, RUNNING, FAILED]))
    if camera_ids is not None:
        query = query.where(JobRecording.camera_id.in_([i for i in camera_ids if 0 < i < 2**31]))
    if before is not None:
        query = query.where(JobRecording.start_time < before)
    found = session.scalars(query.order_by(JobRecording.id.desc()).limit(limit)).all()
    last = _last_filings(session, [recording.path for recording in found if recording.state == FAILED])
    return [one for one in found if one.state != FAILED or last[one.path] == one.id]


def needs(session: Session, path: str) -> bool:
    """Tell whether a recording at this path waits, is being worked on, or is what a video plays from."""
    waits = select(JobRecording.id).where(
        JobRecording.path == path, JobRecording.state.in_([QUEUED, RUNNING])
    )
    plays = select(Video.id).where(Video.path == path)
    return bool(session.scalar(select(or_(waits.exists(), plays.exists()))))


def _last_filings(session: Session, paths: Sequence[str]) -> dict[str, str]:
    """The last filing of each path that was not cancelled; ids grow with time."""
    if not paths:
        return {}
    query = (
        select(JobRecording.path, func.max(JobRecording.id))
        .join(Job, Job.id == JobRecording.job_id)
        .where(Job.kind == JobKind.INDEX, JobRecording.path.in_(paths), JobRecording.state != CANCELLED)
        .group_by(JobRecording.path)
    )
    return dict(session.execute(query).all())
