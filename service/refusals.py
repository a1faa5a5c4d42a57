"""What is not shown to a key that is limited to cameras is on record, whether it is there or not.

Both are answered in the same words and both are recorded, so neither the answer nor the time that it takes
tells the one from the other; only the audit trail does.
"""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from gallery.errors import NotFound, OutOfSight
from service.errors import InvalidRequest, ProbeUnavailable

_LONGEST = 300
_NOT_THERE = (NotFound, InvalidRequest, ProbeUnavailable)


async def note(request: Request, error: Exception) -> None:
    """Record that a limited key asked for what is not there for it. Raises GalleryError: it cannot be."""
    caller = getattr(request.state, "caller", None)
    if caller is None or caller.cameras is None or not isinstance(error, _NOT_THERE):
        return
    cause = error if isinstance(error, NotFound) else error.__cause__
    said = str(error).encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    detail = {"said": said[:_LONGEST], "out_of_sight": isinstance(cause, OutOfSight)}
    operation = getattr(request.scope.get("route"), "operation_id", None)

    def record() -> None:
        audit = request.app.state.sightline.gallery.audit
        audit.record("key.refuse", key_id=caller.key_id, subject=operation, detail=detail)

    await run_in_threadpool(record)
