"""Webhooks and their deliveries."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class WebhookInfo:
    """A webhook as recorded; its secret is shown once, when it is made."""

    id: str
    url: str
    key_id: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryInfo:
    """What a webhook is told of a job, and how that goes.

    `next_at` is None once it was delivered or given up; `reason` says why the last attempt failed.
    """

    id: str
    job_id: str
    attempts: int
    next_at: datetime | None
    delivered_at: datetime | None
    reason: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A delivery that is to be tried now: `attempts` counts this one, and is the fence against late words."""

    id: str
    url: str
    secret: str
    body: str
    attempts: int
