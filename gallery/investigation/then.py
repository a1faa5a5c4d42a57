"""What an earlier change of the gallery held."""

from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from gallery.sql.sight import ALL, Sight
from gallery.sql.tables import SegmentVideo, Video


def videos_then(
    session: Session, model_id: str, change: int, asked_at: datetime, sight: Sight = ALL
) -> frozenset[str]:
    """Return the ids of the videos that could be searched with a model at a change, are here and are seen.

    Of videos that an older version indexed no change is known: they count as there if they were indexed
    before `asked_at`, the time of the search.
    """
    known = and_(SegmentVideo.change.is_not(None), SegmentVideo.change <= change)
    older = and_(SegmentVideo.change.is_(None), Video.indexed_at <= asked_at)
    query = (
        select(SegmentVideo.video_id)
        .join(Video, Video.id == SegmentVideo.video_id)
        .where(SegmentVideo.model_id == model_id, or_(known, older), *sight.among(Video.camera_id))
    )
    return frozenset(session.scalars(query))
