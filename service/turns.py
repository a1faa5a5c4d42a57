"""A bounded queue in which keys take turns, and no key holds more than its share."""

import asyncio
import math
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from starlette.requests import Request
from starlette.types import Scope

from service.errors import Abandoned, Busy

_NEWEST: Final = 0.2  # what the last request counts in the mean
_SOONEST, _LATEST = 2.0, 60.0  # seconds after which a client is told to come back
_TURN: Final = "turn"


@dataclass(slots=True, eq=False)
class Turn:
    """A request that waits or had its turn.

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


class Turns:
    """Lets at most `width` requests through at once, of one key at most `share`; the others wait.

    Keys take turns, so that one with many requests does not hold up the others. No more than `max_waiting`
    wait: then the key with most of them loses its last, which is answered Busy at once; a client can act on
    that, while an endless queue only times out. Nor does one begin to wait that would wait for longer than
    `max_seconds`, by what the last requests took, and none waits for longer: on a slow day a short queue is
    long, its clients go away, and the server works for nobody.
    """

    def __init__(
        self,
        width: int,
        max_waiting: int,
        max_seconds: float = math.inf,
        *,
        share: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._width = self._free = width
        self._share = width if share is None else min(share, width)
        self._max_waiting = max_waiting
        self._max_seconds = max_seconds
        self._clock = clock
        self._seconds: float | None = None  # that a request takes, the last ones counting most
        self._held: Counter[str | None] = Counter()
        self._queues: OrderedDict[str | None, deque[Turn]] = OrderedDict()  # the next key first, none empty

    @property
    def waiting(self) -> int:
        """How many wait for their turn."""
        return sum(map(len, self._queues.values()))

    async def take(self, key_id: str | None, scope: Scope) -> None:
        """Wait for this key's turn, and let a request have it until `give_back`. Raises Busy."""
        leave = await self.enter(key_id, Turn())
        scope["state"][_TURN] = leave

    async def enter(self, key_id: str | None, turn: Turn) -> Callable[[], None]:
        """Wait for this key's turn; returns what ends it, to be called once. Raises Busy, Abandoned."""
        if self._free > 0 and self._held[key_id] < self._share:
            self._hold(key_id)
        else:
            await self._wait(key_id, turn)
        began = self._clock()

        def leave() -> None:
            self._note(self._clock() - began)
            self._leave(key_id)

        return leave

    async def _wait(self, key_id: str | None, turn: Turn) -> None:
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
        """Raise Busy when a request of this key would wait for too long behind those that go first."""
        own = len(self._queues.get(key_id, ()))
        others = (len(queue) for key, queue in self._queues.items() if key != key_id)
        ahead = own + sum(min(length, own + 1) for length in others)
        each = self._seconds or 0.0
        expected = max((ahead + 1) / self._width, (own + 1) / self._share) * each
        if (ahead < self._width and own < self._share) or expected <= self._max_seconds:
            return
        raise self._too_slow(expected - self._max_seconds)

    def _too_slow(self, seconds: float) -> Busy:
        later = math.ceil(min(max(seconds, _SOONEST), _LATEST))
        said = f"It would take longer than {self._max_seconds:g} s to begin; try again in {later} s."
        return Busy(said, {"Retry-After": str(later)})

    def _note(self, seconds: float) -> None:
        before = seconds if self._seconds is None else self._seconds
        self._seconds = before + _NEWEST * (seconds - before)

    def _hold(self, key_id: str | None) -> None:
        self._free -= 1
        self._held[key_id] += 1

    def _leave(self, key_id: str | None) -> None:
        self._free += 1
        self._held[key_id] -= 1
        if not self._held[key_id]:
            del self._held[key_id]
        while self._free > 0 and self._call_next():
            pass

    def _call_next(self) -> bool:
        """Call the first of the next key that has less than its share, and put that key behind the others."""
        key_id = next((key for key in self._queues if self._held[key] < self._share), False)
        if key_id is False:
            return False
        assert not isinstance(key_id, bool)
        queue = self._queues.pop(key_id)
        queue.popleft().called.set()
        self._hold(key_id)
        if queue:
            self._queues[key_id] = queue
        return True

    def _make_room(self, key_id: str | None) -> None:
        """Push out the last of the key with most. Raises Busy: this key would then have no fewer."""
        longest = max(self._queues, key=lambda key: len(self._queues[key]), default=key_id)
        if len(self._queues.get(longest, ())) <= len(self._queues.get(key_id, ())) + 1:
            raise self._busy()
        last = self._queues[longest].pop()
        last.pushed_out = True
        last.called.set()

    def _withdraw(self, key_id: str | None, turn: Turn) -> None:
        """Take a request out of the queue; one that was called meanwhile passes its turn on."""
        queue = self._queues.get(key_id, deque())
        if turn in queue:
            queue.remove(turn)
            if not queue:
                del self._queues[key_id]
        elif not turn.pushed_out:
            self._leave(key_id)

    def _busy(self) -> Busy:
        return Busy(f"{self._max_waiting} requests are waiting already; try again shortly.")


def give_back(scope: Scope) -> None:
    """End the turn of a request, if it has one; again does nothing."""
    leave: Callable[[], None] | None = scope["state"].pop(_TURN, None)
    if leave is not None:
        leave()
