"""The audit trail as a chain: each event is hashed together with the one before it.

An event that is changed, taken out or put in breaks the chain from there on. Where all of it was rewritten
from there on, the head included, a digest that was noted elsewhere before tells (`gallery.trail`).

Events wait until the rest of their transaction is done and are written last: the row that they are put in
order by is locked for the time of the commit, and nobody waits for another lock while holding it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from gallery.sql.tables import AuditEvent, AuditHead
from gallery.trail import digest_of

_WAITING: Final = "sightline_events"


@dataclass(frozen=True, slots=True)
class Event:
    """What happened, before it has its place in the chain; as the columns of the table."""

    at: datetime
    key_id: str | None
    action: str
    subject: str | None
    detail: Mapping[str, Any]


def add(session: Session, event: Event) -> None:
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
