"""Authentication: a key or a session on everything under /v1, checked before a byte of the body is read.

It is a middleware and not a dependency of each route so that a route cannot be added without it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from inspect import iscoroutinefunction
from typing import Annotated, Final

from fastapi import Depends, Header, Request
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import gallery.errors
from gallery import Gallery, KeyInfo, SessionInfo
from gallery import Scope as KeyScope
from service import problems
from service.access import cookies
from service.access.bodies import Bodies, has_body
from service.access.identity import Identity
from service.access.limits import Count, Limits, address_of, headers_of, place_of
from service.access.slow_bodies import checked_again, require_rights, require_still
from service.errors import Forbidden, ServiceError, Unauthenticated
from service.reasons import CASE_NUMBER, PURPOSE
from service.roles import Grant, Roles
from service.scopes import NEEDED, WHOLE_GALLERY
from service.settings import is_loopback
from service.turns import give_back

PROTECTED: Final = "/v1"
SIGN_IN: Final = ("POST", "/v1/session")
_MAX_SECRET: Final = 200
_WHY: Final = "Why people are looked at, for the audit trail; UTF-8, percent-encoded as in a URL"
_CASE: Final = "The case number that this belongs to, for the audit trail; UTF-8, percent-encoded as in a URL"
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

    `session_id` is the session of the page that it came in; None where it brought the key itself. `until` is
    when the token that it brought ends, and `roles` those of it that are mapped; None for a key.
    `cameras` are the ids of those that it may see; None: all. `service.state` gives its requests a gallery
    that holds no others.

    An operator on this machine may act on what belongs to a key: the audit trail then names no key, as for
    all that is done on the command line.
    """

    key_id: str | None
    operator: bool = False
    scopes: frozenset[KeyScope] = frozenset(KeyScope)
    session_id: str | None = None
    until: datetime | None = None
    roles: frozenset[str] | None = None
    cameras: frozenset[int] | None = None

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
        idle: how long a session of the page may be unused.
        limits: how often anybody may ask.
        bodies: how many bodies may be on their way, and how slowly.
        tokens: checks bearer tokens of an issuer; None: there is none.
        roles: what the roles in such tokens may do.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        routes: Sequence[APIRoute],
        allow_anonymous: bool,
        idle: timedelta,
        limits: Limits,
        bodies: Bodies,
        tokens: Callable[[str], Identity] | None,
        roles: Roles,
    ) -> None:
        self._app = app
        self._routes = routes
        self._allow_anonymous = allow_anonymous
        self._idle = idle
        self._limits = limits
        self._bodies = bodies
        self._tokens = tokens
        self._roles = roles

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Authenticate a request under /v1, pass everything else on."""
        if scope["type"] != "http" or not _is_protected(scope["path"]):
            await self._app(scope, receive, send)
            return
        counts: list[Count] = []
        telling = _telling(counts, send)
        place, ended = place_of(address_of(scope)), _nothing
        try:
            counts += self._limits.admit(self._limits.address, place)
            await run_in_threadpool(self._enter, scope, counts)
            if has_body(Headers(scope=scope)):
                body = self._bodies.begin(scope["state"]["caller"].key_id, place, receive)
                receive, ended = body.receive, body.end
        except (ServiceError, gallery.errors.GalleryError) as error:
            await problems.from_error(scope, error)(scope, receive, telling)
            return
        again = checked_again(scope, receive, partial(self._enter, scope, None))
        try:
            await self._app(scope, again, partial(_yielding, scope, telling))
        finally:
            ended()
            give_back(scope)

    def _enter(self, scope: Scope, counts: list[Count] | None) -> None:
        """Note who asks for which operation, if they may; without `counts` it is not the first time."""
        caller = self._caller(scope, Headers(scope=scope))
        if counts is not None and caller.key_id is not None:
            counts += self._limits.admit(self._limits.key, caller.key_id)
        scope["state"]["caller"] = caller
        route = next((one for one in self._routes if one.matches(scope)[0] is Match.FULL), None)
        if route is not None:
            scope["state"]["operation"] = route.operation_id
            _check_scopes(route, _gallery(scope), caller)

    def _caller(self, scope: Scope, headers: Headers) -> Caller:
        """Who sent a request: a key counts before a cookie, a cookie before nobody."""
        if (secret := _secret(headers)) is not None:
            return self._by_secret(scope, secret)
        token = cookies.token_in(scope, headers)
        found = _gallery(scope).sessions.verify(token, idle=self._idle) if token else None
        if token and found:
            cookies.require_own(scope, headers, token)
            return _by_session(_gallery(scope), *found, self._roles)
        if self._allow_anonymous and _from_this_machine(scope, headers):
            return Caller(None)
        if token:
            raise Unauthenticated("The session has ended. Sign in again.")
        raise Unauthenticated("Send an API key in the X-API-Key header or as a bearer token.")

    def _by_secret(self, scope: Scope, secret: str) -> Caller:
        opened = _gallery(scope)
        try:
            if self._tokens is not None and _is_token(secret):
                return _by_identity(opened, self._tokens(secret), self._roles)
            return _by_key(opened, secret)
        except (Unauthenticated, Forbidden):
            address = address_of(scope)
            self._limits.admit(self._limits.failure, place_of(address))
            if (scope["method"], scope["path"]) == SIGN_IN:
                opened.audit.record("session.refuse", detail={"address": address})
            raise


def _by_key(opened: Gallery, secret: str) -> Caller:
    key = opened.keys.verify(secret) if len(secret) <= _MAX_SECRET else None
    if key is None:
        raise Unauthenticated("The API key is unknown, expired or revoked.")
    return _caller_of(opened, key, _grant_of(key))


def _is_token(secret: str) -> bool:
    """Whether this is a signed token (two dots), not a key (none)."""
    return secret.count(".") == 2


def _by_identity(opened: Gallery, identity: Identity, roles: Roles) -> Caller:
    """The caller whom a token speaks for: each subject has a key of its own, without a secret."""
    grant = roles.grant(identity.roles)
    key = opened.keys.of_subject(
        identity.issuer, identity.subject, roles=identity.roles, scopes=grant.scopes, groups=grant.groups
    )
    if not grant.scopes:  # after it is noted: what the subject's sessions may do ends as well
        raise Forbidden("None of the roles of this token may do anything here.")
    if key is None:
        raise Unauthenticated("The key of this token's subject is revoked.")
    opened.keys.note_use(key)
    return _caller_of(opened, key, grant, until=identity.expires_at, roles=identity.roles)


def _by_session(opened: Gallery, session: SessionInfo, key: KeyInfo, roles: Roles) -> Caller:
    """The caller who signed in on the page: with a key, or with a token, whose roles are looked up anew."""
    grant = _grant_of(key) if key.subject is None else roles.grant_session(session, key)
    if not grant.scopes:
        raise Unauthenticated("None of the roles of this session may do anything here now. Sign in again.")
    opened.keys.note_use(key)
    return _caller_of(opened, key, grant, session_id=session.id)


def _gallery(scope: Scope) -> Gallery:
    opened: Gallery = scope["app"].state.sightline.gallery
    return opened


def _telling(counts: list[Count], send: Send) -> Send:
    """Let an answer say how its caller stands with the limits that counted the request."""

    async def tell(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            for name, value in headers_of(counts).items():
                headers.setdefault(name, value)
        await send(message)

    return tell


def _nothing() -> None:
    """What ends the body of a request that has none."""


async def _yielding(scope: Scope, send: Send, message: Message) -> None:
    """Let others have their turn once an answer is there: what is left is to send it."""
    if message["type"] == "http.response.start":
        give_back(scope)
    await send(message)


def _grant_of(key: KeyInfo) -> Grant:
    groups = key.camera_groups
    return Grant(
        frozenset(KeyScope(scope) for scope in key.scopes), None if groups is None else tuple(groups)
    )


def _caller_of(
    opened: Gallery,
    key: KeyInfo,
    grant: Grant,
    *,
    session_id: str | None = None,
    until: datetime | None = None,
    roles: frozenset[str] | None = None,
) -> Caller:
    return Caller(
        key.id,
        scopes=grant.scopes,
        session_id=session_id,
        until=until,
        roles=roles,
        cameras=None if grant.groups is None else opened.groups.cameras_of(grant.groups),
    )


def _check_scopes(route: APIRoute, opened: Gallery, caller: Caller) -> None:
    """Raise Forbidden, on record, if the key lacks what the operation needs."""
    operation = str(route.operation_id)
    needed = NEEDED[operation]
    if needed and not needed & caller.scopes:
        names = " or ".join(one.value for one in KeyScope if one in needed)
        opened.audit.record("key.refuse", key_id=caller.key_id, subject=operation, detail={"needed": names})
        raise Forbidden(f"This key may not do this: it needs the scope {names}.")
    if caller.cameras is not None and operation in WHOLE_GALLERY:
        detail = {"needed": "all cameras"}
        opened.audit.record("key.refuse", key_id=caller.key_id, subject=operation, detail=detail)
        raise Forbidden("This key is limited to camera groups, and this concerns the whole gallery.")


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


async def require_caller(
    request: Request,
    _key: Annotated[str | None, Depends(APIKeyHeader(name="X-API-Key", auto_error=False))],
    _bearer: Annotated[object, Depends(HTTPBearer(auto_error=False))],
    _purpose: Annotated[str | None, Header(alias=PURPOSE, description=_WHY)] = None,
    _case_number: Annotated[str | None, Header(alias=CASE_NUMBER, description=_CASE)] = None,
) -> Caller:
    """The caller that the middleware found; the parameters only declare the schemes in OpenAPI.

    What the middleware has checked before the body is checked again, for the route that was really taken.
    Then one that works in a thread waits for its key's turn, which may take long enough for rights to change;
    the others go through a lane, or wait for bytes.
    """
    require_rights(request)
    caller: Caller = request.state.caller
    route = request.scope["route"]
    await run_in_threadpool(_check_scopes, route, request.app.state.sightline.gallery, caller)
    if not iscoroutinefunction(route.endpoint):
        await request.app.state.sightline.turns.take(caller.key_id, request.scope)
        await require_still(request)
    return caller


CallerDep = Annotated[Caller, Depends(require_caller)]
