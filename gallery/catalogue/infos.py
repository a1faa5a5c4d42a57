"""Rows of the catalogue as the plain records that leave it."""

from datetime import timedelta

from gallery.catalogue.boxes import unpack
from gallery.records.tracklets import ClipInfo, TrackletInfo
from gallery.sql.tables import Clip, Tracklet, Video


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
        clips=tuple(ClipInfo(clip.number, clip.start_us, clip.end_us, clip.frame_count) for clip in clips),
        boxes=unpack(row.boxes) if with_boxes else None,
    )
