"""Who a bearer token of an issuer speaks for."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a token speaks for.

    Attributes:
        issuer, subject: the two together name one person or program.
        roles: those of their roles that are mapped; may be empty.
        expires_at: when the token ends.
    """

    issuer: str
    subject: str
    roles: frozenset[str]
    expires_at: datetime
