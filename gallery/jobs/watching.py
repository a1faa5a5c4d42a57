"""Jobs for files of watched folders: each content once, whatever its name and however often it is seen."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gallery.errors import Conflict
from gallery.jobs import filing, leases, reading
from gallery.jobs.state import FAILED, QUEUED
from gallery.records.jobs import JobInfo, JobKind, WatchedFile, WatchedStamp
from gallery.sql.chain import add_event
from gallery.sql.database import Database, batches
from gallery.sql.job_tables import Watched
from gallery.sql.tables import Job, JobRecording, Video

_AT_ONCE: Final = 300  # stamps in one query


@dataclass(frozen=True, slots=True)
class WatchedOutcome:
    """What became of settled files.

    Attributes:
        job: of those that were filed; None if none was.
        filed: how many were.
        known: how many have the content of a file that was seen before.
        renamed: of those, how many wait under a new name now.
    """

    job: JobInfo | None
    filed: int
    known: int
    renamed: int


class WatchedFiles:
    """Remembers which files of watched folders were filed, through restarts, renames and erasures.

    What was erased is not filed again while its file lies there: an erasure would not last.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, stamps: Collection[WatchedStamp]) -> set[WatchedStamp]:
        """Return those of the stamps that were seen before."""
        wanted = [(one.inode, one.size_bytes, one.mtime_ns) for one in stamps]
        found: set[WatchedStamp] = set()
        columns = Watched.inode, Watched.size_bytes, Watched.mtime_ns
        with self._database.read() as session:
            for some in batches(wanted, _AT_ONCE):
                query = select(*columns).where(tuple_(*columns).in_(some))
                found |= {WatchedStamp(*row) for row in session.execute(query)}
        return found

    def pending(self) -> dict[WatchedStamp, str]:
        """Return the paths under which files were filed that wait, or failed: they may have been renamed."""
        query = (
            select(Watched.inode, Watched.size_bytes, Watched.mtime_ns, JobRecording.path)
            .join(JobRecording, JobRecording.id == Watched.recording_id)
            .where(JobRecording.state.in_([QUEUED, FAILED]))
        )
        with self._database.read() as session:
            return {WatchedStamp(*stamp): path for *stamp, path in session.execute(query)}

    def file(self, files: Sequence[WatchedFile]) -> WatchedOutcome:
        """File those whose content is new, as one job, and remember all.

        Raises:
            InvalidInput: a value that cannot be stored; nothing was filed.
            NotFound: no such camera.
            Conflict: another process files the same files right now; try again.
        """
        try:
            with self._database.write() as session:
                return self._file(session, files)
        except IntegrityError as error:
            raise Conflict("another process files the same files") from error

    def _file(self, session: Session, files: Sequence[WatchedFile]) -> WatchedOutcome:
        now = leases.current_time(session)
        new: list[WatchedFile] = []
        twins: list[WatchedFile] = []
        hashes: set[str] = set()
        renamed = 0
        for file in files:
            recording = _recording_of(session, file.content_hash)
            gone_on = recording is not None and recording.path != file.recording.path
            if file.content_hash in hashes:
                twins.append(file)
                continue
            if recording is not None and recording.state == QUEUED:
                recording.path, recording.file_name = file.recording.path, file.recording.file_name
                recording.filed = file.recording.filed  # its times may be others, its content is the same
                renamed += gone_on
            elif (recording is not None and gone_on and recording.state == FAILED) or not _seen(
                session, file
            ):
                new.append(file)
                hashes.add(file.content_hash)
                continue
            _remember(session, file, recording.id if recording is not None else None)
        job = self._job(session, new, now) if new else None
        for file in twins:
            _remember(session, file, None)
        return WatchedOutcome(job, len(new), len(files) - len(new), renamed)

    def _job(self, session: Session, new: Sequence[WatchedFile], now: datetime) -> JobInfo:
        recordings = [file.recording for file in new]
        rows = filing.new_rows(recordings)
        filing.require_cameras(session, {one.camera_id for one in recordings})
        job = Job(
            id=filing.growing_id(),
            kind=JobKind.INDEX,
            options={},
            key_id=None,
            idempotency_key=None,
            request_hash=filing.fingerprint(rows),
            cancel_requested=False,
            created_at=now,
        )
        session.add(job)
        session.flush()
        for file, row in zip(new, rows, strict=True):
            row.job_id = job.id
            session.add(row)
            _remember(session, file, row.id)
        filed = {"recordings": len(rows), "by": "watch"}
        add_event(session, "job.file", subject=job.id, detail=filed)
        return reading.job_info(session, job, job.id)


def _recording_of(session: Session, content_hash: str) -> JobRecording | None:
    """The last recording that was filed for this content."""
    query = (
        select(JobRecording)
        .join(Watched, Watched.recording_id == JobRecording.id)
        .where(Watched.content_hash == content_hash)
        .order_by(JobRecording.id.desc())
        .limit(1)
        .with_for_update(of=JobRecording)
    )
    return session.scalar(query)


def _seen(session: Session, file: WatchedFile) -> bool:
    """Whether this content was filed before, or is in the gallery."""
    before = select(Watched.inode).where(Watched.content_hash == file.content_hash).limit(1)
    indexed = select(Video.id).where(Video.content_hash == file.content_hash)
    return session.execute(before).first() is not None or session.scalar(indexed) is not None


def _remember(session: Session, file: WatchedFile, recording_id: str | None) -> None:
    stamp = file.stamp
    row = session.get(Watched, (stamp.inode, stamp.size_bytes, stamp.mtime_ns))
    if row is None:
        row = Watched(inode=stamp.inode, size_bytes=stamp.size_bytes, mtime_ns=stamp.mtime_ns)
        session.add(row)
    row.content_hash, row.recording_id, row.seen_at = file.content_hash, recording_id, datetime.now(UTC)
    session.flush()
