"""Coverage of an answer: the intervals of each camera that were searched, and those that are missing.

Videos overlap, follow each other and have holes: what they cover is the union of their intervals.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, get_args

import numpy as np
from sqlalchemy import ColumnElement, Select, and_, false, func, select
from sqlalchemy.orm import Session

from gallery.catalogue.intervals import NOTHING, Spans, complement, intersection, length_us, union
from gallery.jobs import unindexed
from gallery.records.coverage import (
    CameraCoverage,
    Coverage,
    FiledState,
    Interval,
    Missing,
    MissingReason,
    Unindexed,
)
from gallery.records.searching import Filters
from gallery.sql.sight import ALL, Sight
from gallery.sql.tables import Camera, SegmentVideo, Tracklet, Video, VideoInterval
from gallery.times import microseconds, time_at, time_range

SHORTEST_GAP_US = 1_000_000  # the files of one recorder lie a few frames apart

_Condition = ColumnElement[bool]
_ByCamera = dict[int, Spans]


class _Cause(NamedTuple):
    """Why some time was not searched."""

    reason: MissingReason
    spans: Spans
    at_most: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    """The videos that pass the filters, counted by camera."""

    searched: _ByCamera  # pictures with embeddings of the model
    damaged: _ByCamera  # pictures whose embeddings cannot be read
    other_model: _ByCamera  # pictures without
    spans: _ByCamera  # from beginning to end of those videos that have holes
    unindexed: Mapping[int, Sequence[Unindexed]]  # recordings that were filed and are no videos


def measure(  # noqa: PLR0917  (what is asked, of what, and who asks)
    session: Session,
    filters: Filters,
    model_id: str,
    damaged_segments: Collection[str] = (),
    change: int | None = None,
    sight: Sight = ALL,
) -> Coverage:
    """Measure the coverage of every camera that is seen and passes the filters.

    Damaged segments were not searched, nor what became searchable after `change`, the change of the gallery
    that was searched: it was being indexed then.

    Raises:
        InvalidInput: a time without a zone, or an empty time range.
    """
    filters = sight.narrowed(filters)
    start, end = time_range(filters)
    passes = _conditions(filters, start, end)
    held = select(SegmentVideo.video_id).where(SegmentVideo.model_id == model_id)
    came_later = SegmentVideo.change.is_not(None) & (
        false() if change is None else SegmentVideo.change > change
    )
    of_model, with_model = held.where(~came_later), Video.id.in_(held)
    then, later = Video.id.in_(of_model), Video.id.in_(held.where(came_later))
    damaged = Video.id.in_(of_model.where(SegmentVideo.segment_id.in_(damaged_segments)))
    searched = [then, ~damaged, *passes] if damaged_segments else [then, *passes]
    found = _Found(
        searched=_intervals(session, searched),
        damaged=_intervals(session, [damaged, *passes]) if damaged_segments else {},
        other_model=_intervals(session, [~with_model, *passes]),
        spans=_spans_with_holes(session, passes),
        unindexed=_with_later(
            session,
            unindexed.by_camera(session, filters.camera_ids, start, end, sight)
            if filters.video_ids is None
            else {},
            [later, *passes] if change is not None else None,
        ),
    )
    counts = _counts(session, searched, start, end)
    counted = select(Video.camera_id, func.count()).where(~with_model, *passes).group_by(Video.camera_id)
    without_model = dict(session.execute(counted).all())
    return Coverage(
        [
            _camera_coverage(camera, found, start, end, counts[camera.id], without_model.get(camera.id, 0))
            for camera in session.scalars(select(Camera).order_by(Camera.name))
            if filters.camera_ids is None or camera.id in filters.camera_ids
        ]
    )


def _with_later(
    session: Session, filed: Mapping[int, Sequence[Unindexed]], later: Sequence[_Condition] | None
) -> Mapping[int, Sequence[Unindexed]]:
    """Add the videos that came later to the recordings that are not there yet: they were not, either."""
    if later is None:
        return filed
    found = {camera_id: [*of] for camera_id, of in filed.items()}
    columns = (Video.camera_id, Video.file_name, Video.start_time, Video.end_time)
    for camera_id, name, begin, stop in session.execute(select(*columns).where(*later)):
        one = Unindexed(name, begin, stop, exact=True, state="being_indexed", reason=None, progress=1.0)
        found.setdefault(camera_id, []).append(one)
    return {camera_id: sorted(of, key=lambda one: one.start) for camera_id, of in found.items()}


def _camera_coverage(  # noqa: PLR0917  (a camera, what was found of it, and the range)
    camera: Camera,
    found: _Found,
    start: datetime | None,
    end: datetime | None,
    counts: tuple[int, int],
    without_model: int,
) -> CameraCoverage:
    searched = found.searched.get(camera.id, NOTHING)
    filed = found.unindexed.get(camera.id, ())
    causes = [
        _Cause("damaged", found.damaged.get(camera.id, NOTHING)),
        _Cause("other_model", found.other_model.get(camera.id, NOTHING)),
        *_filed_causes([one for one in filed if one.exact]),
        _Cause("no_pictures", found.spans.get(camera.id, NOTHING)),
        *_filed_causes([one for one in filed if not one.exact], at_most=True, open_until=end),
    ]
    first, last = _range(union(np.concatenate([searched, *(cause.spans for cause in causes)])), start, end)
    covered = complement(complement(searched, first, last), first, last)
    videos, tracklets = counts
    return CameraCoverage(
        camera_id=camera.id,
        name=camera.name,
        site=camera.site,
        time_zone=camera.time_zone,
        videos=videos,
        seconds_indexed=length_us(covered) / 1e6,
        intervals=[
            Interval(time_at(begin), time_at(stop))
            for begin, stop in union(covered, joined_us=SHORTEST_GAP_US).tolist()
        ],
        missing=_missing(covered, causes, first, last),
        unindexed=filed,
        tracklets=tracklets,
        videos_without_model=without_model,
    )


def _range(extent: Spans, start: datetime | None, end: datetime | None) -> tuple[int, int]:
    """Say from when to when gaps are looked for; an end that was left open is the camera's own."""
    first = None if start is None else microseconds(start)
    last = None if end is None else microseconds(end)
    if first is None:
        first = int(extent[0, 0]) if len(extent) else last or 0
    if last is None:
        last = int(extent[-1, 1]) if len(extent) else first
    return first, max(first, last)


def _filed_causes(
    filed: Sequence[Unindexed], *, at_most: bool = False, open_until: datetime | None = None
) -> Iterator[_Cause]:
    """The time that filed recordings explain, by state; without an end they last to `open_until`."""
    for state in get_args(FiledState):
        ends = [(one.start, one.end or open_until) for one in filed if one.state == state]
        spans = [(microseconds(start), microseconds(end)) for start, end in ends if end is not None]
        yield _Cause(state, union(spans), at_most)


def _missing(covered: Spans, causes: Sequence[_Cause], first: int, last: int) -> list[Missing]:
    """Give each gap its reason; a gap may fall into several."""
    gaps = complement(covered, first, last)
    found: list[Missing] = []
    for reason, cause, at_most in (*causes, _Cause("not_recorded", np.array([[first, last]], np.int64))):
        if not len(gaps):
            break
        if not len(cause):  # most: a search asks this of every camera and cause
            continue
        explained = intersection(gaps, union(cause), first, last)
        found += [
            Missing(time_at(begin), time_at(stop), reason, at_most)
            for begin, stop in explained.tolist()
            if stop - begin >= SHORTEST_GAP_US
        ]
        gaps = intersection(gaps, complement(explained, first, last), first, last)
    return sorted(found, key=lambda gap: gap.start)


def _intervals(session: Session, conditions: Sequence[_Condition]) -> _ByCamera:
    """Unite the intervals of the videos that pass, by camera."""
    query = select(Video.camera_id, VideoInterval.start_us, VideoInterval.end_us)
    return _united(session, query.join(VideoInterval, VideoInterval.video_id == Video.id).where(*conditions))


def _spans_with_holes(session: Session, conditions: Sequence[_Condition]) -> _ByCamera:
    """Unite videos from their beginning to their end, by camera; those without holes add nothing."""
    pictures = func.coalesce(func.sum(VideoInterval.end_us - VideoInterval.start_us), 0)
    query = (
        select(Video.camera_id, Video.start_time, Video.end_time)
        .outerjoin(VideoInterval, VideoInterval.video_id == Video.id)
        .where(*conditions)
        .group_by(Video.id, Video.camera_id, Video.start_time, Video.end_time, Video.duration_us)
        .having(pictures < Video.duration_us)
    )
    by_camera: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for camera_id, start, end in session.execute(query):
        by_camera[camera_id].append((microseconds(start), microseconds(end)))
    return {camera_id: union(spans) for camera_id, spans in by_camera.items()}


def _united(session: Session, query: Select[int, int, int]) -> _ByCamera:
    by_camera: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for camera_id, start_us, end_us in session.execute(query):
        by_camera[camera_id].append((start_us, end_us))
    return {camera_id: union(spans) for camera_id, spans in by_camera.items()}


def _counts(
    session: Session, passes: list[_Condition], start: datetime | None, end: datetime | None
) -> defaultdict[int, tuple[int, int]]:
    """Count videos and tracklets that pass, by camera.

    Videos wholly inside the time filter are summed by the database; those that it cuts are few and looked at
    singly.
    """
    whole: list[_Condition] = []
    if start is not None:
        whole.append(Video.start_time >= start)
    if end is not None:
        whole.append(Video.end_time < end)
    summed = select(Video.camera_id, func.count(), func.sum(Video.tracklet_count))
    counts: defaultdict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for camera_id, videos, tracklets in session.execute(
        summed.where(*passes, *whole).group_by(Video.camera_id)
    ):
        counts[camera_id] = (videos, int(tracklets))
    if whole:
        for video in session.scalars(select(Video).where(*passes, ~and_(*whole))):
            videos, tracklets = counts[video.camera_id]
            counts[video.camera_id] = (videos + 1, tracklets + _count(session, video, start, end))
    return counts


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
