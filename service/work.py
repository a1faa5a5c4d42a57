"""Bounded lanes for slow work, so that no request holds the event loop or every thread."""

from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

import anyio
import anyio.to_thread

from service.errors import Busy

P = ParamSpec("P")
T = TypeVar("T")


class Lane:
    """Runs functions in threads, at most `width` at once.

    What waits holds no thread, and no more than `max_waiting` wait: then Busy is raised at once, which a
    client can act on while a queue without end only times out.
    """

    def __init__(self, width: int, max_waiting: int) -> None:
        self._limiter = anyio.CapacityLimiter(width)
        self._max_waiting = max_waiting

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call the function in a thread and return what it returns."""
        waiting = self._limiter.statistics().tasks_waiting
        if self._limiter.available_tokens <= 0 and waiting >= self._max_waiting:
            raise Busy(f"{waiting} requests are waiting already; try again shortly.")
        return await anyio.to_thread.run_sync(partial(function, *args, **kwargs), limiter=self._limiter)
