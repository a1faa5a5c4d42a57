"""A video leaves the segments that hold its vectors, inside a caller's transaction."""

from collections.abc import Sequence

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from gallery.sql.tables import Segment, SegmentVideo, Tombstone


def lock_segments(session: Session, video_id: str) -> list[str]:
    """Lock the segments that hold a video, against compaction that would move it elsewhere meanwhile."""
    mine = select(SegmentVideo.segment_id).where(SegmentVideo.video_id == video_id)
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
