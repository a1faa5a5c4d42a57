"""The audit trail: who did what and when. Written by the server, never changed, never removed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gallery.errors import InvalidInput
from gallery.records.access import EventInfo
from gallery.sql.copying import copied
from gallery.sql.database import Database
from gallery.sql.tables import AuditEvent
from gallery.validation import json_object, optional_text, text

MAX_EVENTS = 1000
_SUBJECTS = 500  # in one query


def add_event(
    session: Session,
    action: str,
    *,
    key_id: str | None = None,
    subject: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add an event to the caller's transaction: it is recorded if and only if the rest of it is."""
    session.add(
        AuditEvent(
            at=datetime.now(UTC),
            key_id=optional_text(key_id, "key id", longest=32),
            action=text(action, "action", longest=100),
            subject=optional_text(subject, "subject"),
            detail=json_object(detail or {}, "detail"),
        )
    )
    session.flush()


class Audit:
    """The audit table. There is no way to change or remove an event."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(
        self,
        action: str,
        *,
        key_id: str | None = None,
        subject: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Record an event.

        Raises:
            InvalidInput: a value cannot be stored; nothing was recorded.
        """
        with self._database.write() as session:
            add_event(session, action, key_id=key_id, subject=subject, detail=detail)

    def events(
        self,
        *,
        action: str | None = None,
        key_id: str | None = None,
        subject: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[EventInfo]:
        """List events newest first; `before` is the id of the last one seen."""
        if not 1 <= limit <= MAX_EVENTS:
            raise InvalidInput(f"limit must be 1 to {MAX_EVENTS}, not {limit}")
        query = select(AuditEvent).order_by(AuditEvent.id.desc()).limit(limit)
        for column, wanted in (
            (AuditEvent.action, optional_text(action, "action")),
            (AuditEvent.key_id, optional_text(key_id, "key id")),
            (AuditEvent.subject, optional_text(subject, "subject")),
        ):
            if wanted is not None:
                query = query.where(column == wanted)
        if before is not None:
            if not 0 <= before < 2**63:
                raise InvalidInput(f"no event has the id {before}")
            query = query.where(AuditEvent.id < before)
        with self._database.read() as session:
            return [copied(EventInfo, row) for row in session.scalars(query)]

    def about(self, subjects: Sequence[str], *, after: int = 0, limit: int) -> list[EventInfo]:
        """Return the first `limit` events whose subject is one of these, in the order of their making.

        `after` is the id of the last one of the page before.
        """
        found: list[EventInfo] = []
        with self._database.read() as session:
            for first in range(0, len(subjects), _SUBJECTS):
                some = AuditEvent.subject.in_(subjects[first : first + _SUBJECTS])
                query = select(AuditEvent).where(some, AuditEvent.id > after)
                rows = session.scalars(query.order_by(AuditEvent.id).limit(limit))
                found += [copied(EventInfo, row) for row in rows]
        return sorted(found, key=lambda event: event.id)[:limit]
