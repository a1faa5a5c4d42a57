"""The keys of an OIDC issuer, fetched from it and kept, as they rotate.

Where the keys lie, the issuer's discovery document says (OpenID Connect Discovery 1.0, section 4). They
are kept for an hour. A token of an unknown key makes them be fetched again, but not twice in a minute, so
nobody can let us ask the issuer as often as they ask us. While the issuer cannot be reached, keys that
are here serve for a day.
"""

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException, HTTPResponse
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from service.errors import IssuerUnavailable, UnsafeSettings
from service.settings import is_loopback

log = structlog.get_logger(__name__)

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures of a private key only: `none` signs nothing, and HS* would take the public key for a secret."""

_KINDS: Final = frozenset({"RSA", "EC", "OKP"})  # of keys; "oct" are secrets, which no issuer publishes
_FRESH: Final = 3600.0  # seconds that keys are used without asking again
_STALE: Final = 86_400.0  # seconds that they are used while nobody can be asked
_PAUSE: Final = 60.0  # seconds between two fetches, whatever asks for them
_FIRST_PAUSE: Final = 5.0  # the same while there are no keys yet
_TIMEOUT: Final = 5.0
_LARGEST: Final = 1_000_000  # bytes of a document
_MOST_KEYS: Final = 100


def require_safe_url(url: str) -> str:
    """Return a URL that keys may come from: by TLS, or from this machine. Raises UnsafeSettings."""
    parts = urlsplit(url)
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    if not safe or not parts.hostname or parts.username or parts.fragment or parts.query:
        raise UnsafeSettings(f"not an https:// address to take keys from: {url!r}")
    return url


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Keys come from where they were said to be; elsewhere may be without TLS, or inside the network."""

    def redirect_request(self, *_args: object, **_more: object) -> None:
        return None


def fetch_json(url: str) -> Mapping[str, Any]:
    """The JSON object at a URL. Raises IssuerUnavailable where there is none, or it takes too long."""
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(require_safe_url(url), timeout=_TIMEOUT) as answer:
            found = json.loads(_read(answer))
    except (OSError, HTTPException, ValueError, RecursionError, UnsafeSettings) as error:
        raise IssuerUnavailable(f"{url} does not answer as an issuer does: {error}") from error
    if not isinstance(found, dict):
        raise IssuerUnavailable(f"{url} answers with something else than an object")
    return found


def _read(answer: HTTPResponse) -> bytes:
    """Read an answer that is neither too long nor takes too long, however slowly its bytes come."""
    content, end = b"", time.monotonic() + _TIMEOUT
    while part := answer.read1(65_536):
        content += part
        if len(content) > _LARGEST or time.monotonic() > end:
            raise ValueError("too long an answer")
    return content


class IssuerKeys:
    """The keys of one issuer; safe to share between threads.

    Args:
        issuer: its URL, as tokens name it.
        fetch: gets a document.
        clock: a monotonic time in seconds.

    Raises:
        UnsafeSettings: the URL is not one to take keys from.
    """

    def __init__(
        self,
        issuer: str,
        *,
        fetch: Callable[[str], Mapping[str, Any]] = fetch_json,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issuer = require_safe_url(issuer)
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, PyJWK] = {}
        self._fetched: float | None = None  # when it last succeeded
        self._tried: float | None = None
        self._guard = threading.Lock()

    def key(self, key_id: str) -> PyJWK | None:
        """The key of an id; None if the issuer has none of that id.

        Raises:
            IssuerUnavailable: the issuer does not answer, and nothing that is here can tell.
        """
        known = self._keys.get(key_id)
        if known is not None and self._age() <= _FRESH:
            return known
        # One asks, the others go on with what there is: a slow issuer must not keep all threads waiting.
        if self._guard.acquire(timeout=0 if self._keys else _TIMEOUT):
            try:
                self._refresh()
            finally:
                self._guard.release()
        if self._age() > _STALE:
            raise IssuerUnavailable(f"the keys of {self.issuer} cannot be fetched")
        return self._keys.get(key_id)

    def _age(self) -> float:
        return float("inf") if self._fetched is None else self._clock() - self._fetched

    def _refresh(self) -> None:
        """Fetch the keys, unless that was tried a moment ago; those that are here stay if it fails."""
        now = self._clock()
        pause = _PAUSE if self._keys else _FIRST_PAUSE
        if self._tried is not None and now - self._tried < pause:
            return
        self._tried = now
        try:
            self._keys = self._fetched_keys()
        except IssuerUnavailable as error:
            log.warning("keys of the issuer not fetched", error=str(error))
            return
        self._fetched = now

    def _fetched_keys(self) -> dict[str, PyJWK]:
        described = self._fetch(self.issuer.rstrip("/") + "/.well-known/openid-configuration")
        if described.get("issuer") != self.issuer:
            raise IssuerUnavailable(f"what is at {self.issuer} calls itself {described.get('issuer')!r}")
        listed = self._fetch(str(described.get("jwks_uri"))).get("keys")
        if not isinstance(listed, list):
            raise IssuerUnavailable(f"{self.issuer} has no list of keys")
        found = {}
        for one in listed[:_MOST_KEYS]:
            if key := _usable(one):
                found[str(key.key_id)] = key
        return found


def _usable(described: object) -> PyJWK | None:
    """A published key that may check signatures; None for others, which leave the rest usable."""
    if not isinstance(described, dict) or described.get("use", "sig") != "sig":
        return None
    kind, key_id = described.get("kty"), described.get("kid")
    if not isinstance(kind, str) or kind not in _KINDS or not isinstance(key_id, str):
        return None
    try:
        key = PyJWK(described)
    except (PyJWTError, ValueError, TypeError):
        return None
    return key if key.algorithm_name in ALGORITHMS else None
