"""Bounded lanes for slow work: no request holds the event loop or every thread, no key the others up."""

import asyncio
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

import anyio
import anyio.to_thread
from starlette.requests import Request

from service.errors import Abandoned, Busy

T = TypeVar("T")
_gone: ContextVar[threading.Event | None] = ContextVar("gone", default=None)


def checkpoint() -> None:
    """Raise Abandoned when nobody waits any more for what this thread does; slow work calls it often."""
    gone = _gone.get()
    if gone is not None and gone.is_set():
        raise Abandoned("The client went away.")


@dataclass(slots=True, eq=False)
class _Turn:
    """A request on its way through a lane.

    Attributes:
        called: it waits no longer, for one reason or another.
        gone: its client went away.
        pushed_out: it had to make room.
    """

    called: asyncio.Event = field(default_factory=asyncio.Event)
    gone: threading.Event = field(default_factory=threading.Event)
    pushed_out: bool = False

    async def watch(self, request: Request) -> None:
        """Note when the client goes away."""
        while (await request.receive())["type"] != "http.disconnect":
            pass
        self.gone.set()
        self.called.set()


class Lane:
    """Runs functions in threads, at most `width` at once.

    What waits holds no thread. Keys take turns, so that one with many requests does not hold up the others.
    No more than `max_waiting` wait: then the key with most of them loses its last, which is answered Busy at
    once; a client can act on that, while an endless queue only times out.
    """

    def __init__(self, width: int, max_waiting: int) -> None:
        self._threads = anyio.CapacityLimiter(width)
        self._free = width
        self._max_waiting = max_waiting
        self._queues: OrderedDict[str | None, deque[_Turn]] = OrderedDict()  # the next key first, none empty

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return sum(map(len, self._queues.values()))

    async def run(self, key_id: str | None, request: Request, function: Callable[[], T]) -> T:
        """Call a function in a thread and return what it returns.

        Args:
            key_id: whose turn it takes.
            request: one whose body was read; when its client goes away, the next `checkpoint` raises.
            function: what to call.

        Raises:
            Busy: too many wait already.
            Abandoned: the client went away.
        """
        turn = _Turn()

        def work() -> T:
            _gone.set(turn.gone)
            return function()

        watcher = asyncio.create_task(turn.watch(request))
        try:
            await self._enter(key_id, turn)
            try:
                return await anyio.to_thread.run_sync(work, limiter=self._threads)
            finally:
                self._leave()
        finally:
            watcher.cancel()
            with suppress(asyncio.CancelledError):
                await watcher

    async def _enter(self, key_id: str | None, turn: _Turn) -> None:
        """Wait for this key's turn. Raises Busy, Abandoned."""
        if self._free > 0:
            self._free -= 1
            return
        if self.waiting >= self._max_waiting:
            self._make_room(key_id)
        self._queues.setdefault(key_id, deque()).append(turn)
        try:
            await turn.called.wait()
        except asyncio.CancelledError:
            self._withdraw(key_id, turn)
            raise
        if turn.gone.is_set():
            self._withdraw(key_id, turn)
            raise Abandoned("The client went away.")
        if turn.pushed_out:
            raise self._busy()

    def _leave(self) -> None:
        """Call the first of the next key, and put that key behind the others."""
        if not self._queues:
            self._free += 1
            return
        key_id, queue = self._queues.popitem(last=False)
        queue.popleft().called.set()
        if queue:
            self._queues[key_id] = queue

    def _make_room(self, key_id: str | None) -> None:
        """Push out the last of the key with most. Raises Busy: this key would then have no fewer."""
        longest = max(self._queues, key=lambda key: len(self._queues[key]), default=key_id)
        if len(self._queues.get(longest, ())) <= len(self._queues.get(key_id, ())) + 1:
            raise self._busy()
        last = self._queues[longest].pop()
        last.pushed_out = True
        last.called.set()

    def _withdraw(self, key_id: str | None, turn: _Turn) -> None:
        """Take a request out of the queue; one that was called meanwhile passes its turn on."""
        queue = self._queues.get(key_id, deque())
        if turn in queue:
            queue.remove(turn)
            if not queue:
                del self._queues[key_id]
        elif not turn.pushed_out:
            self._leave()

    def _busy(self) -> Busy:
        return Busy(f"{self._max_waiting} requests are waiting already; try again shortly.")
