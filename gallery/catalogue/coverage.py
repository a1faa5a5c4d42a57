"""What an answer rests on: how much of each camera lies inside some filters.

Videos wholly inside the time filter are summed by the database; those that it cuts are few and looked at
singly.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from gallery.records.coverage import CameraCoverage, Coverage
from gallery.records.searching import Filters
from gallery.sql.tables import Camera, SegmentVideo, Tracklet, Video
from gallery.times import microseconds, time_range

_Condition = ColumnElement[bool]


@dataclass(slots=True)
class _Sum:
    videos: int = 0
    seconds: float = 0.0
    tracklets: int = 0
    first: datetime | None = None
    last: datetime | None = None

    def add(self, videos: int, seconds: float, tracklets: int, first: datetime, last: datetime) -> None:
        self.videos += videos
        self.seconds += seconds
        self.tracklets += tracklets
        self.first = first if self.first is None else min(self.first, first)
        self.last = last if self.last is None else max(self.last, last)


def measure(session: Session, filters: Filters, model_id: str) -> Coverage:
    """Measure the coverage of every camera that passes the filters.

    Raises:
        InvalidInput: a time without a zone, or an empty time range.
    """
    start, end = time_range(filters)
    passes = _conditions(filters, start, end)
    with_model = Video.id.in_(select(SegmentVideo.video_id).where(SegmentVideo.model_id == model_id))
    sums = _sums(session, [with_model, *passes], start, end)
    counted = select(Video.camera_id, func.count()).where(~with_model, *passes).group_by(Video.camera_id)
    without_model = dict(session.execute(counted).all())
    cameras = session.scalars(select(Camera).order_by(Camera.name))
    return Coverage(
        [
            _camera_coverage(camera, sums[camera.id], without_model.get(camera.id, 0))
            for camera in cameras
            if filters.camera_ids is None or camera.id in filters.camera_ids
        ]
    )


def _sums(
    session: Session, passes: list[_Condition], start: datetime | None, end: datetime | None
) -> defaultdict[int, _Sum]:
    """Sum up the videos that pass, by camera."""
    whole: list[_Condition] = []
    if start is not None:
        whole.append(Video.start_time >= start)
    if end is not None:
        whole.append(Video.end_time < end)
    summed = select(
        Video.camera_id,
        func.count(),
        func.sum(Video.duration_us),
        func.sum(Video.tracklet_count),
        func.min(Video.start_time),
        func.max(Video.end_time),
    )
    sums: defaultdict[int, _Sum] = defaultdict(_Sum)
    query = summed.where(*passes, *whole).group_by(Video.camera_id)
    for camera_id, videos, duration, tracklets, first, last in session.execute(query):
        sums[camera_id].add(videos, float(duration) / 1e6, int(tracklets), first, last)
    if whole:
        for video in session.scalars(select(Video).where(*passes, ~and_(*whole))):
            first = video.start_time if start is None else max(start, video.start_time)
            last = video.end_time if end is None else min(end, video.end_time)
            tracklets = _count(session, video, start, end)
            sums[video.camera_id].add(1, (last - first).total_seconds(), tracklets, first, last)
    return sums


def _camera_coverage(camera: Camera, found: _Sum, without_model: int) -> CameraCoverage:
    return CameraCoverage(
        camera_id=camera.id,
        name=camera.name,
        site=camera.site,
        videos=found.videos,
        seconds_indexed=found.seconds,
        first=found.first,
        last=found.last,
        tracklets=found.tracklets,
        videos_without_model=without_model,
    )


def _conditions(filters: Filters, start: datetime | None, end: datetime | None) -> list[_Condition]:
    """Say which videos the filters let through; the same rule as for tracklets."""
    conditions: list[_Condition] = []
    if filters.camera_ids is not None:
        conditions.append(Video.camera_id.in_([i for i in filters.camera_ids if 0 < i < 2**31]))
    if filters.video_ids is not None:
        conditions.append(Video.id.in_([i for i in filters.video_ids if i.isascii() and i.isalnum()]))
    if start is not None:
        conditions.append(Video.end_time >= start)
    if end is not None:
        conditions.append(Video.start_time < end)
    return conditions


def _count(session: Session, video: Video, start: datetime | None, end: datetime | None) -> int:
    """Count the tracklets of a video that overlap [start, end)."""
    query = select(func.count()).where(Tracklet.video_id == video.id)
    origin = microseconds(video.start_time)
    if start is not None:
        query = query.where(Tracklet.end_us >= microseconds(start) - origin)
    if end is not None:
        query = query.where(Tracklet.start_us < microseconds(end) - origin)
    return session.execute(query.select_from(Tracklet)).scalar_one()
