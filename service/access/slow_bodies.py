"""Rights are checked before a body is read; one that took its time is checked again at its end."""

import time
from collections.abc import Callable
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import Message, Receive, Scope

import gallery.errors
from service.errors import ServiceError, StateConflict

LONG_SECONDS: Final = 1.0
_LOST: Final = "lost"


def checked_again(scope: Scope, receive: Receive, check: Callable[[], None]) -> Receive:
    """Let `check` find the caller once more when the body of a request has come and that took long.

    A key can be revoked, and a group lose a camera, while somebody sends a body byte by byte. What `check`
    raises then, or that the caller is no longer as it was, is raised by `require_rights`: within the reading
    of a body it would be taken for a fault of the body.
    """
    began = time.monotonic()
    state = scope["state"]

    async def received() -> Message:
        message = await receive()
        ended = message["type"] == "http.request" and not message.get("more_body", False)
        if ended and time.monotonic() - began > LONG_SECONDS:
            before = state["caller"]
            try:
                await run_in_threadpool(check)
            except (ServiceError, gallery.errors.GalleryError) as error:
                state[_LOST] = error
            else:
                if state["caller"] != before:
                    state[_LOST] = StateConflict("What this key may do changed meanwhile: send it again.")
        return message

    return received


def require_rights(request: Request) -> None:
    """Raise why the caller of a request, whose body was long, may not do it any more.

    An operation that reads its body by itself asks after that.
    """
    if (error := getattr(request.state, _LOST, None)) is not None:
        raise error
