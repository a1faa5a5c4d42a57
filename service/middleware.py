"""Middleware of every request: id, log line, metrics, security headers, HEAD, errors as problem documents."""

import re
import secrets
import time
from typing import Final

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gallery import KEY_PREFIX
from gallery.tracing import Span, span
from service import problems
from service.access.limits import LIMIT_FIELDS
from service.metrics.instruments import METHODS, NO_ROUTE, OTHER, Instruments

log = structlog.get_logger(__name__)

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{8,64}")
_KEPT: Final = (
    "allow",
    "content-range",
    "www-authenticate",
    "retry-after",
    "vary",
    *LIMIT_FIELDS,
)
_PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob:; media-src 'self' blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_API_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class RequestContext:
    """ASGI middleware: request id, log line, metrics, security headers; all errors are problem documents.

    The log has the template of the path and not the path: an id in it can be that of somebody who was seen,
    and a wrong path holds whatever was typed or pasted, a key too. Which ids, the audit trail says.

    Libraries answer some errors themselves, in plain text: an unsatisfiable range, a refused preflight, a
    body over its limit. Such an answer is replaced by a problem document of the same status.
    """

    def __init__(self, app: ASGIApp, *, instruments: Instruments) -> None:
        self._app = app
        self._instruments = instruments

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        # A key that is sent as an id would land in the log.
        usable = _REQUEST_ID.fullmatch(given) and KEY_PREFIX not in given
        request_id = given if usable else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        with span("request", parent=_trace(Headers(scope=scope))) as traced:
            await self._answer(scope, receive, send, traced)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, traced: Span) -> None:
        started = time.perf_counter()
        answer = _Answer(scope, send)
        # The answer to HEAD is that to GET without its body, so no route has to know of it.
        asked = {**scope, "method": "GET"} if answer.headless else scope
        scope["state"]["headless"] = answer.headless  # for routes whose body is costly
        try:
            if _is_ambiguous(Headers(scope=scope)):
                await _refuse_ambiguous(asked, receive, answer.send)
            else:
                await self._app(asked, receive, answer.send)
        finally:
            self._note(asked, scope["method"], answer, started)
            _describe(traced, asked, scope["method"], answer)

    def _note(self, scope: Scope, method: str, answer: "_Answer", started: float) -> None:
        """Write the log line of an answered request, and count it."""
        state, route, now = scope["state"], _template(scope), time.perf_counter()
        caller, problem = state.get("caller"), state.get("problem")
        self._instruments.answered(method, route, answer.status, (answer.began or now) - started)
        if problem is not None:
            self._instruments.refused(problem)
        log.info(
            "request",
            request_id=state["request_id"],
            method=method if method in METHODS else OTHER,
            route=route,
            status=answer.status,
            problem=problem,
            key_id=caller.key_id if caller else None,
            milliseconds=round((now - started) * 1000, 1),
        )


def _trace(headers: Headers) -> dict[str, str]:
    """What a caller says of the span that the request belongs to; nothing else of the headers."""
    return {name: headers[name] for name in ("traceparent",) if name in headers}


def _describe(traced: Span, scope: Scope, method: str, answer: "_Answer") -> None:
    """Name a request's span by its route, and say how it was answered."""
    known = method if method in METHODS else OTHER
    route = _template(scope) or NO_ROUTE
    traced.rename(f"{known} {route}")
    traced.note(
        {
            "http.request.method": known,
            "http.route": route,
            "http.response.status_code": answer.status,
        }
    )
    if answer.status >= 500:
        traced.failed(str(answer.status))


class _Answer:
    """The answer to one request on its way out.

    Attributes:
        headless: the request is a HEAD, and the body stays behind.
        status: what was answered; 500 until something is.
        began: when its first byte was sent, by the performance counter; None until then.
    """

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._replaced = False
        self.headless = scope["method"] == "HEAD"
        self.status = 500
        self.began: float | None = None

    async def send(self, message: Message) -> None:
        """Pass a message on, with its headers set; of an answer that is replaced nothing is passed on."""
        if message["type"] == "http.response.start":
            self.status, self.began = message["status"], time.perf_counter()
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            is_problem = headers.get("content-type", "").startswith(problems.MEDIA_TYPE)
            self._replaced = self.status >= 400 and not is_problem
            if self._replaced:
                await _send_problem(self._scope, self.status, headers, self._send)
                return
            _secure(self._scope, headers)
        if not self._replaced:
            bare = self.headless and "body" in message
            await self._send({**message, "body": b""} if bare else message)


def _is_ambiguous(headers: Headers) -> bool:
    """Whether a body has two lengths: a proxy that goes by the other one sees other requests than we do."""
    return "transfer-encoding" in headers and "content-length" in headers


async def _refuse_ambiguous(scope: Scope, receive: Receive, send: Send) -> None:
    """RFC 9112, section 6.1: what follows on the connection may be anything, so it is closed."""
    said = "Content-Length and Transfer-Encoding exclude each other."
    await problems.from_status(scope, 400, said, {"Connection": "close"})(scope, receive, send)


def _template(scope: Scope) -> str | None:
    """The template of the path that a route took; None if none did."""
    if scope["path"].startswith("/web/"):
        return "/web"
    route = scope.get("route")
    return getattr(route, "path_format", None) or getattr(route, "path", None)


async def _send_problem(scope: Scope, status: int, headers: Headers, send: Send) -> None:
    document = problems.from_status(
        scope, status, None, {name: headers[name] for name in _KEPT if name in headers}
    )
    _secure(scope, document.headers)
    await send({"type": "http.response.start", "status": status, "headers": document.raw_headers})
    await send({"type": "http.response.body", "body": document.body})


def _secure(scope: Scope, headers: MutableHeaders) -> None:
    headers["X-Request-ID"] = scope["state"]["request_id"]
    for name, value in _HEADERS.items():
        headers[name] = value
    path = scope["path"]
    page = path == "/" or path.startswith("/web/")
    headers.setdefault("Content-Security-Policy", _PAGE_POLICY if page else _API_POLICY)
    # The page's files are asked for anew, so that none of an older version stays; answers are kept nowhere.
    headers.setdefault("Cache-Control", "no-cache" if page else "private, no-store")
