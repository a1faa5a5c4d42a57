"""API keys, sessions of the page and audit events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

KEY_PREFIX: Final = "sl_"
"""How the secret of every key begins, so that secret scanners and people recognise one."""


class Scope(StrEnum):
    """What a key may do."""

    SEARCH = "search"
    VIEW = "view"
    REVIEW = "review"
    INDEX = "index"
    ADMINISTER = "administer"
    AUDIT = "audit"


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """An API key as recorded; the secret is shown once, when it is made.

    `subject` is "<issuer>#<subject>" for the key that stands for a subject of an issuer of tokens, else None.
    `camera_groups` are those that it is limited to; None: it sees all cameras.
    `roles` are those that the last token of its subject had, of the ones that are mapped; None: no token's.
    """

    id: str
    name: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    scopes: Sequence[str]
    subject: str | None
    camera_groups: Sequence[str] | None
    roles: Sequence[str] | None
    last_used_at: datetime | None

    def is_valid(self, now: datetime) -> bool:
        """Whether it opens anything at this time: it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


@dataclass(frozen=True, slots=True)
class GroupInfo:
    """A camera group: its name, and the names of its cameras, in order."""

    name: str
    cameras: Sequence[str]


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """Somebody is signed in on the page with a key; only their browser has the token.

    `used_at` is the last request, to the minute; at `expires_at` it ends however much it is used.
    `roles` are those of the token that it was opened with; None: it was opened with a key.
    """

    id: str
    key_id: str
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    roles: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Reason:
    """Why people are looked at: in words, and the case number that it has elsewhere; None: not said."""

    purpose: str | None = None
    case_number: str | None = None


@dataclass(frozen=True, slots=True)
class EventInfo:
    """One audit event: who did what to what, when.

    `digest` is the SHA-256, in hexadecimal, of the event together with the digest of the one before it.
    """

    id: int
    at: datetime
    key_id: str | None
    action: str
    subject: str | None
    detail: Mapping[str, Any]
    digest: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """A digest of the audit trail to be noted where nobody who can change the database can change it."""

    event: int
    digest: str


@dataclass(frozen=True, slots=True)
class Prunable:
    """The oldest events, which can be removed.

    Attributes:
        after: the event before the first of them.
        up_to: the last of them; `after` if there is none.
        events: how many there are.
        first_at, last_at: when the first and the last were recorded; None if there is none.
    """

    after: Anchor
    up_to: Anchor
    events: int
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What a check of the audit trail found.

    Attributes:
        events: how many were checked.
        last: where the trail ends; None where it has no event.
        broken_at: id of the first event that is not as it was recorded, or after which events are missing;
            None if all are.
        reason: what is wrong there; None if nothing is.
    """

    events: int
    last: Anchor | None
    broken_at: int | None
    reason: str | None
