"""Bounded lanes for slow work: no request holds the event loop or every thread, no key the others up."""

import asyncio
import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import Final, TypeVar

import anyio
import anyio.to_thread
from starlette.requests import Request

from service.access.slow_bodies import require_still
from service.errors import Abandoned, Busy
from service.turns import Turn, Turns

T = TypeVar("T")
_PATIENCE_SECONDS: Final = 1.0  # between two attempts to take a place among those that wait
_gone: ContextVar[threading.Event | None] = ContextVar("gone", default=None)


def checkpoint() -> None:
    """Raise Abandoned when nobody waits any more for what this thread does; slow work calls it often."""
    gone = _gone.get()
    if gone is not None and gone.is_set():
        raise Abandoned("The client went away.")


async def in_turn(turns: Turns, key_id: str | None, function: Callable[[], T]) -> T:
    """Call a function in a thread in a key's turn, however long that takes to come.

    For a part of an answer whose beginning is on its way: what was sent already is not thrown away.
    """
    while True:
        try:
            leave = await turns.enter(key_id, Turn())
        except Busy:
            await anyio.sleep(_PATIENCE_SECONDS)
            continue
        try:
            return await anyio.to_thread.run_sync(function)
        finally:
            leave()


class Lane:
    """Runs functions in threads, at most `width` at once; what waits, as `Turns` has it, holds no thread."""

    def __init__(
        self,
        width: int,
        max_waiting: int,
        max_seconds: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
        *,
        share: int | None = None,
    ) -> None:
        self._threads = anyio.CapacityLimiter(width)
        self._turns = Turns(width, max_waiting, max_seconds, share=share, clock=clock)

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return self._turns.waiting

    async def run(self, key_id: str | None, request: Request, function: Callable[[], T]) -> T:
        """Call a function in a thread and return what it returns.

        Who waited long is asked again what they may do: a key can be revoked meanwhile.

        Args:
            key_id: whose turn it takes.
            request: one whose body was read; when its client goes away, the next `checkpoint` raises.
            function: what to call.

        Raises:
            Busy: too many wait already, or it would wait for too long.
            Abandoned: the client went away.
            ServiceError: its caller may not do it any more.
        """
        turn = Turn()

        def work() -> T:
            _gone.set(turn.gone)
            return function()

        watcher = asyncio.create_task(turn.watch(request))
        try:
            leave = await self._turns.enter(key_id, turn)
            try:
                await require_still(request)
                return await anyio.to_thread.run_sync(work, limiter=self._threads)
            finally:
                leave()
        finally:
            watcher.cancel()
            with suppress(asyncio.CancelledError):
                await watcher
