"""Rows of jobs about models: embed what the gallery holds with another one, or adapt one to its cameras."""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from gallery.errors import Conflict, InvalidInput
from gallery.jobs.filing import growing_id, require_cameras
from gallery.jobs.state import QUEUED
from gallery.records.jobs import AdaptOptions, ReindexOptions
from gallery.sql.documents import Document
from gallery.sql.tables import JobRecording, SegmentVideo, Video
from gallery.validation import model_name, moment, text

REINDEX = Document(ReindexOptions, "the options of a job")
ADAPT = Document(AdaptOptions, "the options of a job")
_BATCH = 1000  # rows inserted by one statement
_MOST_ROUNDS = 1000
_MOST_HOURS = 24 * 366


def reindex_options(options: ReindexOptions) -> dict[str, Any]:
    """Return checked options as a column. Raises InvalidInput."""
    text(options.model, "the name of a model")
    text(options.model_id, "the id of a model", longest=64)
    return REINDEX.dump(options)


def adapt_options(options: AdaptOptions) -> dict[str, Any]:
    """Return checked options as a column. Raises InvalidInput."""
    model_name(options.name)
    text(options.parent, "the name of a model")
    if not 1 <= options.rounds <= _MOST_ROUNDS:
        raise InvalidInput(f"an adaptation has 1 to {_MOST_ROUNDS} rounds, not {options.rounds}")
    if options.hours is not None and not 0 < options.hours <= _MOST_HOURS:
        raise InvalidInput(f"an adaptation takes up to {_MOST_HOURS} hours, not {options.hours}")
    if not 0 <= options.seed < 2**31:
        raise InvalidInput(f"no seed: {options.seed}")
    start, end = (_bound(value) for value in (options.start, options.end))
    if start is not None and end is not None and start >= end:
        raise InvalidInput("an adaptation learns from a time that ends before it begins")
    return ADAPT.dump(options)


def insert_videos(session: Session, job_id: str, model_id: str, camera_ids: Collection[int] | None) -> None:
    """Insert a row for each video that a model's features are missing of.

    Raises:
        NotFound: no such camera.
        Conflict: there is none.
    """
    has = select(SegmentVideo.video_id).where(SegmentVideo.model_id == model_id)
    query = select(Video.id, Video.camera_id, Video.path, Video.file_name, Video.start_time)
    query = query.where(Video.id.not_in(has)).order_by(Video.start_time.desc(), Video.id)
    if camera_ids is not None:
        require_cameras(session, set(camera_ids))
        query = query.where(Video.camera_id.in_(camera_ids))
    rows = [dict(row) for row in session.execute(query).mappings()]
    if not rows:
        raise Conflict("every recording has features of this model already")
    for at in range(0, len(rows), _BATCH):
        session.execute(insert(JobRecording), list(_rows(job_id, at, rows[at : at + _BATCH])))


def insert_adaptation(session: Session, job_id: str, options: AdaptOptions) -> None:
    """Insert the one row of an adaptation. Raises NotFound: no such camera."""
    if options.camera_ids is not None:
        require_cameras(session, set(options.camera_ids))
    nowhere = {"camera_id": None, "path": "", "file_name": options.name, "start_time": None, "id": None}
    session.execute(insert(JobRecording), list(_rows(job_id, 0, [nowhere])))


def _rows(job_id: str, first: int, videos: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for number, video in enumerate(videos, start=first):
        yield {
            "id": growing_id(),
            "job_id": job_id,
            "number": number,
            "camera_id": video["camera_id"],
            "path": video["path"],
            "file_name": video["file_name"],
            "owned": False,  # by its video, not by the job
            "start_time": video["start_time"],
            "state": QUEUED,
            "video_id": video["id"],
            "attempts": 0,
            "lost_workers": [],
            "progress": 0.0,
            "counters": {},
        }


def _bound(value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        return moment(datetime.fromisoformat(value), "a bound of an adaptation")
    except ValueError as error:
        raise InvalidInput(f"no time: {value!r}"[:200]) from error
