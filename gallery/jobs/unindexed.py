"""Recordings that were filed and are not in the gallery: what a search could not look at."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from sqlalchemy import Row, func, or_, select
from sqlalchemy.orm import Session

from gallery.jobs.state import CANCELLED, FAILED, QUEUED, RUNNING
from gallery.records.coverage import FiledState, Unindexed
from gallery.records.jobs import EXPECTED_SECONDS, JobKind, Outlived
from gallery.sql.database import batches
from gallery.sql.sight import ALL, Sight
from gallery.sql.tables import Job, JobRecording, Video

_STATES: Final[Mapping[str, FiledState]] = {RUNNING: "being_indexed", QUEUED: "waiting", FAILED: "failed"}
_LONGEST_SECONDS: Final = 7 * 24 * 3600  # that a header is believed; a damaged one may say anything
_AT_ONCE: Final = 10_000  # paths that one query asks for


def by_camera(
    session: Session,
    camera_ids: Collection[int] | None,
    start: datetime | None,
    end: datetime | None,
    sight: Sight = ALL,
) -> dict[int, list[Unindexed]]:
    """Find recordings that wait, are being worked on, or failed, by camera and start.

    A path that was filed again, or indexed since, is told by that only. A recording of unknown length lasts
    until the next of its camera begins, as cameras write one file after the other.

    Args:
        session: to ask.
        camera_ids: of these cameras only.
        start, end: those that could have pictures in [start, end) only.
        sight: what became of a path elsewhere is not known here.
    """
    found: defaultdict[int, list[Unindexed]] = defaultdict(list)
    rows = _rows(session, camera_ids, sight)
    begins: defaultdict[int, list[datetime]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.start_time):
        begins[row.camera_id].append(row.start_time)
    for row in rows:
        one = _unindexed(row, begins[row.camera_id])
        if (end is None or one.start < end) and (start is None or one.end is None or one.end > start):
            found[row.camera_id].append(one)
    return {camera: sorted(these, key=lambda one: one.start) for camera, these in found.items()}


def needs(session: Session, path: str) -> bool:
    """Tell whether a recording at this path waits, is being worked on, or is what a video plays from."""
    waits = select(JobRecording.id).where(
        JobRecording.path == path, JobRecording.state.in_([QUEUED, RUNNING])
    )
    plays = select(Video.id).where(Video.path == path)
    return bool(session.scalar(select(or_(waits.exists(), plays.exists()))))


def _rows(session: Session, camera_ids: Collection[int] | None, sight: Sight) -> Sequence[Row[Any]]:
    """What is filed, without what was filed again or indexed since; the columns that are told."""
    following = (
        select(func.min(Video.start_time))
        .where(Video.camera_id == JobRecording.camera_id, Video.start_time > JobRecording.start_time)
        .scalar_subquery()
    )
    query = (
        select(
            *(JobRecording.id, JobRecording.camera_id, JobRecording.path, JobRecording.file_name),
            *(JobRecording.start_time, JobRecording.state, JobRecording.reason, JobRecording.progress),
            *(JobRecording.counters, JobRecording.finished_at),
            following.label("following"),
        )
        .join(Job, Job.id == JobRecording.job_id)
        .where(Job.kind == JobKind.INDEX, JobRecording.state.in_([QUEUED, RUNNING, FAILED]))
    )
    if camera_ids is not None:
        query = query.where(JobRecording.camera_id.in_([i for i in camera_ids if 0 < i < 2**31]))
    rows = session.execute(query.order_by(JobRecording.id)).all()
    over = outlived(session, [row for row in rows if row.state == FAILED], sight)
    return [row for row in rows if row.id not in over]


class Failed(Protocol):
    """What is asked of a recording that failed."""

    @property
    def id(self) -> str:
        """Names it; ids grow with time."""

    @property
    def path(self) -> str:
        """Where its file lay."""

    @property
    def finished_at(self) -> datetime | None:
        """When it failed."""


def outlived(session: Session, failed: Sequence[Failed | Row[Any]], sight: Sight) -> dict[str, Outlived]:
    """Of recordings that failed, by id, those of which that is not the last word, and what was."""
    paths = sorted({one.path for one in failed})
    last = _last_filings(session, paths, sight)
    indexed = _last_indexed(session, paths, sight)
    found: dict[str, Outlived] = {}
    for one in failed:
        if one.finished_at is not None and indexed.get(one.path, one.finished_at) > one.finished_at:
            found[one.id] = "indexed"
        elif last.get(one.path, one.id) != one.id:
            found[one.id] = "filed_again"
    return found


def _unindexed(row: Row[Any], begins: Sequence[datetime]) -> Unindexed:
    """A row as it is told; `begins` are the starts of all filed recordings of its camera, ascending."""
    seconds = row.counters.get(EXPECTED_SECONDS)
    exact = isinstance(seconds, int | float) and 0 < seconds <= _LONGEST_SECONDS
    at = bisect_right(begins, row.start_time)
    limits = [*begins[at : at + 1], *([row.following] if row.following else [])]
    return Unindexed(
        file_name=row.file_name,
        start=row.start_time,
        end=row.start_time + timedelta(seconds=seconds) if exact else min(limits, default=None),
        exact=exact,
        state=_STATES[row.state],
        reason=row.reason,
        progress=row.progress,
    )


def _last_filings(session: Session, paths: Sequence[str], sight: Sight) -> dict[str, str]:
    """The last filing of each path that was not cancelled; ids grow with time."""
    found: dict[str, str] = {}
    for some in batches(paths, _AT_ONCE):
        query = (
            select(JobRecording.path, func.max(JobRecording.id))
            .join(Job, Job.id == JobRecording.job_id)
            .where(Job.kind == JobKind.INDEX, JobRecording.state != CANCELLED)
            .where(JobRecording.path.in_(some), *sight.among(JobRecording.camera_id))
            .group_by(JobRecording.path)
        )
        found |= dict(session.execute(query).all())
    return found


def _last_indexed(session: Session, paths: Sequence[str], sight: Sight) -> dict[str, datetime]:
    """When a video was last indexed from each path, with or without a job."""
    found: dict[str, datetime] = {}
    for some in batches(paths, _AT_ONCE):
        query = select(Video.path, func.max(Video.indexed_at)).group_by(Video.path)
        query = query.where(Video.path.in_(some), *sight.among(Video.camera_id))
        found |= dict(session.execute(query).all())
    return found
