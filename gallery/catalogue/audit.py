"""The audit trail: who did what and when. Written by the server, never changed, never removed, and hashed."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ScalarResult, Select, select
from sqlalchemy.orm import Session

from gallery.catalogue import pruning
from gallery.errors import Conflict, InvalidInput, NotFound
from gallery.records.access import Anchor, ChainReport, EventInfo, Prunable
from gallery.sql import chain
from gallery.sql.copying import copied
from gallery.sql.database import Database, batches
from gallery.sql.tables import AuditEvent, AuditHead
from gallery.trail import START, check_trail
from gallery.validation import optional_text

MAX_EVENTS = 1000
_SUBJECTS = 500  # in one query
_AT_ONCE = 500  # events in memory


@dataclass(eq=False, slots=True)
class _Waiting:
    """An event on its way into the table, and what became of it."""

    event: chain.Event
    done: bool = False
    error: BaseException | None = None


class Audit:
    """The audit table. No event is changed, and the oldest only are removed, if noted elsewhere."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[_Waiting] = []
        self._guard = threading.Lock()
        self._writing = threading.Lock()

    def record(
        self,
        action: str,
        *,
        key_id: str | None = None,
        subject: str | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Record an event; when this returns, it is on the disk.

        Threads that come while one is writing share the next transaction: a page of fifty hits asks for fifty
        pictures at once, each with its event.

        Raises:
            InvalidInput: a value cannot be stored; nothing was recorded.
        """
        mine = _Waiting(chain.make_event(action, key_id, subject, detail))
        with self._guard:
            self._waiting.append(mine)
        with self._writing:
            if not mine.done:
                self._write_all()
        if mine.error is not None:
            raise mine.error

    def _write_all(self) -> None:
        with self._guard:
            batch, self._waiting = self._waiting, []
        try:
            with self._database.write() as session:
                for one in batch:
                    chain.put(session, one.event)
        except BaseException as error:  # noqa: BLE001  (record raises it, in every thread that waits)
            for one in batch:
                one.error = error
        finally:
            for one in batch:
                one.done = True

    def events(
        self,
        *,
        action: str | None = None,
        key_id: str | None = None,
        subject: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[EventInfo]:
        """List events newest first.

        Args:
            action: only these; one that ends with a dot: all that begin so.
            key_id, subject: only what this key did; only what was done to this.
            start, end: only events at or after the first time, and before the second.
            before: id of the last one seen.
            limit: at most so many.

        Raises:
            InvalidInput: a limit or an id out of range, or a text that no event can have.
        """
        if not 1 <= limit <= MAX_EVENTS:
            raise InvalidInput(f"limit must be 1 to {MAX_EVENTS}, not {limit}")
        query = select(AuditEvent).order_by(AuditEvent.id.desc()).limit(limit)
        if (kind := optional_text(action, "action")) is not None:
            whole = not kind.endswith(".")
            query = query.where(
                AuditEvent.action == kind if whole else AuditEvent.action.startswith(kind, autoescape=True)
            )
        if start is not None:
            query = query.where(AuditEvent.at >= start)
        if end is not None:
            query = query.where(AuditEvent.at < end)
        for column, wanted in (
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

    def trail(self, *, after: int = 0, up_to: int | None = None) -> Iterator[EventInfo]:
        """Go through all events with ids above `after`, in the order of their making, as they are now.

        With `up_to` no further than the event of this id.
        """
        query = select(AuditEvent).where(AuditEvent.id > after).order_by(AuditEvent.id)
        if up_to is not None:
            query = query.where(AuditEvent.id <= up_to)
        with self._database.read() as session, closing(_streamed(session, query)) as rows:
            yield from (copied(EventInfo, row) for row in rows)

    def anchor(self) -> Anchor:
        """Where the trail ends now: to be noted where nobody who can change the database can change it."""
        with self._database.read() as session:
            head = session.execute(select(AuditHead)).scalar_one()
            return Anchor(head.event_id, head.digest)

    def anchor_at(self, event_id: int) -> Anchor:
        """The digest of one event; of 0, what the first that is left is hashed with. Raises NotFound."""
        with self._database.read() as session:
            base = chain.base_of(session)
            if event_id in {START.event, base.event}:
                return base
            digest = session.scalar(select(AuditEvent.digest).where(AuditEvent.id == event_id))
        if digest is None:
            raise NotFound(f"no event has the id {event_id}")
        return Anchor(event_id, digest)

    def verify(self, anchors: Sequence[Anchor] = ()) -> ChainReport:
        """Hash all events again and compare them with their digests, and with digests noted earlier.

        Where older ones were removed, it begins after these, and an event has to tell of it.
        """
        with self._database.read() as session:
            head = session.execute(select(AuditHead)).scalar_one()
            with closing(_streamed(session, select(AuditEvent).order_by(AuditEvent.id))) as rows:
                events = (copied(EventInfo, row) for row in rows)
                end, base = Anchor(head.event_id, head.digest), chain.base_of(session)
                report = check_trail(events, after=base, end=end, anchors=anchors)
            if report.broken_at is None and not pruning.is_told(session, base):
                return replace(report, broken_at=base.event, reason=pruning.UNTOLD)
            return report

    def prune(
        self, anchor: Anchor, before: datetime, *, key_id: str | None = None, exported: str | None = None
    ) -> Prunable:
        """Remove the oldest events: those of before a time, no further than to one that was noted elsewhere.

        All in one transaction, with an event that says which, by whom and up to which digest.

        Args:
            anchor: what was noted; the trail must be whole and agree with it.
            before: events from the first one of this time or later on stay.
            key_id: who does it; None for the command line.
            exported: SHA-256 of a file that they were written into.

        Raises:
            Conflict: the trail is broken, or does not agree with what was noted.
            Held: a legal hold is in force.
        """
        found = self.prunable(anchor, before)
        if found.events:
            with self._database.write() as session:
                pruning.remove(session, found, anchor, key_id=key_id, exported=exported)
        return found

    def prunable(self, anchor: Anchor, before: datetime) -> Prunable:
        """What `prune` would remove. Raises as it does."""
        report = self.verify([anchor])
        if report.broken_at is not None:
            raise Conflict(f"the audit trail is broken at event {report.broken_at}: {report.reason}")
        with self._database.read() as session:
            return pruning.prunable(session, anchor, before)

    def about(self, subjects: Sequence[str], *, after: int = 0, limit: int) -> list[EventInfo]:
        """Return the first `limit` events whose subject is one of these, in the order of their making.

        `after` is the id of the last one of the page before.
        """
        found: list[EventInfo] = []
        with self._database.read() as session:
            for some in batches(subjects, _SUBJECTS):
                query = select(AuditEvent).where(AuditEvent.subject.in_(some), AuditEvent.id > after)
                rows = session.scalars(query.order_by(AuditEvent.id).limit(limit))
                found += [copied(EventInfo, row) for row in rows]
        return sorted(found, key=lambda event: event.id)[:limit]


def _streamed(session: Session, query: Select[AuditEvent]) -> ScalarResult[AuditEvent]:
    return session.scalars(query.execution_options(yield_per=_AT_ONCE))
