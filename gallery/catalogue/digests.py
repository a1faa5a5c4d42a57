"""A checksum over all rows of a video: the same on both databases, another when any of them is altered."""

import hashlib
import json
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from gallery.sql.tables import Clip, Tracklet, Video, VideoInterval

_BATCH = 500  # rows in memory
# Named one by one: a column that is added later does not change the checksums of older rows.
VIDEO_COLUMNS = (
    *(
        "id",
        "content_hash",
        "camera_id",
        "file_name",
        "path",
        "owned",
        "size_bytes",
        "start_time",
        "end_time",
    ),
    *(
        "duration_us",
        "width",
        "height",
        "frames_decoded",
        "frames_bad",
        "tracklet_count",
        "report",
        "indexed_at",
    ),
    *("file_mtime_ns", "file_ctime_ns", "file_inode"),
)
INTERVAL_COLUMNS = ("video_id", "start_us", "end_us")
TRACKLET_COLUMNS = (
    *(
        "id",
        "video_id",
        "number",
        "start_us",
        "end_us",
        "frame_count",
        "quality",
        "boxes",
        "thumbnail_sha256",
    ),
)
CLIP_COLUMNS = ("tracklet_id", "number", "start_us", "end_us", "frame_count")


def rows_digest(session: Session, video_id: str) -> str:
    """Return the SHA-256 (hex) of a video's row, its intervals, tracklets and clips, as they are recorded."""
    digest = hashlib.sha256()
    tracklets = select(Tracklet.id).where(Tracklet.video_id == video_id)
    intervals = select(*(getattr(VideoInterval, name) for name in INTERVAL_COLUMNS))
    clips = select(*(getattr(Clip, name) for name in CLIP_COLUMNS))
    queries: tuple[Select[Any], ...] = (
        select(*(getattr(Video, name) for name in VIDEO_COLUMNS)).where(Video.id == video_id),
        intervals.where(VideoInterval.video_id == video_id).order_by(VideoInterval.start_us),
        select(*(getattr(Tracklet, name) for name in TRACKLET_COLUMNS))
        .where(Tracklet.video_id == video_id)
        .order_by(Tracklet.number),
        clips.where(Clip.tracklet_id.in_(tracklets)).order_by(Clip.tracklet_id, Clip.number),
    )
    for query in queries:
        for row in session.execute(query.execution_options(yield_per=_BATCH)).mappings():
            line = json.dumps(dict(row), sort_keys=True, default=_plain, separators=(",", ":"))
            digest.update(line.encode() + b"\n")
    return digest.hexdigest()


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    raise TypeError(type(value).__name__)


def tracklets_digest(session: Session, video_id: str) -> str:
    """A digest of the ids of a video's tracklets and of their strips: other tracklets have another one."""
    query = select(Tracklet.id, Tracklet.thumbnail_sha256).where(Tracklet.video_id == video_id)
    rows = [list(row) for row in session.execute(query.order_by(Tracklet.number))]
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()
