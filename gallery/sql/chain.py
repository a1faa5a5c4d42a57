"""The audit trail as a chain: each event is hashed together with the one before it.

Whoever changes an event, takes one out or puts one in breaks the chain from there on. Whoever rewrites all
of it from there on, the head included, is found out by a digest that was noted elsewhere before.

Events wait until the rest of their transaction is done and are written last: the row that they are put in
order by is locked for the time of the commit, and nobody waits for another lock while holding it.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from gallery.sql.tables import AuditEvent, AuditHead

FIRST: Final = "0" * 64
"""What the first event is hashed together with."""

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


def digest_of(before: str, number: int, event: Any) -> str:
    """SHA-256 of an event and the digest before it: of a JSON array in one form only.

    Args:
        before: digest of the event before, or FIRST.
        number: the event's id.
        event: with the attributes of `Event`.
    """
    parts = [
        before,
        number,
        event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        event.key_id,
        event.action,
        event.subject,
        _plain(event.detail),
    ]
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """JSON in which a number has one form: PostgreSQL gives 1e20 back as a whole number."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
