"""The audit trail as a chain: each event is hashed together with the one before it.

An event that is changed, taken out or put in breaks the chain from there on. Where all of it was rewritten
from there on, the head included, a digest that was noted elsewhere before tells (`gallery.trail`).

Events wait until the rest of their transaction is done and are written last: the row that they are put in
order by is locked for the time of the commit, and nobody waits for another lock while holding it.

`add_event` is how a change is told of. There is no other way to write one that belongs to a transaction, so
none can be without the reason of its request.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from gallery import reason
from gallery.records.access import Anchor
from gallery.sql.tables import AuditBase, AuditEvent, AuditHead
from gallery.trail import START, digest_of
from gallery.validation import json_object, optional_text, text

_WAITING: Final = "sightline_events"


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, before it has its place in the chain; as the columns of the table."""

    at: datetime
    key_id: str | None
    action: str
    subject: str | None
    detail: Mapping[str, Any]


def add_event(
    session: Session,
    action: str,
    *,
    key_id: str | None = None,
    subject: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add an event to the caller's transaction: it is recorded if and only if the rest of it is.

    The session is one of `Database.write`, which writes its events last.

    Raises:
        InvalidInput: a value cannot be stored.
    """
    event = make_event(action, key_id, subject, detail)
    session.flush()  # what the event tells of is refused here, or gets its ids and defaults
    put(session, event)


def make_event(
    action: str, key_id: str | None, subject: str | None, detail: Mapping[str, Any] | None
) -> Event:
    """Check an event and add the time and the reason of what is done now. Raises InvalidInput."""
    return Event(
        at=datetime.now(UTC),
        key_id=optional_text(key_id, "key id", longest=32),
        action=text(action, "action", longest=100),
        subject=optional_text(subject, "subject"),
        detail=json_object(detail or {}, "detail") | reason.as_detail(),
    )


def base_of(session: Session) -> Anchor:
    """What the first event that is there is hashed together with: START, until older ones were removed."""
    row = session.get(AuditBase, 1)
    return START if row is None else Anchor(row.event_id, row.digest)


def put(session: Session, event: Event) -> None:
    """Let an event be written when the session's transaction ends."""
    session.info.setdefault(_WAITING, []).append(event)


def write_waiting(session: Session) -> None:
    """Write the events of a transaction, as its last step before it commits."""
    waiting: list[Event] = session.info.pop(_WAITING, [])
    if not waiting:
        return
    session.flush()  # whatever else may fail or wait does so before the lock
    head = session.execute(select(AuditHead).with_for_update()).scalar_one()
    for event in waiting:
        number = head.event_id + 1
        digest = digest_of(head.digest, number, event)
        session.add(
            AuditEvent(
                id=number,
                at=event.at,
                key_id=event.key_id,
                action=event.action,
                subject=event.subject,
                detail=dict(event.detail),
                digest=digest,
            )
        )
        head.event_id, head.digest = number, digest
    session.flush()
