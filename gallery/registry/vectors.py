"""All embeddings of a model leave the gallery, inside a caller's transaction."""

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, aliased

from gallery.errors import Conflict
from gallery.sql.tables import Segment, SegmentVideo


def remove_vectors(session: Session, model_id: str) -> list[str]:
    """Delete a model's segments and return their ids, for their directories to be removed after the commit.

    Raises:
        Conflict: it alone embedded some video, which nobody would find any more.
    """
    other = aliased(SegmentVideo)
    elsewhere = select(other.video_id).where(other.model_id != model_id)
    mine = select(func.count()).select_from(SegmentVideo).where(SegmentVideo.model_id == model_id)
    alone = session.execute(mine.where(SegmentVideo.video_id.not_in(elsewhere))).scalar_one()
    if alone:
        raise Conflict(
            f"{alone} recordings are indexed with this model only: reindex them with another first"
        )
    # Locked against compaction, which would move their videos elsewhere meanwhile.
    own = select(Segment.id).where(Segment.model_id == model_id).order_by(Segment.id)
    segments = list(session.scalars(own.with_for_update()))
    session.execute(delete(SegmentVideo).where(SegmentVideo.model_id == model_id))
    session.execute(delete(Segment).where(Segment.model_id == model_id))
    return segments
