"""Authentication: an API key on everything under /v1, checked before a byte of the body is read.

It is a middleware and not a dependency of each route so that a route cannot be added without it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

import gallery.errors
from gallery import Gallery
from gallery import Scope as KeyScope
from service import problems
from service.errors import Forbidden, ServiceError, Unauthenticated
from service.scopes import NEEDED
from service.settings import is_loopback

PROTECTED: Final = "/v1"
_MAX_SECRET: Final = 200
# What reverse proxies add: whichever of them is there, the request came from elsewhere.
_FORWARDING: Final = frozenset(
    {"forwarded", "via", "x-real-ip", "x-client-ip", "client-ip", "true-client-ip", "x-cluster-client-ip"}
    | {"x-forwarded", "x-remote-addr", "x-remote-ip", "x-originating-ip", "x-proxyuser-ip", "x-request-start"}
    | {"x-appengine-user-ip", "x-azure-clientip", "x-azure-socketip", "fastly-client-ip", "x-amzn-trace-id"}
)
_FORWARDING_PREFIXES: Final = ("x-forwarded-", "x-original-", "x-envoy-", "cf-")


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request; `key_id` is None for an anonymous caller on this machine.

    An operator on this machine may act on what belongs to a key: the audit trail then names no key, as for
    all that is done on the command line.
    """

    key_id: str | None
    operator: bool = False
    scopes: frozenset[KeyScope] = frozenset(KeyScope)

    @property
    def actor(self) -> str | None:
        """The key that the audit trail names; None for the command line."""
        return None if self.operator else self.key_id

    def owns(self, key_id: str | None) -> bool:
        """Return whether this caller owns what was made under `key_id`; the rest does not exist for it."""
        return self.key_id == key_id


class Authentication:
    """ASGI middleware that lets only known callers through to the API.

    Args:
        app: what to protect.
        routes: all operations under /v1.
        allow_anonymous: serve callers without a key when they certainly sit on this machine.
    """

    def __init__(self, app: ASGIApp, *, routes: Sequence[APIRoute], allow_anonymous: bool) -> None:
        self._app = app
        self._routes = routes
        self._allow_anonymous = allow_anonymous

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Authenticate a request under /v1, pass everything else on."""
        if scope["type"] == "http" and _is_protected(scope["path"]):
            try:
                scope["state"]["caller"] = await run_in_threadpool(self._authenticate, scope)
            except (ServiceError, gallery.errors.GalleryError) as error:
                await problems.from_error(scope, error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _authenticate(self, scope: Scope) -> Caller:
        headers = Headers(scope=scope)
        secret = _secret(headers)
        if secret is None:
            if self._allow_anonymous and _from_this_machine(scope, headers):
                return Caller(None)
            raise Unauthenticated("Send an API key in the X-API-Key header or as a bearer token.")
        opened: Gallery = scope["app"].state.sightline.gallery
        key = opened.keys.verify(secret) if len(secret) <= _MAX_SECRET else None
        if key is None:
            raise Unauthenticated("The API key is unknown, expired or revoked.")
        caller = Caller(key.id, scopes=frozenset(KeyScope(scope) for scope in key.scopes))
        for route in self._routes:
            if route.matches(scope)[0] is Match.FULL:
                _check_scopes(route, opened, caller)
                break
        return caller


def _check_scopes(route: APIRoute, opened: Gallery, caller: Caller) -> None:
    """Raise Forbidden, on record, if the key lacks what the operation needs."""
    operation = str(route.operation_id)
    needed = NEEDED[operation]
    if not needed or needed & caller.scopes:
        return
    names = " or ".join(one.value for one in KeyScope if one in needed)
    opened.audit.record("key.refuse", key_id=caller.key_id, subject=operation, detail={"needed": names})
    raise Forbidden(f"This key may not do this: it needs the scope {names}.")


def _is_protected(path: str) -> bool:
    return path == PROTECTED or path.startswith(PROTECTED + "/")


def _secret(headers: Headers) -> str | None:
    if "x-api-key" in headers:
        return headers["x-api-key"].strip()
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else None


def _from_this_machine(scope: Scope, headers: Headers) -> bool:
    """Whether no one but a user of this machine can have sent the request.

    A loopback address alone proves little: a reverse proxy on this machine has one too (it adds headers), and
    so has a browser that a foreign page sends here (Sec-Fetch-Site says so; it names the page's origin, or
    the page's host after DNS rebinding).
    """
    client = scope.get("client")
    if client is None or not is_loopback(client[0]):
        return False
    if any(name in _FORWARDING or name.startswith(_FORWARDING_PREFIXES) for name in headers):
        return False
    if headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        return False
    host = headers.get("host", "")
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    if not is_loopback(name):
        return False
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2] == host


def require_caller(
    request: Request,
    _key: Annotated[str | None, Depends(APIKeyHeader(name="X-API-Key", auto_error=False))],
    _bearer: Annotated[object, Depends(HTTPBearer(auto_error=False))],
) -> Caller:
    """The caller that the middleware found; the parameters only declare the schemes in OpenAPI.

    What the middleware has checked before the body is checked again, for the route that was really taken.
    """
    caller: Caller = request.state.caller
    _check_scopes(request.scope["route"], request.app.state.sightline.gallery, caller)
    return caller


CallerDep = Annotated[Caller, Depends(require_caller)]
