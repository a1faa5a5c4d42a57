"""Every error answer is a problem document (RFC 9457); one table says which error is which status."""

import errno
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY
from starlette.requests import ClientDisconnect

import gallery.errors as gallery_errors
import models.errors as model_errors
from service import disk, errors, refusals

MEDIA_TYPE: Final = "application/problem+json"
log = structlog.get_logger(__name__)


class FieldError(BaseModel):
    """One wrong value of a request."""

    pointer: str = Field(
        description="JSON pointer into the body, or the parameter's name", examples=["/start"]
    )
    message: str = Field(description="What is wrong with it")


class Problem(BaseModel):
    """An error answer after RFC 9457."""

    type: str = Field(
        examples=["urn:sightline:problem:not-found"],
        description="Kind of the problem, for programs: its last part",
    )
    title: str = Field(description="Kind of the problem, in words")
    status: int = Field(description="The HTTP status")
    detail: str = Field(description="What happened this time")
    request_id: str | None = Field(default=None, description="Also in the X-Request-ID header and in the log")
    errors: list[FieldError] | None = Field(
        default=None, description="The wrong values of the request, if that is the problem"
    )
    size: int | None = Field(default=None, description="Bytes an upload has received so far")


@dataclass(frozen=True, slots=True)
class Kind:
    """The HTTP form of an error class. Its message is sent to clients only if `public`."""

    status: int
    slug: str
    title: str
    public: bool = True
    headers: Mapping[str, str] | None = None


# Python's own names of statuses change from version to version; clients rely on these.
_PHRASES: Final = {
    400: "Bad request",
    401: "Unauthenticated",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    408: "Request timeout",
    409: "Conflict",
    410: "Gone",
    413: "Too large",
    415: "Unsupported media type",
    416: "Range not satisfiable",
    422: "Invalid request",
    428: "Precondition required",
    429: "Too many requests",
    500: "Internal error",
    503: "Unavailable",
    507: "Storage full",
}
_SOON: Final = {"Retry-After": "2"}
_LATER: Final = {"Retry-After": "30"}  # where somebody has to do something first
TABLE: Final[dict[type[Exception], Kind]] = {
    errors.Unauthenticated: Kind(
        401,
        "unauthenticated",
        "API key missing or invalid",
        headers={"WWW-Authenticate": 'Bearer realm="sightline"'},
    ),
    errors.Forbidden: Kind(403, "forbidden", "Not allowed with this key"),
    errors.ForeignRequest: Kind(403, "foreign-request", "Not a request of the page"),
    errors.ReasonMissing: Kind(428, "reason-missing", "The purpose or case number is missing"),
    errors.InvalidRequest: Kind(422, "invalid-request", "Invalid request"),
    errors.BadWebhook: Kind(422, "invalid-webhook", "Not an address for a webhook"),
    errors.BadProbe: Kind(422, "unreadable-image", "The photo cannot be read"),
    errors.UnsupportedImage: Kind(415, "unsupported-image", "Unsupported image type"),
    errors.ContentTooLarge: Kind(413, "too-large", "Too large"),
    errors.OffsetMismatch: Kind(409, "offset-mismatch", "Wrong upload offset"),
    errors.StateConflict: Kind(409, "conflict", "Not possible in the current state"),
    errors.ProbeUnavailable: Kind(410, "probe-unavailable", "What was searched for is gone"),
    errors.RecordingUnavailable: Kind(410, "recording-unavailable", "The recording cannot be played"),
    errors.NotReady: Kind(503, "not-ready", "Not ready", headers={"Retry-After": "5"}),
    errors.IssuerUnavailable: Kind(
        503,
        "issuer-unavailable",
        "The issuer of the token cannot be asked for its keys",
        public=False,
        headers={"Retry-After": "5"},
    ),
    errors.RateLimited: Kind(429, "rate-limited", "Too many requests"),
    errors.Busy: Kind(503, "busy", "Too many requests are waiting", headers=_SOON),
    errors.Abandoned: Kind(499, "abandoned", "The client went away"),  # for the log; nobody receives it
    errors.StorageFull: Kind(507, "storage-full", "The disk is full", headers=_LATER),
    errors.StorageUnavailable: Kind(503, "storage-unavailable", "The disk is unavailable", headers=_LATER),
    errors.QuotaExceeded: Kind(507, "quota-exceeded", "The key has reached its quota"),
    gallery_errors.NotFound: Kind(404, "not-found", "Not found"),
    gallery_errors.Conflict: Kind(409, "conflict", "Conflict with existing data"),
    gallery_errors.Held: Kind(409, "held", "Under legal hold"),
    gallery_errors.InvalidInput: Kind(422, "invalid-request", "Invalid request"),
    gallery_errors.StorageFull: Kind(507, "storage-full", "The disk is full", headers=_LATER),
    gallery_errors.CatalogueUnavailable: Kind(
        503, "catalogue-unavailable", "The database is unavailable", public=False, headers=_SOON
    ),
    gallery_errors.ObjectsUnavailable: Kind(
        503,
        "objects-unavailable",
        "The object store of the recordings does not answer",
        public=False,
        headers=_SOON,
    ),
    gallery_errors.VectorsUnavailable: Kind(
        503,
        "vectors-unavailable",
        "The index is unavailable: Milvus does not answer",
        public=False,
        headers=_SOON,
    ),
    gallery_errors.SchemaMismatch: Kind(
        503, "schema-mismatch", "The database schema does not match", public=False, headers=_LATER
    ),
    gallery_errors.GalleryError: Kind(500, "gallery", "The gallery failed", public=False),
    model_errors.BadImage: Kind(422, "unreadable-image", "The photo cannot be read"),
    model_errors.ModelError: Kind(500, "model", "The model failed", public=False),
}


def response(
    scope: Mapping[str, Any],
    status: int,
    slug: str,
    title: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    field_errors: list[FieldError] | None = None,
    size: int | None = None,
) -> JSONResponse:
    """A problem document as a response; `scope` is the request's ASGI scope."""
    problem = Problem(
        type=f"urn:sightline:problem:{slug}",
        title=title,
        status=status,
        detail=detail,
        request_id=scope.get("state", {}).get("request_id"),
        errors=field_errors,
        size=size,
    )
    scope.get("state", {})["problem"] = slug  # for the log and the metrics
    all_headers = {"Cache-Control": "no-store", **(_SOON if status == 503 else {}), **(headers or {})}
    if problem.request_id:
        all_headers["X-Request-ID"] = problem.request_id
    return JSONResponse(
        problem.model_dump(exclude_none=True), status_code=status, media_type=MEDIA_TYPE, headers=all_headers
    )


def from_error(scope: Mapping[str, Any], error: Exception) -> JSONResponse:
    """The problem that an error is: the nearest class of the table that it derives from decides.

    Errors of the disk come as what `service.disk` says they are.
    """
    if (refused := disk.refusal(error)) is not None:
        assert isinstance(error, OSError)
        log.error("the disk refused", reason=errno.errorcode.get(error.errno or 0, type(error).__name__))
        error = refused
    kind = next(TABLE[base] for base in type(error).__mro__ if base in TABLE)
    pointer = getattr(error, "pointer", None)
    if not kind.public:
        log.error("request failed", error=repr(error), request_id=scope.get("state", {}).get("request_id"))
    return response(
        scope,
        kind.status,
        kind.slug,
        kind.title,
        str(error) if kind.public else kind.title + ".",
        headers={**(kind.headers or {}), **getattr(error, "headers", {})},
        field_errors=[FieldError(pointer=pointer, message=str(error))] if pointer else None,
        size=getattr(error, "size", None),
    )


def from_status(
    scope: Mapping[str, Any], status: int, detail: str | None, headers: Mapping[str, str] | None
) -> JSONResponse:
    """The problem for an error that Starlette raised or answered itself."""
    phrase = _PHRASES.get(status, f"HTTP {status}")
    if status == 413 and MAX_BODY_SIZE_SCOPE_KEY in scope:
        detail = f"The body is larger than the {scope[MAX_BODY_SIZE_SCOPE_KEY]} bytes accepted here."
    return response(scope, status, _slug(phrase), phrase, detail or f"{phrase}.", headers=headers)


def slugs() -> frozenset[str]:
    """The last parts of all types of problems that there are."""
    own = {kind.slug for kind in TABLE.values()} | {"invalid-request", "internal"}
    return frozenset(own | {_slug(phrase) for phrase in _PHRASES.values()})


def _slug(phrase: str) -> str:
    return phrase.lower().replace(" ", "-")


def install(app: FastAPI) -> None:
    """Answer every error of the application with a problem document."""

    async def known(request: Request, error: Exception) -> JSONResponse:
        if isinstance(disk.refusal(error) or error, errors.StorageFull | gallery_errors.StorageFull):
            request.app.state.sightline.full_disk.note()  # /readyz says so
        try:
            await refusals.note(request, error)
        except gallery_errors.GalleryError as unrecorded:
            return from_error(request.scope, unrecorded)
        return from_error(request.scope, error)

    async def of_system(request: Request, error: Exception) -> JSONResponse:
        if disk.refusal(error) is None:
            raise error
        return await known(request, error)

    async def http_error(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        if isinstance(cause := error.__cause__, OSError) and disk.refusal(cause) is not None:
            return await known(request, cause)  # a large form waits on the disk, and is no bad form
        return from_status(request.scope, error.status_code, error.detail, error.headers)

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        wrong = [FieldError(pointer=_pointer(item["loc"]), message=item["msg"]) for item in error.errors()]
        detail = "; ".join(f"{item.pointer}: {item.message}" for item in wrong[:5])
        return response(
            request.scope, 422, "invalid-request", "Invalid request", detail, field_errors=wrong[:50]
        )

    async def gone(request: Request, error: Exception) -> JSONResponse:  # noqa: ARG001
        return from_status(
            request.scope, 400, "The connection broke.", None
        )  # for the log; nobody receives it

    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        request_id = request.scope.get("state", {}).get("request_id")
        log.error("unexpected error", error=type(error).__name__, request_id=request_id)
        return response(
            request.scope,
            500,
            "internal",
            "Internal error",
            f"See the server log, request {request_id}.",
        )

    for error_class in TABLE:
        app.add_exception_handler(error_class, known)
    app.add_exception_handler(OSError, of_system)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(ClientDisconnect, gone)
    app.add_exception_handler(Exception, unexpected)


def _pointer(location: tuple[int | str, ...]) -> str:
    kind, *path = location
    if kind == "body":
        return "/" + "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in path)
    return str(path[-1]) if path else str(kind)


def declared(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The error responses of a route for OpenAPI; every route has 401, 403, 422, 429, 500 and 503."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": _PHRASES[status], "content": content}
        for status in sorted({401, 403, 422, 429, 500, 503, *statuses})
    }


def binary(*media_types: str) -> dict[str, Any]:
    """A response for OpenAPI that is a file of one of these types."""
    return {"content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in media_types}}


def content(document: JSONResponse) -> dict[str, Any]:
    """The members of a problem document, for an answer that adds its own."""
    members: dict[str, Any] = json.loads(bytes(document.body))
    return members
