"""What webhooks are told: written in the transaction in which a job ends, so none is lost and none early."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from gallery.jobs.filing import growing_id
from gallery.jobs.state import ENDED, job_state
from gallery.records.access import KeyInfo, Scope
from gallery.sql.copying import copied
from gallery.sql.database import insert_or_keep
from gallery.sql.job_tables import Webhook, WebhookDelivery
from gallery.sql.tables import ApiKey, Job, JobRecording


def listening(session: Session, now: datetime) -> list[str]:
    """Return the webhooks that are told: while their key could register them, or if nobody's key did.

    What a key could do ends with the key. Otherwise an address that its holder chose would go on being told
    after the key was revoked, has expired, may not administer any more, or was limited to cameras.
    """
    query = select(Webhook, ApiKey).outerjoin(ApiKey, ApiKey.id == Webhook.key_id).order_by(Webhook.id)
    return [
        hook.id
        for hook, key in session.execute(query)
        if hook.key_id is None or (key is not None and _may_administer(copied(KeyInfo, key), now))
    ]


def _may_administer(key: KeyInfo, now: datetime) -> bool:
    return key.is_valid(now) and Scope.ADMINISTER in key.scopes and key.camera_groups is None


def enter(session: Session, job_id: str, *, wait: bool = True) -> bool:
    """Lock a job whose recording is about to end, so that of two that end at once the later sees the earlier.

    The job's row comes before those of its recordings, as in a cancellation: otherwise two transactions could
    wait for each other. Nothing is locked while nobody is to be told.

    Returns:
        False: with `wait=False`, somebody else holds the job.
    """
    if session.scalar(select(Webhook.id).limit(1)) is None:
        return True
    query = select(Job.id).where(Job.id == job_id)
    found = session.scalar(query.with_for_update(skip_locked=not wait))
    return wait or found is not None


def leave(session: Session, job_id: str, now: datetime) -> None:
    """Write what each webhook is told, if the job has ended."""
    hooks = listening(session, now)
    if not hooks:
        return
    session.flush()
    states = session.scalars(select(JobRecording.state).where(JobRecording.job_id == job_id)).all()
    if not set(states) <= ENDED:
        return
    job = session.get_one(Job, job_id)
    for hook in hooks:
        delivery_id = growing_id()
        values = {
            "id": delivery_id,
            "webhook_id": hook,
            "job_id": job_id,
            "body": _body(delivery_id, job, states, now),
            "attempts": 0,
            "next_at": now,
            "delivered_at": None,
            "reason": None,
            "created_at": now,
        }
        insert_or_keep(session, WebhookDelivery, values)


def _body(delivery_id: str, job: Job, states: Sequence[str], now: datetime) -> str:
    """Numbers and ids: neither names nor reasons, which can tell of places and people."""
    told = {
        "id": delivery_id,
        "type": "job.ended",
        "at": now.isoformat(),
        "job": {
            "id": job.id,
            "kind": job.kind,
            "state": job_state(states),
            "created_at": job.created_at.isoformat(),
            "recordings": dict(sorted(Counter(states).items())),
        },
    }
    return json.dumps(told, separators=(",", ":"))
