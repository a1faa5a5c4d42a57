"""Checks and rows of a job that is filed."""

import hashlib
import os.path
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gallery.errors import InvalidInput, NotFound
from gallery.jobs.state import QUEUED
from gallery.object_urls import is_object
from gallery.records.jobs import FiledFile, JobKind, NewRecording
from gallery.sql.sight import ALL, Sight
from gallery.sql.tables import Camera, JobRecording
from gallery.validation import moment, optional_text, text

MAX_RECORDINGS = 1000  # of one job
_LONGEST_PATH = 4096


@dataclass(frozen=True, slots=True)
class Filed:
    """A job to file.

    Attributes:
        kind: of job.
        options: as its row holds them.
        insert: makes the rows of its recordings.
        request_hash: equal for equal requests.
        told: what its event says; None for what nobody asked for, which has none.
        action: of its event.
    """

    kind: JobKind
    options: dict[str, Any]
    insert: Callable[[Session, str], None]
    request_hash: str
    told: dict[str, Any] | None
    action: str = "job.file"


def new_rows(recordings: Sequence[NewRecording]) -> list[JobRecording]:
    """Check the recordings of a new job and make their rows."""
    if not 1 <= len(recordings) <= MAX_RECORDINGS:
        raise InvalidInput(f"a job has 1 to {MAX_RECORDINGS} recordings, not {len(recordings)}")
    seen: dict[str, int] = {}
    rows = []
    for number, recording in enumerate(recordings):
        what = f"recording {number}"
        path = text(recording.path, f"path of {what}", longest=_LONGEST_PATH)
        same = path if is_object(path) else os.path.normpath(path)
        first = seen.setdefault(same, number)
        if first != number:
            raise InvalidInput(f"recordings {first} and {number} are the same file: {path}")
        rows.append(
            JobRecording(
                id=growing_id(),
                number=number,
                camera_id=recording.camera_id,
                path=path,
                file_name=text(recording.file_name, f"file name of {what}"),
                owned=recording.owned,
                start_time=moment(recording.start_time, f"start of {what}"),
                filed=None if recording.owned else recording.filed or FiledFile.at(path),
                state=QUEUED,
                attempts=0,
                lost_workers=[],
                progress=0.0,
                counters={},
            )
        )
    return rows


def fingerprint(rows: Sequence[JobRecording]) -> str:
    """Return a hash that is equal for equal requests."""
    return hash_of(
        [
            (row.camera_id, row.path, row.file_name, row.owned, row.start_time and row.start_time.isoformat())
            for row in rows
        ]
    )


def hash_of(request: object) -> str:
    """Return a hash of plain values."""
    return hashlib.sha256(repr(request).encode()).hexdigest()


def idempotency_token(key_id: str | None, idempotency_key: str | None) -> str | None:
    """Put the caller's key into its API key's own name space: callers do not know of each other."""
    optional_text(key_id, "key id", longest=32)
    if idempotency_key is None:
        return None
    return f"{key_id or ''}:{text(idempotency_key, 'idempotency key', longest=255)}"


def require_cameras(session: Session, wanted: set[int], sight: Sight = ALL) -> None:
    """Raise NotFound unless all these cameras exist and are seen."""
    # Larger ids break the query.
    possible = {camera_id for camera_id in wanted if 0 < camera_id < 2**31 and sight.sees(camera_id)}
    missing = wanted - set(session.scalars(select(Camera.id).where(Camera.id.in_(possible))))
    if missing:
        raise NotFound(f"no camera with id {', '.join(map(str, sorted(missing)))}")


def growing_id() -> str:
    """A random id whose head is the time in ms: sorting by id is sorting by age."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"
