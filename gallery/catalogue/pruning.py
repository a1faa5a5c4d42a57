"""The beginning of the audit trail: removed once it was kept for long enough, with an event that says so.

What is removed must have been noted elsewhere: who has the database alone cannot show that it was as it was
said to be, so neither can they remove it with this. The digest of the last event that went stays, as what the
next one is hashed together with, and is in the event that tells of it.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from gallery.catalogue import holds
from gallery.errors import Conflict, Held
from gallery.records.access import Anchor, Prunable
from gallery.sql.chain import add_event, base_of
from gallery.sql.tables import AuditBase, AuditEvent
from gallery.trail import START
from gallery.validation import moment

ACTION: Final = "audit.prune"
UNTOLD: Final = "older events were removed, and no event tells by whom and up to which"


def prunable(session: Session, anchor: Anchor, before: datetime) -> Prunable:
    """Return the events of before a time, up to one that was noted; see `Audit.prune`."""
    _refuse_held(session)
    base = base_of(session)
    # Clocks are put back: the first event that is too young ends it, even if older ones follow.
    young = session.scalar(select(func.min(AuditEvent.id)).where(AuditEvent.at >= moment(before, "the time")))
    bound = anchor.event if young is None else min(anchor.event, young - 1)
    mine = AuditEvent.id <= bound
    count, last = session.execute(select(func.count(), func.max(AuditEvent.id)).where(mine)).one()
    if not count:
        return Prunable(base, base, 0, None, None)
    digest = session.scalars(select(AuditEvent.digest).where(AuditEvent.id == last)).one()
    times = select(AuditEvent.at).where(mine).order_by(AuditEvent.id)
    first_at = session.scalars(times.limit(1)).one()
    last_at = session.scalars(select(AuditEvent.at).where(AuditEvent.id == last)).one()
    return Prunable(base, Anchor(last, digest), count, first_at, last_at)


def remove(
    session: Session, found: Prunable, anchor: Anchor, *, key_id: str | None, exported: str | None
) -> None:
    """Move the beginning of the trail on, remove what is before it, and tell of it."""
    _refuse_held(session)
    row = session.get(AuditBase, 1, with_for_update=True)
    if base_of(session) != found.after:
        raise Conflict("events were removed meanwhile: look again")
    if row is None:
        session.add(AuditBase(id=1, event_id=found.up_to.event, digest=found.up_to.digest))
    else:
        row.event_id, row.digest = found.up_to.event, found.up_to.digest
    session.flush()  # the database lets events go up to there
    gone = session.execute(delete(AuditEvent).where(AuditEvent.id <= found.up_to.event))
    if gone.rowcount != found.events:  # type: ignore[attr-defined]
        raise Conflict("events were removed meanwhile: look again")
    assert found.first_at is not None
    assert found.last_at is not None
    detail = {
        "after": found.after.event,
        "up_to": found.up_to.event,
        "digest": found.up_to.digest,
        "events": found.events,
        "first_at": found.first_at.isoformat(),
        "last_at": found.last_at.isoformat(),
        "anchor": {"event": anchor.event, "digest": anchor.digest},
        "exported_sha256": exported,
    }
    add_event(session, ACTION, key_id=key_id, detail=detail)


def is_told(session: Session, base: Anchor) -> bool:
    """Whether an event tells that all before the beginning of the trail was removed."""
    if base == START:
        return True
    told = session.scalars(select(AuditEvent.detail).where(AuditEvent.action == ACTION))
    return any((one.get("up_to"), one.get("digest")) == (base.event, base.digest) for one in told)


def _refuse_held(session: Session) -> None:
    """A hold keeps what was recorded of what it is on, and nobody can tell which events these are."""
    if ids := holds.in_force(session):
        raise Held("no events are removed while a legal hold is in force", ids)
