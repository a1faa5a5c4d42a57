"""Webhooks: who is told that a job has ended, and the deliveries that are due."""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from gallery.errors import InvalidInput, NotFound
from gallery.jobs.filing import growing_id
from gallery.jobs.leases import current_time
from gallery.jobs.outbox import listening
from gallery.records.jobs import DeliveryInfo, DueDelivery, WebhookInfo
from gallery.sql.chain import add_event
from gallery.sql.copying import copied
from gallery.sql.database import Database
from gallery.sql.job_tables import Webhook, WebhookDelivery
from gallery.validation import known_id, optional_text, text

MOST_WEBHOOKS: Final = 50
_PREFIX: Final = "whsec_"  # lets secret scanners and people recognise one
_MINUTE: Final = 60.0
BACKOFF: Final = (10.0, _MINUTE, 5 * _MINUTE, 30 * _MINUTE, 120 * _MINUTE, 360 * _MINUTE, 720 * _MINUTE)
"""Seconds until the next attempt, after each that failed; after the last the delivery is given up."""


class Webhooks:
    """The addresses, and the outbox.

    Args:
        database: where they are kept.
        clock: the time, within a transaction; the database's by default.
    """

    def __init__(self, database: Database, clock: Callable[[Session], datetime] = current_time) -> None:
        self._database = database
        self._clock = clock

    def create(self, url: str, *, key_id: str | None = None) -> tuple[WebhookInfo, str]:
        """Record an address, which the caller has checked, and return it with the secret that signs.

        The audit trail gets the host only: an address may hold a password of its own.

        Raises:
            InvalidInput: a value that cannot be stored, or there are too many webhooks.
        """
        secret = _PREFIX + secrets.token_urlsafe(32)
        with self._database.write() as session:
            if len(session.scalars(select(Webhook.id)).all()) >= MOST_WEBHOOKS:
                raise InvalidInput(f"there are {MOST_WEBHOOKS} webhooks, the most there may be; delete one")
            row = Webhook(
                id=growing_id(),
                url=text(url, "the URL of a webhook", longest=2000),
                secret=secret,
                key_id=optional_text(key_id, "key id", longest=32),
                created_at=self._clock(session),
            )
            session.add(row)
            host = {"host": urlsplit(url).hostname or ""}
            add_event(session, "webhook.create", key_id=key_id, subject=row.id, detail=host)
            return copied(WebhookInfo, row, listening=True), secret

    def list(self) -> Sequence[WebhookInfo]:
        """All webhooks, the oldest first, and whether each is told; see `outbox.listening`."""
        with self._database.read() as session:
            told = set(listening(session, self._clock(session)))
            rows = session.scalars(select(Webhook).order_by(Webhook.id))
            return [copied(WebhookInfo, row, listening=row.id in told) for row in rows]

    def delete(self, webhook_id: str, *, key_id: str | None = None) -> None:
        """Remove a webhook with all that it was still to be told. Raises NotFound."""
        with self._database.write() as session:
            row = session.get(Webhook, known_id(webhook_id, "webhook"))
            if row is None:
                raise NotFound(f"no webhook {webhook_id}")
            session.execute(delete(WebhookDelivery).where(WebhookDelivery.webhook_id == row.id))
            session.delete(row)
            add_event(session, "webhook.delete", key_id=key_id, subject=row.id)

    def deliveries(self, webhook_id: str, *, limit: int = 50) -> Sequence[DeliveryInfo]:
        """The last deliveries of a webhook, the newest first. Raises NotFound."""
        if not 1 <= limit <= 100:
            raise InvalidInput(f"limit must be 1 to 100, not {limit}")
        with self._database.read() as session:
            if session.get(Webhook, known_id(webhook_id, "webhook")) is None:
                raise NotFound(f"no webhook {webhook_id}")
            query = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id)
            rows = session.scalars(query.order_by(WebhookDelivery.id.desc()).limit(limit))
            return [copied(DeliveryInfo, row) for row in rows]

    def due(self, *, limit: int, hold_seconds: float) -> Sequence[DueDelivery]:
        """Take deliveries whose time has come; no other process gets them for `hold_seconds`.

        Those of a webhook whose key may keep none any more wait: they go out if it may again.
        """
        with self._database.read() as session:
            waits = WebhookDelivery.next_at <= self._clock(session)
            if session.scalar(select(WebhookDelivery.id).where(waits).limit(1)) is None:
                return []  # asked often: no write lock for nothing
        with self._database.write() as session:
            now = self._clock(session)
            told = listening(session, now)
            query = (
                select(WebhookDelivery, Webhook)
                .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
                .where(WebhookDelivery.next_at <= now, Webhook.id.in_(told))
                .order_by(WebhookDelivery.next_at, WebhookDelivery.id)
                .limit(limit)
                .with_for_update(of=WebhookDelivery, skip_locked=True)
            )
            taken = []
            for row, hook in session.execute(query).all():
                row.attempts += 1
                row.next_at = now + timedelta(seconds=hold_seconds)
                taken.append(DueDelivery(row.id, hook.url, hook.secret, row.body, row.attempts))
            return taken

    def delivered(self, delivery: DueDelivery) -> None:
        """Record that a delivery arrived."""
        with self._database.write() as session:
            now = self._clock(session)
            _settle(session, delivery, {"next_at": None, "delivered_at": now, "reason": None})

    def failed(self, delivery: DueDelivery, reason: str) -> None:
        """Record that an attempt failed, and when the next is; after the last of BACKOFF there is none."""
        with self._database.write() as session:
            past = delivery.attempts > len(BACKOFF)
            wait = None if past else timedelta(seconds=BACKOFF[delivery.attempts - 1])
            next_at = None if wait is None else self._clock(session) + wait
            _settle(session, delivery, {"next_at": next_at, "reason": text(reason, "reason")})

    def prune(self, before: datetime) -> int:
        """Forget deliveries of before a time that nobody waits for any more; return how many.

        They are delivered or given up, or their webhook is not told.
        """
        with self._database.write() as session:
            idle = WebhookDelivery.webhook_id.not_in(listening(session, self._clock(session)))
            over = or_(WebhookDelivery.next_at.is_(None), idle)
            old = delete(WebhookDelivery).where(WebhookDelivery.created_at < before, over)
            return len(session.scalars(old.returning(WebhookDelivery.id)).all())


def _settle(session: Session, delivery: DueDelivery, values: dict[str, object]) -> None:
    own = WebhookDelivery.id == delivery.id, WebhookDelivery.attempts == delivery.attempts
    session.execute(update(WebhookDelivery).where(*own).values(values))
