"""Rights are checked before a body is read, and again where it, its turn or its answer takes its time."""

import time
from collections.abc import Callable, MutableMapping
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import Message, Receive, Scope

import gallery.errors
from service.errors import ServiceError, StateConflict

LONG_SECONDS: Final = 1.0
_LOST: Final = "lost"
_LOOK: Final = "look_again"
_LOOKED: Final = "looked"


def checked_again(scope: Scope, receive: Receive, check: Callable[[], None]) -> Receive:
    """Let `check` find the caller once more when the body of a request has come and that took long.

    A key can be revoked, and a group lose a camera, while somebody sends a body byte by byte. What `check`
    raises then, or that the caller is no longer as it was, is raised by `require_rights`: within the reading
    of a body it would be taken for a fault of the body.
    """
    state = scope["state"]
    state[_LOOKED] = time.monotonic()

    def look() -> None:
        before = state["caller"]
        try:
            check()
        except (ServiceError, gallery.errors.GalleryError) as error:
            state[_LOST] = error
        else:
            if state["caller"] != before:
                state[_LOST] = StateConflict("What this key may do changed meanwhile: send it again.")

    state[_LOOK] = look

    async def received() -> Message:
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            await _look_again(state)
        return message

    return received


async def _look_again(state: MutableMapping[str, Any]) -> None:
    """Find the caller once more, but not twice in a second."""
    look = state.get(_LOOK)
    if look is not None and _LOST not in state and time.monotonic() - state[_LOOKED] > LONG_SECONDS:
        await run_in_threadpool(look)
        state[_LOOKED] = time.monotonic()


async def require_still(request: Request) -> None:
    """Raise why the caller of a request that takes long may not do it any more; to be asked now and then."""
    await _look_again(request.scope.setdefault("state", {}))
    require_rights(request)


def require_rights(request: Request) -> None:
    """Raise why the caller of a request, whose body was long, may not do it any more.

    An operation that reads its body by itself asks after that.
    """
    if (error := getattr(request.state, _LOST, None)) is not None:
        raise error
