"""Correcting what was recorded of a video, without embedding anything again.

A new start time or camera changes the columns of the video's rows in its segments. Those rows are copied,
with the right columns, into new segments of their own; one transaction puts them in the place of the old
rows, which are masked as those of an erased video are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from gallery.catalogue.camera_rows import camera_row
from gallery.catalogue.digests import rows_digest
from gallery.catalogue.holds import Holding, refuse
from gallery.catalogue.infos import stamp_columns, video_info
from gallery.disk.files import move_durably
from gallery.disk.locks import Staging, video_lock
from gallery.errors import Conflict, NotFound
from gallery.records.videos import VideoChanges, VideoInfo
from gallery.sql.chain import add_event
from gallery.sql.changes import advance_change
from gallery.sql.database import Database
from gallery.sql.tables import Model, SegmentVideo, Video, VideoInterval
from gallery.times import microseconds
from gallery.validation import known_id, moment, text
from gallery.vectors.segment import Manifest, SegmentVanished
from gallery.vectors.segments import BUILT, Segments
from gallery.writing.copying import copy_video
from gallery.writing.leaving import erased_singly, leave_segments, lock_segments
from gallery.writing.rows import insert_intervals, new_segment

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class _Right:
    """The corrected values of a video: where its columns move to."""

    start_time: datetime
    camera_id: int
    shift_us: int


@dataclass(frozen=True, slots=True)
class _Copy:
    """A new segment with the rows of the video, not visible yet."""

    model_id: str
    segment_id: str
    manifest: Manifest


@dataclass(slots=True)
class _Copies:
    """The new segments of a video, one for each model; `visible` once the transaction is about to commit."""

    made: list[_Copy] = field(default_factory=list)
    visible: bool = False


def correct_video(
    database: Database, segments: Segments, video_id: str, changes: VideoChanges, key_id: str | None
) -> VideoInfo:
    """Correct a video's start time, camera, path or file name, and record what it was.

    The caller that corrects the path has compared the content of the file; `stamp` is then the file's.

    Raises:
        NotFound: no such video or camera.
        InvalidInput: a value that cannot be stored, or an end after 2200.
        Conflict: the path of a recording that was uploaded, and lies where the gallery put it.
        CorruptSegment: the rows cannot be copied, for the segment that holds them is damaged.
        VectorsUnavailable: the vectors cannot be reached; nothing was changed.
    """
    values = _checked(changes)
    with video_lock(segments.data_dir, known_id(video_id, "video")):
        with database.read() as session:
            before = session.get(Video, video_id)
        if before is None:
            raise NotFound(f"no video {video_id}")
        if before.owned and values.get("path", before.path) != before.path:
            raise Conflict(f"video {video_id} was uploaded: its file lies where the gallery keeps it")
        right = _right(before, values)
        values["end_time"] = moment(
            right.start_time + timedelta(microseconds=before.duration_us), "the end of a video"
        )
        with _copied(database, segments, before, right) as copies, database.write() as session:
            lone, info = _apply(session, video_id, values, right, copies.made, key_id)
            copies.visible = True
        for segment_id in lone:
            segments.discard(segment_id)
        return info


def _checked(changes: VideoChanges) -> dict[str, Any]:
    """Return the changes as columns of a video."""
    values: dict[str, Any] = {name: value for name, value in changes.items() if name != "stamp"}
    if "start_time" in changes:
        values["start_time"] = moment(changes["start_time"], "the start of a video")
    if "path" in changes:
        text(changes["path"], "the path of a video", longest=4096)
    if "file_name" in changes:
        text(changes["file_name"], "the file name of a video")
    return values | (stamp_columns(changes["stamp"]) if "stamp" in changes else {})


def _right(before: Video, values: dict[str, Any]) -> _Right:
    start = values.get("start_time", before.start_time)
    shift_us = microseconds(start) - microseconds(before.start_time)
    return _Right(start, values.get("camera_id", before.camera_id), shift_us)


@contextmanager
def _copied(database: Database, segments: Segments, before: Video, right: _Right) -> Iterator[_Copies]:
    """Copy the video's rows into new segments if they change; removed again unless they became visible."""
    copies, stagings = _Copies(), list[Staging]()
    try:
        if right.shift_us or right.camera_id != before.camera_id:
            with database.read() as session:
                query = select(Model.id, Model.dimension).join(SegmentVideo)
                models = session.execute(query.where(SegmentVideo.video_id == before.id)).all()
            for model_id, dimension in models:
                stagings.append(Staging(segments.data_dir))
                manifest = _copy(database, segments, before.id, model_id, dimension, right, stagings[-1])
                copies.made.append(_Copy(model_id, stagings[-1].id, manifest))
        yield copies
    finally:
        for staging in stagings:
            # A commit that was interrupted may have succeeded all the same: then the sweep finds out.
            if not copies.visible:
                segments.discard(staging.id)
            segments.end(staging)


def _copy(  # noqa: PLR0917  (a video of a model, what is right of it, and where to)
    database: Database,
    segments: Segments,
    video_id: str,
    model_id: str,
    dimension: int,
    right: _Right,
    staging: Staging,
) -> Manifest:
    """Write a segment with the right columns of a video; compaction may move the video meanwhile."""
    for attempt in range(_ATTEMPTS):
        with database.read() as session:
            held = session.get_one(SegmentVideo, (video_id, model_id)).segment_id
            # Nobody erases more of it meanwhile: the video is locked.
            singly = erased_singly(session, [held]).get(held, frozenset())
            gone = [number for video, number in singly if video == video_id]
        try:
            segments.verify(held)  # a damaged file must not get a new, valid checksum
            rows = segments.open(held)
        except SegmentVanished:
            if attempt + 1 == _ATTEMPTS:
                raise
        else:
            break
    ordinal = rows.videos["id"].tolist().index(video_id.encode())
    builder = segments.builder(staging, model_id, dimension)
    try:
        content = copy_video(
            builder, rows, ordinal, shift_us=right.shift_us, camera_id=right.camera_id, without=gone
        )
        manifest = builder.finish([content])
    finally:
        builder.close()
    move_durably(staging.directory / BUILT, segments.directory(staging.id))
    return manifest


def _apply(  # noqa: PLR0917  (one transaction: a video, its changes, and who made them)
    session: Session,
    video_id: str,
    values: dict[str, Any],
    right: _Right,
    copies: list[_Copy],
    key_id: str | None,
) -> tuple[list[str], VideoInfo]:
    """Change all rows; returns the segments that hold nothing any more, and the video as it is now."""
    holding = Holding.read(session)
    segment_ids = lock_segments(session, [video_id])
    row = session.get_one(Video, video_id, with_for_update=True)
    camera_row(session, right.camera_id)
    hold = holding.of_video(row)
    was = {name: getattr(row, name) for name in values}
    for name, value in values.items():
        setattr(row, name, value)
    session.flush()
    if hold is not None and holding.of_video(row) is None:
        # Else a recording could be moved out of the hold on its camera, and erased then.
        refuse(hold, f"video {video_id}")
    if right.shift_us:
        _shift_intervals(session, video_id, right)
    row.rows_sha256 = rows_digest(session, video_id)
    detail = {name: [was[name], value] for name, value in values.items() if was[name] != value}
    if detail:
        add_event(session, "video.edit", key_id=key_id, subject=video_id, detail=detail)
    lone: list[str] = []
    if copies:
        change = advance_change(session)
        for copy in copies:
            session.add(new_segment(copy.segment_id, copy.manifest, change))
        session.flush()
        for copy in copies:
            mine = (SegmentVideo.video_id == video_id, SegmentVideo.model_id == copy.model_id)
            session.execute(update(SegmentVideo).where(*mine).values(segment_id=copy.segment_id))
        lone = leave_segments(session, video_id, segment_ids, change)
    return lone, video_info(row)


def _shift_intervals(session: Session, video_id: str, right: _Right) -> None:
    # Not updated in place: SQLite checks the key after each row, and intervals would meet on the way.
    mine = VideoInterval.video_id == video_id
    origin = microseconds(right.start_time) - right.shift_us
    pairs = session.execute(select(VideoInterval.start_us, VideoInterval.end_us).where(mine)).all()
    session.execute(delete(VideoInterval).where(mine))
    insert_intervals(session, video_id, right.start_time, [(a - origin, b - origin) for a, b in pairs])
