"""The cookies of a session of the page, and when a request that brings them counts.

Two cookies are set at sign-in. The session cookie holds the token; scripts cannot read it (HttpOnly) and
requests that another site causes do not carry it (SameSite=Strict). The second is there to be read by the
page, which sends its value in a header with everything that changes something.

That is enough against a foreign page because three things would have to fail together. (1) SameSite keeps
the cookie at home, except from pages of the same site, such as another program on a neighbouring host name.
(2) Sec-Fetch-Site, which a browser sets and no page can, tells these from the page itself; browsers leave
it out on plain HTTP beyond this machine, where Origin, set by them too, must name this host. (3) The
header: a page of another origin may not send one without asking (CORS, which never allows cookies here),
nor read the cookie that it must be equal to. The value is derived from the session's token, so who can put
cookies into the browser (a neighbouring host name can) cannot put in a pair that fits the session they want
to act in.

Behind TLS the cookies are Secure and have the prefix __Host-, which a browser takes from this very host and
over TLS only; others are not looked at then. The scheme of the request says whether there is TLS: it is
that of the connection, or what a trusted proxy says it was.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import Response

from service.errors import ForeignRequest

CSRF_HEADER: Final = "X-CSRF-Token"
_SESSION: Final = "sightline-session"
_CSRF: Final = "sightline-csrf"
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def token_in(scope: Mapping[str, Any], headers: Headers) -> str | None:
    """The session's token that a request brings; None where another page caused the request."""
    if headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        return None
    return cookie_parser(headers.get("cookie", "")).get(_name(scope, _SESSION)) or None


def require_own(scope: Mapping[str, Any], headers: Headers, token: str) -> None:
    """Raise ForeignRequest if a request that changes something may not be the page's own."""
    if scope["method"] in _SAFE:
        return
    if not _same_origin(scope, headers):
        raise ForeignRequest("A session is for this server's own page only; other programs send an API key.")
    sent = headers.get(CSRF_HEADER, "")
    if not hmac.compare_digest(sent.encode(), _csrf_of(token).encode()):
        raise ForeignRequest(f"The header {CSRF_HEADER} is not the value of the session's second cookie.")


def _same_origin(scope: Mapping[str, Any], headers: Headers) -> bool:
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    scheme, _, host = headers.get("origin", "").partition("://")
    # A proxy that is not trusted hides TLS: then the page's scheme may be https where ours is http.
    return host != "" and host == headers.get("host") and (scheme == "https" or scope["scheme"] == "http")


def put(response: Response, scope: Mapping[str, Any], token: str) -> None:
    """Let an answer sign the browser in."""
    for name, value in ((_SESSION, token), (_CSRF, _csrf_of(token))):
        response.set_cookie(
            _name(scope, name),
            value,
            secure=scope["scheme"] == "https",
            httponly=name == _SESSION,
            samesite="strict",
        )


def take(response: Response, scope: Mapping[str, Any]) -> None:
    """Let an answer sign the browser out."""
    for name in (_SESSION, _CSRF):
        response.delete_cookie(
            _name(scope, name),
            secure=scope["scheme"] == "https",
            httponly=name == _SESSION,
            samesite="strict",
        )


def _name(scope: Mapping[str, Any], name: str) -> str:
    return f"__Host-{name}" if scope["scheme"] == "https" else name


def _csrf_of(token: str) -> str:
    return hmac.digest(token.encode(), b"sightline csrf", hashlib.sha256).hex()
