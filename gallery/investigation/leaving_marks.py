"""Marks that leave with the tracklets they are on, or stay while these are written anew."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from gallery.investigation.cases import note_erased_marks
from gallery.investigation.marks import current, line
from gallery.sql.chain import add_event
from gallery.sql.tables import Mark, Search, Tracklet


def forget_marks(session: Session, video_id: str, numbers: Sequence[int] | None = None) -> int:
    """Remove the marks on a video's tracklets, or on some of them; their searches count them.

    Returns how many there were.

    The caller has locked the video's row, or a mark could be set on it meanwhile.
    That they went is part of the audit trail, with the searches they were made on.
    """
    marked = _on_video(video_id, numbers)
    going = None if numbers is None else {f"{video_id}-{number}" for number in numbers}
    searches = sorted(session.scalars(select(Mark.search_id).where(marked).distinct()))
    held = select(Search.id).where(Search.id.in_(searches)).order_by(Search.id)
    session.execute(held.with_for_update())  # what is counted below is undone by nobody meanwhile
    went: list[tuple[str, int]] = []
    for search_id in searches:
        gone = [
            row
            for row in current(session, [search_id])
            if (row.tracklet_id.startswith(f"{video_id}-") if going is None else row.tracklet_id in going)
        ]
        counted = Search.marks_erased + len(gone)
        session.execute(update(Search).where(Search.id == search_id).values(marks_erased=counted))
        went.append((search_id, len(gone)))
    total = sum(count for _, count in went)
    counted_now = {search_id: count for search_id, count in went if count}
    note_erased_marks(session, counted_now, lambda search_id: line(session, search_id))
    session.execute(delete(Mark).where(marked))
    if searches:
        add_event(session, "marks.erase", subject=video_id, detail={"marks": total, "searches": searches})
    return total


def take_out(session: Session, video_id: str) -> list[dict[str, Any]]:
    """Remove the marks on a video's tracklets, whose rows are about to be written anew; see `put_back`."""
    rows = session.execute(select(Mark.__table__).where(_on_video(video_id))).mappings().all()
    session.execute(delete(Mark).where(_on_video(video_id)))
    return [dict(row) for row in rows]


def put_back(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Insert marks again as `take_out` returned them."""
    if rows:
        session.execute(insert(Mark), rows)


def _on_video(video_id: str, numbers: Sequence[int] | None = None) -> Any:
    own = select(Tracklet.id).where(Tracklet.video_id == video_id)
    return Mark.tracklet_id.in_(own if numbers is None else own.where(Tracklet.number.in_(numbers)))
