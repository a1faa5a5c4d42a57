"""Rows of the catalogue as the plain records that leave it."""

from datetime import timedelta

from gallery.catalogue.boxes import unpack
from gallery.records import ClipInfo, ModelInfo, TrackletInfo, VideoInfo
from gallery.sql.tables import Clip, Model, Tracklet, Video


def model_info(row: Model) -> ModelInfo:
    """Copy a model."""
    return ModelInfo(id=row.id, name=row.name, dimension=row.dimension, card=row.card)


def video_info(row: Video) -> VideoInfo:
    """Copy a video."""
    return VideoInfo(
        id=row.id,
        content_hash=row.content_hash,
        camera_id=row.camera_id,
        file_name=row.file_name,
        path=row.path,
        owned=row.owned,
        size_bytes=row.size_bytes,
        start_time=row.start_time,
        end_time=row.end_time,
        duration_us=row.duration_us,
        width=row.width,
        height=row.height,
        frames_decoded=row.frames_decoded,
        frames_bad=row.frames_bad,
        report=row.report,
        indexed_at=row.indexed_at,
        tracklet_count=row.tracklet_count,
    )


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
