"""Which videos an adapted model learnt from, and which of them were erased since."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from gallery.sql.database import batches
from gallery.sql.tables import ModelVideo, Video
from gallery.validation import known_id


def record_sources(session: Session, model_id: str, video_ids: Sequence[str]) -> None:
    """Record what a new model learnt from; what was erased before it was finished counts as erased."""
    ids, now = sorted({known_id(video_id, "video") for video_id in video_ids}), datetime.now(UTC)
    for batch in batches(ids):
        there = set(session.scalars(select(Video.id).where(Video.id.in_(batch))))
        rows = [
            {"model_id": model_id, "video_id": one, "erased_at": None if one in there else now}
            for one in batch
        ]
        session.execute(insert(ModelVideo), rows)


def mark_erased(session: Session, video_id: str) -> None:
    """Note on every model that learnt from a video that it is erased."""
    mine = (ModelVideo.video_id == video_id, ModelVideo.erased_at.is_(None))
    session.execute(update(ModelVideo).where(*mine).values(erased_at=datetime.now(UTC)))


def count_sources(session: Session) -> tuple[dict[str, int], dict[str, int]]:
    """Count, by model, the videos that it learnt from, and those of them that were erased."""
    query = select(ModelVideo.model_id, func.count(), func.count(ModelVideo.erased_at))
    rows = session.execute(query.group_by(ModelVideo.model_id)).all()
    return {model: learnt for model, learnt, _ in rows}, {model: erased for model, _, erased in rows}
