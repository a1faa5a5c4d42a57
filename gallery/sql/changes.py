"""The change sequence: what a reader compares to know whether anything happened."""

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from gallery.sql.tables import GalleryState


def current_change(session: Session) -> int:
    """Return the last change that has been committed."""
    return session.execute(select(GalleryState.change)).scalar_one()


def standing(session: Session) -> tuple[int, datetime | None]:
    """Return the last change that has been committed, and when the server that says so was started.

    A standby that took over may have missed changes, and gives their numbers to others: what is known of one
    server's changes says nothing of another's. None on SQLite, which has no server.
    """
    if session.get_bind().dialect.name != "postgresql":
        return current_change(session), None
    change, started = session.execute(select(GalleryState.change, func.pg_postmaster_start_time())).one()
    return change, started


def advance_change(session: Session) -> int:
    """Take the next number; call it last, for everybody else waits until this transaction ends."""
    statement = update(GalleryState).values(change=GalleryState.change + 1).returning(GalleryState.change)
    return session.execute(statement).scalar_one()
