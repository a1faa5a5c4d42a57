"""A video leaves the segments that hold its vectors, inside a caller's transaction."""

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from gallery.sql.tables import Segment, SegmentVideo, Tombstone, TrackletTombstone


def lock_segments(session: Session, video_ids: Sequence[str]) -> list[str]:
    """Lock the segments that hold some videos, against compaction that would move these meanwhile."""
    mine = select(SegmentVideo.segment_id).where(SegmentVideo.video_id.in_(video_ids)).distinct()
    while True:
        wanted = list(session.scalars(mine.order_by(SegmentVideo.segment_id)))
        lock = select(Segment.id).where(Segment.id.in_(wanted)).order_by(Segment.id).with_for_update()
        if len(session.scalars(lock).all()) == len(wanted) and set(session.scalars(mine)) <= set(wanted):
            return wanted


def leave_segments(session: Session, video_id: str, segment_ids: Sequence[str], change: int) -> list[str]:
    """Mask a video in segments that it is in no more; delete and return those that hold nothing else.

    Call it when no row of SegmentVideo says any more that the video is in them.
    """
    lone = []
    for segment_id in segment_ids:
        others = select(func.count()).select_from(SegmentVideo).where(SegmentVideo.segment_id == segment_id)
        if session.execute(others).scalar_one():
            session.add(Tombstone(segment_id=segment_id, video_id=video_id, change=change))
        else:
            session.execute(delete(Segment).where(Segment.id == segment_id))
            lone.append(segment_id)
    return lone


def erased_singly(
    session: Session, segment_ids: Sequence[str] | None = None
) -> dict[str, frozenset[tuple[str, int]]]:
    """Return the tracklets that were erased from segments which still hold their vectors.

    By segment, each by its video and number; of all segments, or of some.
    """
    query = select(TrackletTombstone.segment_id, TrackletTombstone.video_id, TrackletTombstone.number)
    if segment_ids is not None:
        query = query.where(TrackletTombstone.segment_id.in_(segment_ids))
    found: dict[str, set[tuple[str, int]]] = {}
    for segment_id, video_id, number in session.execute(query):
        found.setdefault(segment_id, set()).add((video_id, number))
    return {segment_id: frozenset(gone) for segment_id, gone in found.items()}
