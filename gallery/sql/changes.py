"""The change sequence: what a reader compares to know whether anything happened."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gallery.sql.tables import GalleryState


def current_change(session: Session) -> int:
    """Return the last change that has been committed."""
    return session.execute(select(GalleryState.change)).scalar_one()


def advance_change(session: Session) -> int:
    """Take the next number; call it last, for everybody else waits until this transaction ends."""
    statement = update(GalleryState).values(change=GalleryState.change + 1).returning(GalleryState.change)
    return session.execute(statement).scalar_one()
