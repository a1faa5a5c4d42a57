"""The rows of one video, inside the transaction that makes it visible."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gallery.catalogue.digests import rows_digest
from gallery.catalogue.holds import Holding, refuse
from gallery.catalogue.infos import report_column, stamp_columns
from gallery.errors import AlreadyIndexed, Conflict, InvalidInput, NotFound
from gallery.investigation import leaving_marks
from gallery.records.videos import ModelInfo, NewVideo
from gallery.sql.changes import advance_change
from gallery.sql.database import insert_or_keep
from gallery.sql.erasure_tables import PartErased
from gallery.sql.tables import Camera, Clip, Model, Segment, SegmentVideo, Tracklet, Video, VideoInterval
from gallery.times import microseconds
from gallery.vectors.segment import Manifest
from gallery.writing.leaving import lock_segments
from gallery.writing.spool import Spool, SpooledTracklet

_BATCH = 500  # tracklets inserted by one statement


def is_known(session: Session, video_id: str, model_id: str, *, replace: bool) -> bool:
    """Tell whether the gallery has the video, under any model when it is to be replaced, else under others.

    Raises:
        AlreadyIndexed: it has it under this one, and it is not to be replaced.
    """
    if replace:
        require_whole(session, video_id)
    elif session.get(SegmentVideo, (video_id, model_id)) is not None:
        raise AlreadyIndexed(f"the recording is indexed already, as video {video_id}", video_id)
    return session.get(Video, video_id) is not None


def insert_model(session: Session, model: ModelInfo) -> None:
    """Record a model when it is first used.

    Raises:
        InvalidInput: a model of that id has another dimension.
        Conflict: it is being removed.
    """
    values = {"id": model.id, "name": model.name, "dimension": model.dimension, "card": model.card}
    insert_or_keep(session, Model, values | {"created_at": datetime.now(UTC)})
    recorded = session.get(Model, model.id, with_for_update={"read": True, "key_share": True})
    if recorded is None:
        raise Conflict(f"model {model.name} was removed from the gallery just now")
    if recorded.dimension != model.dimension:
        raise InvalidInput(
            f"model {model.id} is recorded with {recorded.dimension} dimensions, not {model.dimension}"
        )


def insert_video(session: Session, video: NewVideo, spool: Spool) -> Video:
    """Insert a video with its tracklets and clips.

    Raises:
        AlreadyIndexed: another writer was faster.
        NotFound: no such camera.
    """
    row = Video(
        id=video.content_hash[:32],
        content_hash=video.content_hash,
        camera_id=video.camera_id,
        file_name=video.file_name,
        path=video.path,
        owned=video.owned,
        size_bytes=video.size_bytes,
        start_time=video.start_time,
        end_time=video.start_time + timedelta(microseconds=video.duration_us),
        duration_us=video.duration_us,
        width=video.width,
        height=video.height,
        frames_decoded=video.frames_decoded,
        frames_bad=video.frames_bad,
        tracklet_count=spool.count,
        tracklets_change=0,  # the writer knows it when it has made the change
        report=report_column(video.report),
        indexed_at=datetime.now(UTC),
        **stamp_columns(video.stamp),
    )
    if not 0 < video.camera_id < 2**31 or session.get(Camera, video.camera_id) is None:
        raise NotFound(f"no camera {video.camera_id}")
    session.add(row)
    try:
        session.flush()
    except IntegrityError as error:
        raise AlreadyIndexed(f"the recording is indexed already, as video {row.id}", row.id) from error
    insert_intervals(session, row.id, video.start_time, video.intervals or [])
    for batch in _batches(spool.rows()):
        session.execute(insert(Tracklet), [_tracklet_values(row.id, tracklet) for tracklet in batch])
        session.execute(insert(Clip), [clip for t in batch for clip in _clip_values(row.id, t)])
    row.rows_sha256 = rows_digest(session, row.id)
    return row


def insert_intervals(
    session: Session, video_id: str, start_time: datetime, intervals: Sequence[tuple[int, int]]
) -> None:
    """Insert when a video has pictures, (start, end) in µs since its first frame."""
    origin = microseconds(start_time)
    values = [
        {"video_id": video_id, "start_us": origin + start, "end_us": origin + end} for start, end in intervals
    ]
    if values:
        session.execute(insert(VideoInterval), values)


def compare_video(session: Session, video: NewVideo, spool: Spool) -> Video:
    """Return a video that another model brought in, if this one found the same on it.

    Raises:
        Conflict: camera, start or tracklets differ.
    """
    row = session.get_one(Video, video.content_hash[:32])
    if (row.camera_id, row.start_time) != (video.camera_id, video.start_time):
        raise Conflict(f"video {row.id} is recorded with another camera or start time")
    if not _same_tracklets(session, row, spool):
        raise Conflict(
            f"video {row.id} is recorded with other tracklets: erase it to index it with this model"
        )
    return row


@dataclass(frozen=True, slots=True)
class Replaced:
    """A video that took the place of another.

    Attributes:
        row: the video.
        left: the segments that it leaves.
        change: since when its tracklets are what they are; None where they are others from now on.
    """

    row: Video
    left: list[str]
    change: int | None


def replace_video(session: Session, video: NewVideo, spool: Spool, model_id: str) -> Replaced:
    """Put a video in the place of the one that is recorded.

    Embeddings of other models stay if they are still of the same tracklets, at the same times, of the same
    camera. Marks stay if the tracklets are the same: else they would be verdicts on other people.

    Raises:
        Held: the tracklets are others, and a legal hold keeps those that are there.
        Conflict: something of the video was erased.
    """
    old = session.get_one(Video, video.content_hash[:32])
    holding = Holding.read(session)
    left = lock_segments(session, [old.id])
    old = session.get_one(Video, old.id, with_for_update=True)  # nobody marks a hit of it meanwhile
    since = old.tracklets_change
    same = (old.camera_id, old.start_time) == (video.camera_id, video.start_time)
    same_tracklets = _same_tracklets(session, old, spool)
    if not same_tracklets:
        refuse(holding.of_video(old), f"video {old.id}")
    require_whole(session, old.id)
    kept = leaving_marks.take_out(session, old.id) if same_tracklets else []
    leaving_marks.forget_marks(session, old.id)
    others: list[tuple[str, str, int | None]] = []
    if same and same_tracklets:
        columns = (SegmentVideo.model_id, SegmentVideo.segment_id, SegmentVideo.change)
        query = select(*columns).where(SegmentVideo.video_id == old.id, SegmentVideo.model_id != model_id)
        others = [(model, held, change) for model, held, change in session.execute(query)]
    session.execute(delete(Video).where(Video.id == old.id))
    session.expunge_all()
    row = insert_video(session, video, spool)
    leaving_marks.put_back(session, kept)
    session.add_all(
        SegmentVideo(video_id=row.id, model_id=model, segment_id=held, change=change)
        for model, held, change in others
    )
    session.flush()
    left_now = sorted(set(left) - {held for _, held, _ in others})
    return Replaced(row, left_now, since if same_tracklets else None)


def require_whole(session: Session, video_id: str) -> None:
    """Raise Conflict if something of a video was erased: read anew, it would be there again."""
    if session.scalar(select(PartErased.id).where(PartErased.video_id == video_id).limit(1)) is not None:
        raise Conflict(
            f"something of video {video_id} was erased, and would come back if it were indexed anew: erase "
            "the whole recording first"
        )


def _same_tracklets(session: Session, row: Video, spool: Spool) -> bool:
    """Tell whether a video is recorded with the tracklets of the spool: their boxes and clips."""
    same = row.tracklet_count == spool.count
    for batch in _batches(spool.rows()):
        ids = [f"{row.id}-{tracklet.number}" for tracklet in batch]
        recorded = dict(
            session.execute(select(Tracklet.number, Tracklet.boxes).where(Tracklet.id.in_(ids))).all()
        )
        clips: dict[str, list[list[int]]] = {}
        columns = (Clip.tracklet_id, Clip.start_us, Clip.end_us, Clip.frame_count)
        for tracklet_id, *clip in session.execute(
            select(*columns).where(Clip.tracklet_id.in_(ids)).order_by(Clip.number)
        ):
            clips.setdefault(tracklet_id, []).append(clip)
        same = same and all(
            recorded.get(tracklet.number) == tracklet.boxes and clips.get(tracklet_id) == tracklet.clips
            for tracklet_id, tracklet in zip(ids, batch, strict=True)
        )
    return same


def insert_segment(session: Session, video_id: str, segment_id: str, manifest: Manifest) -> int:
    """Make a segment visible as the next change, and return that; the last thing a transaction does."""
    session.flush()
    row = new_segment(segment_id, manifest, advance_change(session))
    session.add(row)
    session.flush()
    held = SegmentVideo(
        video_id=video_id, model_id=manifest.model_id, segment_id=segment_id, change=row.change
    )
    session.add(held)
    session.flush()
    return row.change


def new_segment(segment_id: str, manifest: Manifest, change: int) -> Segment:
    """Make the row of a segment."""
    return Segment(
        id=segment_id,
        model_id=manifest.model_id,
        tracklet_count=manifest.tracklets,
        clip_count=manifest.clips,
        change=change,
        created_at=datetime.now(UTC),
        manifest_sha256=hashlib.sha256(manifest.encode()).hexdigest(),
    )


def _batches(rows: Iterator[SpooledTracklet]) -> Iterator[list[SpooledTracklet]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch


def _tracklet_values(video_id: str, tracklet: SpooledTracklet) -> dict[str, Any]:
    return {
        "id": f"{video_id}-{tracklet.number}",
        "video_id": video_id,
        "number": tracklet.number,
        "start_us": tracklet.start_us,
        "end_us": tracklet.end_us,
        "frame_count": tracklet.frame_count,
        "quality": tracklet.quality,
        "boxes": tracklet.boxes,
        "thumbnail_sha256": tracklet.thumbnail_sha256,
    }


def _clip_values(video_id: str, tracklet: SpooledTracklet) -> Iterator[dict[str, Any]]:
    for number, (start_us, end_us, frame_count) in enumerate(tracklet.clips):
        yield {
            "tracklet_id": f"{video_id}-{tracklet.number}",
            "number": number,
            "start_us": start_us,
            "end_us": end_us,
            "frame_count": frame_count,
        }
