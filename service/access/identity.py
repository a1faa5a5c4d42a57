"""Who a bearer token of an issuer speaks for."""

from dataclasses import dataclass
from datetime import datetime

from gallery import Scope


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a token speaks for.

    Attributes:
        issuer, subject: the two together name one person or program.
        scopes: what their roles allow; may be empty.
        expires_at: when the token ends.
    """

    issuer: str
    subject: str
    scopes: frozenset[Scope]
    expires_at: datetime
