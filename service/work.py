"""Bounded lanes for slow work: no request holds the event loop or every thread, no key the others up."""

import asyncio
import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final, TypeVar

import anyio
import anyio.to_thread
from starlette.requests import Request

from service.errors import Abandoned, Busy

T = TypeVar("T")
_NEWEST: Final = 0.2  # what the last request counts in the mean
_SOONEST, _LATEST = 2.0, 60.0  # seconds after which a client is told to come back
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
    once; a client can act on that, while an endless queue only times out. Nor does one begin to wait that
    would wait for longer than `max_seconds`, by what the last requests took, and none waits for longer: on a
    slow day a short queue is long, its clients go away, and the lane works for nobody.
    """

    def __init__(
        self,
        width: int,
        max_waiting: int,
        max_seconds: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._threads = anyio.CapacityLimiter(width)
        self._width = self._free = width
        self._max_waiting = max_waiting
        self._max_seconds = max_seconds
        self._clock = clock
        self._seconds: float | None = None  # that a request takes, the last ones counting most
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
            Busy: too many wait already, or it would wait for too long.
            Abandoned: the client went away.
        """
        turn = _Turn()

        def work() -> T:
            _gone.set(turn.gone)
            return function()

        watcher = asyncio.create_task(turn.watch(request))
        try:
            await self._enter(key_id, turn)
            began = self._clock()
            try:
                return await anyio.to_thread.run_sync(work, limiter=self._threads)
            finally:
                self._note(self._clock() - began)
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
        self._require_soon(key_id)
        if self.waiting >= self._max_waiting:
            self._make_room(key_id)
        self._queues.setdefault(key_id, deque()).append(turn)
        longest = None if math.isinf(self._max_seconds) else self._max_seconds
        try:
            async with asyncio.timeout(longest):
                await turn.called.wait()
        except asyncio.CancelledError:
            self._withdraw(key_id, turn)
            raise
        except TimeoutError:  # it went slower than was foreseen
            self._withdraw(key_id, turn)
            raise self._too_slow(self._max_seconds) from None
        if turn.gone.is_set():
            self._withdraw(key_id, turn)
            raise Abandoned("The client went away.")
        if turn.pushed_out:
            raise self._busy()

    def _require_soon(self, key_id: str | None) -> None:
        """Raise Busy when a request of this key would wait for too long behind the others that go first."""
        own = len(self._queues.get(key_id, ()))
        others = (len(queue) for key, queue in self._queues.items() if key != key_id)
        ahead = own + sum(min(length, own + 1) for length in others)
        expected = (ahead + 1) / self._width * (self._seconds or 0.0)
        if ahead < self._width or expected <= self._max_seconds:
            return
        raise self._too_slow(expected - self._max_seconds)

    def _too_slow(self, seconds: float) -> Busy:
        later = math.ceil(min(max(seconds, _SOONEST), _LATEST))
        said = f"It would take longer than {self._max_seconds:g} s to begin; try again in {later} s."
        return Busy(said, {"Retry-After": str(later)})

    def _note(self, seconds: float) -> None:
        before = seconds if self._seconds is None else self._seconds
        self._seconds = before + _NEWEST * (seconds - before)

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
