"""Bearer tokens of an OIDC issuer: who it says that the caller is, and which roles it says they have.

A token is a signed JWT (RFC 7519, RFC 9068). It counts if a key of the issuer signed it, it is for this
service (`aud`), and its time has come and is not over. What its roles may do here is a setting
(`service.roles`).
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import jwt

from service.access.identity import Identity
from service.access.issuer import ALGORITHMS, IssuerKeys
from service.errors import Unauthenticated, UnsafeSettings
from service.settings import ServiceSettings

_LONGEST: Final = 16_384  # characters; the headers of a request may have no more than 64 KiB
_LONGEST_SUBJECT: Final = 255  # OpenID Connect Core 1.0, section 2
_REFUSED: Final = "The token is not valid here, or no longer."


class Tokens:
    """Checks the tokens of one issuer.

    Args:
        keys: of the issuer.
        audience: what tokens for this service name as `aud`.
        claim: where the roles stand; dots lead into objects, as in `realm_access.roles`.
        roles: those that count here; others are passed over.
        leeway: seconds that clocks may differ by.
    """

    def __init__(
        self,
        keys: IssuerKeys,
        *,
        audience: str,
        claim: str,
        roles: Collection[str],
        leeway: float,
    ) -> None:
        self._keys = keys
        self._audience = audience
        self._claim = claim
        self._roles = frozenset(roles)
        self._leeway = leeway

    def check(self, token: str) -> Identity:
        """Return whom a token speaks for.

        Raises:
            Unauthenticated: it is no token of this issuer for this service, or not at this time.
            IssuerUnavailable: the issuer's keys cannot be had now.
        """
        if len(token) > _LONGEST:
            raise Unauthenticated(_REFUSED)
        try:
            header = jwt.get_unverified_header(token)
            key_id = header.get("kid")
            if header.get("alg") not in ALGORITHMS or not isinstance(key_id, str):
                raise Unauthenticated(_REFUSED)
            if (key := self._keys.key(key_id)) is None:
                raise Unauthenticated(_REFUSED)
            claims = jwt.decode(
                token,
                key,
                algorithms=[str(key.algorithm_name)],
                audience=self._audience,
                issuer=self._keys.issuer,
                leeway=self._leeway,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
            expires_at = datetime.fromtimestamp(int(claims["exp"]), UTC)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, OSError, RecursionError) as error:
            raise Unauthenticated(_REFUSED) from error
        subject = claims["sub"]
        if (
            not isinstance(subject, str)
            or not 0 < len(subject) <= _LONGEST_SUBJECT
            or not subject.isprintable()
        ):
            raise Unauthenticated(_REFUSED)
        return Identity(self._keys.issuer, subject, self._roles_in(claims), expires_at)

    def _roles_in(self, claims: Mapping[str, Any]) -> frozenset[str]:
        found: Any = claims
        for part in self._claim.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        names = found.split() if isinstance(found, str) else found
        if not isinstance(names, list):
            return frozenset()
        return frozenset(name for name in names if isinstance(name, str)) & self._roles


def tokens_of(settings: ServiceSettings) -> Tokens:
    """What checks tokens as the settings say.

    Raises:
        UnsafeSettings: an issuer without an audience or roles, or one that keys may not come from.
    """
    if not settings.oidc_issuer or not settings.oidc_audience or not settings.oidc_roles:
        raise UnsafeSettings(
            "SIGHTLINE_OIDC_ISSUER needs SIGHTLINE_OIDC_AUDIENCE, or tokens for other services would open "
            "this one, and SIGHTLINE_OIDC_ROLES, or none would open anything"
        )
    return Tokens(
        IssuerKeys(settings.oidc_issuer),
        audience=settings.oidc_audience,
        claim=settings.oidc_roles_claim,
        roles=settings.oidc_roles,
        leeway=settings.oidc_leeway_seconds,
    )
