"""Jobs as they stand, read within a caller's transaction."""

from collections.abc import Sequence, Set
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from gallery.errors import NotFound
from gallery.jobs import leases
from gallery.jobs.state import SKIPPED, RecordingProgress, job_eta, job_progress, job_state
from gallery.records.jobs import JobInfo, JobKind, RecordingInfo
from gallery.sql.copying import copied
from gallery.sql.sight import ALL, Sight
from gallery.sql.tables import Job, JobRecording, Video

ELSEWHERE: Final = "the recording is in the gallery already"


def seen_jobs(sight: Sight) -> list[ColumnElement[bool]]:
    """The conditions under which jobs are seen: none has a recording that is out of sight."""
    if not sight.limited:
        return []
    hidden = or_(JobRecording.camera_id.is_(None), *(~one for one in sight.among(JobRecording.camera_id)))
    return [~select(JobRecording.id).where(JobRecording.job_id == Job.id, hidden).exists()]


def job_info(session: Session, job: Job | None, job_id: str, sight: Sight = ALL) -> JobInfo:
    """Return a job with its recordings, or raise NotFound when there is no row, or it is out of sight."""
    if job is None:
        raise NotFound(f"no job {job_id}")
    query = select(JobRecording).where(JobRecording.job_id == job.id).order_by(JobRecording.number)
    rows = session.scalars(query).all()
    for row in rows:
        sight.require(row.camera_id, f"no job {job_id}")
    found = summary_of(job, rows, leases.current_time(session))
    if not sight.limited:
        return found
    ids = [row.video_id for row in rows if row.video_id is not None]
    known = set(session.scalars(select(Video.id).where(Video.id.in_(ids), *sight.among(Video.camera_id))))
    return replace(found, recordings=[_without_hidden(one, known) for one in found.recordings])


def _without_hidden(recording: RecordingInfo, known: Set[str]) -> RecordingInfo:
    """A recording that turned out to be a video that is out of sight does not say which."""
    if recording.video_id is None or recording.video_id in known:
        return recording
    reason = ELSEWHERE if recording.state == SKIPPED else recording.reason
    return replace(recording, video_id=None, reason=reason, counters={})


def progress_of(session: Session, job_ids: Sequence[str]) -> dict[str, list[RecordingProgress]]:
    """Return the progress of the recordings of several jobs, in one query."""
    query = select(
        JobRecording.job_id,
        JobRecording.state,
        JobRecording.progress,
        JobRecording.started_at,
        JobRecording.finished_at,
    ).where(JobRecording.job_id.in_(job_ids))
    progress: dict[str, list[RecordingProgress]] = {job_id: [] for job_id in job_ids}
    for job_id, state, done, started_at, finished_at in session.execute(query):
        progress[job_id].append(RecordingProgress(state, done, started_at, finished_at))
    return progress


def summary_of(job: Job, rows: Sequence[JobRecording], now: datetime) -> JobInfo:
    """Make the record of a job from its rows."""
    progress = [RecordingProgress(r.state, r.progress, r.started_at, r.finished_at) for r in rows]
    return job_summary(job, progress, now, [copied(RecordingInfo, row) for row in rows])


def job_summary(
    job: Job, progress: Sequence[RecordingProgress], now: datetime, recordings: Sequence[RecordingInfo] = ()
) -> JobInfo:
    """Make the record of a job; its recordings only if they are given."""
    return JobInfo(
        id=job.id,
        kind=JobKind(job.kind),
        options=job.options,
        key_id=job.key_id,
        state=job_state([r.state for r in progress]),
        progress=job_progress(progress),
        eta_seconds=job_eta(progress, now),
        cancel_requested=job.cancel_requested,
        created_at=job.created_at,
        recordings=recordings,
    )
