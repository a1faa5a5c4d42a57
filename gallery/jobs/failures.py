"""Recordings that failed: which are still to be tried again, and filing them again."""

import builtins
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from gallery.errors import Conflict, InvalidInput, NotFound
from gallery.jobs import unindexed
from gallery.jobs.filing import MAX_RECORDINGS, Filed, hash_of, new_rows
from gallery.jobs.jobs import Jobs, require_page
from gallery.jobs.state import FAILED
from gallery.records.jobs import FailedRecording, JobInfo, JobKind, NewRecording, Outlived, RecordingInfo
from gallery.sql.copying import copied
from gallery.sql.database import Database
from gallery.sql.job_tables import Watched
from gallery.sql.sight import ALL, Sight
from gallery.sql.tables import Job, JobRecording
from gallery.validation import known_id

_AT_ONCE: Final = 500  # rows that are looked at together: most may have been tried again long since
_OUTLIVED: Final[Mapping[Outlived, str]] = {"filed_again": "was filed again", "indexed": "is indexed by now"}


class Failures:
    """The recordings of index jobs that failed.

    Args:
        database: where they are kept.
        jobs: files those that are tried again.
        sight: a recording is seen if its camera is, and tried again if all of its job are.
    """

    def __init__(self, database: Database, jobs: Jobs, sight: Sight = ALL) -> None:
        self._database, self._jobs, self._sight = database, jobs, sight

    def list(
        self, *, camera_id: int | None = None, after: str | None = None, limit: int = 50
    ) -> Sequence[FailedRecording]:
        """List those that were neither filed again nor indexed since, the last that was filed first.

        `after` is the id of the last recording seen.

        Raises:
            InvalidInput: `limit` is out of range.
            NotFound: `after` is no id.
        """
        require_page(limit)
        after = None if after is None else known_id(after, "recording")
        found: builtins.list[FailedRecording] = []
        with self._database.read() as session:
            while len(found) < limit:
                rows = session.scalars(self._before(camera_id, after).limit(_AT_ONCE)).all()
                over = unindexed.outlived(session, rows, self._sight)
                found += [
                    FailedRecording(row.job_id, copied(RecordingInfo, row))
                    for row in rows
                    if row.id not in over
                ]
                if len(rows) < _AT_ONCE:
                    break
                after = rows[-1].id
        return found[:limit]

    def _before(self, camera_id: int | None, after: str | None) -> Select[JobRecording]:
        """All recordings that failed, filed before one, the last first."""
        query = select(JobRecording).join(Job, Job.id == JobRecording.job_id)
        query = query.where(Job.kind == JobKind.INDEX, JobRecording.state == FAILED)
        query = query.where(*self._sight.among(JobRecording.camera_id)).order_by(JobRecording.id.desc())
        if camera_id is not None:
            query = query.where(JobRecording.camera_id == camera_id)
        return query if after is None else query.where(JobRecording.id < after)

    def outlived(self, recordings: Collection[RecordingInfo]) -> Mapping[str, Outlived]:
        """Of recordings of jobs those that failed, by id, of which that is not the last word."""
        failed = [one for one in recordings if one.state == FAILED]
        if not failed:
            return {}
        with self._database.read() as session:
            return unindexed.outlived(session, failed, self._sight)

    def retry(
        self,
        job_id: str,
        recording_ids: Collection[str],
        *,
        key_id: str | None = None,
        idempotency_key: str | None = None,
        request_hash: str = "",
    ) -> JobInfo:
        """File recordings of a job that failed again, as another job; return that.

        The job that failed stays as it ended. `idempotency_key` and `request_hash` as in `Jobs.file`.

        Raises:
            NotFound: no such job, or no such recording in it.
            InvalidInput: it is no index job, or no or too many recordings.
            Conflict: a recording did not fail, was filed again or is indexed; or the idempotency key was used
                for another request.
        """
        known_id(job_id, "job")
        wanted = sorted(set(recording_ids))
        if not 1 <= len(wanted) <= MAX_RECORDINGS:
            raise InvalidInput(f"a job has 1 to {MAX_RECORDINGS} recordings, not {len(wanted)}")

        def insert(session: Session, again: str) -> None:
            _insert_again(session, _failed_rows(session, job_id, wanted, self._sight), again)

        asked = request_hash or hash_of(["retry", job_id, wanted])
        told = {"of": job_id, "recordings": len(wanted)}
        filed = Filed(JobKind.INDEX, {}, insert, asked, told, action="job.retry")
        return self._jobs.file_as(filed, key_id, idempotency_key)


def _failed_rows(
    session: Session, job_id: str, wanted: Sequence[str], sight: Sight
) -> Sequence[JobRecording]:
    """Recordings of a job that can be filed again, in order; raises what `Failures.retry` does."""
    # Locked, so that of two who try the same again the later one sees what the earlier one filed.
    job = session.get(Job, job_id, with_for_update=True)
    if job is None:
        raise NotFound(f"no job {job_id}")
    if job.kind != JobKind.INDEX:
        raise InvalidInput(f"job {job_id} indexes no recordings: file it anew")
    query = select(JobRecording).where(JobRecording.job_id == job.id).order_by(JobRecording.number)
    all_rows = session.scalars(query).all()
    for row in all_rows:
        sight.require(row.camera_id, f"no job {job_id}")
    rows = [row for row in all_rows if row.id in wanted]
    if missing := set(wanted) - {row.id for row in rows}:
        raise NotFound(f"no recording {min(missing)} in job {job_id}")
    over = unindexed.outlived(session, [row for row in rows if row.state == FAILED], sight)
    for row in rows:
        if row.state != FAILED:
            raise Conflict(f"{row.file_name} did not fail")
        if row.id in over:
            raise Conflict(f"{row.file_name} {_OUTLIVED[over[row.id]]}")
    return rows


def _insert_again(session: Session, rows: Sequence[JobRecording], job_id: str) -> None:
    """Insert what tries these recordings again, as they were filed; of files as they are now."""
    wanted = [copied(NewRecording, row, filed=None) for row in rows]
    for row, again in zip(rows, new_rows(wanted), strict=True):
        again.job_id = job_id
        session.add(again)
        session.flush()
        # A watched file that is renamed while it waits is followed by the filing that waits.
        session.execute(
            update(Watched)
            .where(Watched.recording_id == row.id)
            .values(recording_id=again.id)
            .execution_options(synchronize_session=False)
        )
