"""API keys and audit events."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """An API key as recorded; the secret is shown once, when it is made."""

    id: str
    name: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class EventInfo:
    """One audit event: who did what to what, when."""

    id: int
    at: datetime
    key_id: str | None
    action: str
    subject: str | None
    detail: Mapping[str, Any]
