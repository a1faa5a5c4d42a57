"""Rows of the catalogue as the plain records that leave it."""

from datetime import timedelta
from typing import Any

from gallery.catalogue.boxes import unpack
from gallery.records.tracklets import ClipInfo, TrackletInfo
from gallery.records.videos import FileStamp, VideoInfo, VideoReport
from gallery.sql.copying import copied
from gallery.sql.documents import Document
from gallery.sql.tables import Clip, Tracklet, Video

_REPORT = Document(VideoReport, "the report of a video")


def report_column(report: VideoReport) -> dict[str, Any]:
    """Return a report as its column holds it; InvalidInput if it cannot be stored."""
    return _REPORT.dump(report)


def video_info(row: Video) -> VideoInfo:
    """Copy a video."""
    stamp = (row.file_mtime_ns, row.file_ctime_ns, row.file_inode)
    known = None if None in stamp else FileStamp(*(int(number or 0) for number in stamp))
    return copied(VideoInfo, row, report=_REPORT.load(row.report), stamp=known)


def stamp_columns(stamp: FileStamp | None) -> dict[str, int | None]:
    """Return a stamp as columns of a video."""
    numbers = (None, None, None) if stamp is None else (stamp.mtime_ns, stamp.ctime_ns, stamp.inode)
    return dict(zip(("file_mtime_ns", "file_ctime_ns", "file_inode"), numbers, strict=True))


def tracklet_info(
    row: Tracklet, video: Video, clips: list[Clip], *, with_boxes: bool = False
) -> TrackletInfo:
    """Copy a tracklet; `clips` in the order of their numbers."""
    return TrackletInfo(
        id=row.id,
        video_id=row.video_id,
        camera_id=video.camera_id,
        number=row.number,
        start_us=row.start_us,
        end_us=row.end_us,
        start_time=video.start_time + timedelta(microseconds=row.start_us),
        end_time=video.start_time + timedelta(microseconds=row.end_us),
        frame_count=row.frame_count,
        quality=row.quality,
        change=video.tracklets_change,
        clips=tuple(ClipInfo(clip.number, clip.start_us, clip.end_us, clip.frame_count) for clip in clips),
        boxes=unpack(row.boxes) if with_boxes else None,
    )
