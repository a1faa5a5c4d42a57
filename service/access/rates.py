"""How often somebody may ask: token buckets by key and by address, in memory and of a bounded number.

A bucket holds `quota` requests and is filled again in `window` seconds, evenly: a page of fifty pictures
passes at once, a program that never stops is slowed to the even rate. Of a bucket one number is kept, the
moment at which it will be full (the generic cell rate algorithm). A bucket that is full is as good as
forgotten, so the oldest go when there are too many; who makes more addresses than are kept has more
quotas than they could use up.
"""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_MOST: Final = 20_000  # buckets of a kind; some 4 MB


@dataclass(frozen=True, slots=True)
class Standing:
    """How a caller stands with a limit after a request.

    Attributes:
        admitted: the request is within it.
        remaining: requests that may follow at once.
        reset: seconds until the bucket is full.
        wait: seconds until one more request is admitted; 0 if it would be now.
    """

    admitted: bool
    remaining: int
    reset: float
    wait: float


class Rate:
    """A limit of requests for each of many callers; safe to share between threads.

    Args:
        name: what the RateLimit headers call it.
        quota: requests at once, and in `window`; at least one.
        window: seconds in which an empty bucket is full again.
        clock: a monotonic time in seconds.
        most: how many callers are kept in mind.
    """

    def __init__(
        self,
        name: str,
        quota: int,
        *,
        window: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        most: int = _MOST,
    ) -> None:
        self.name = name
        self.quota = quota
        self.window = window
        self._clock = clock
        self._most = most
        self._full_at: OrderedDict[str, float] = OrderedDict()
        self._guard = threading.Lock()

    def take(self, caller: str) -> Standing:
        """Take one request of a caller's quota; one that is refused costs nothing."""
        each = self.window / self.quota
        with self._guard:
            now = self._clock()
            full_at = max(self._full_at.get(caller, now), now)
            # Rounding must not turn the last request of a quota away.
            admitted = full_at + each - self.window <= now + each * 1e-6
            if admitted:
                full_at += each
                self._full_at[caller] = full_at
                self._full_at.move_to_end(caller)
                self._forget(now)
        reset = full_at - now
        remaining = max(0, math.floor((self.window - reset) / each + 1e-6))
        wait = 0.0 if remaining else max(0.0, reset + each - self.window)
        return Standing(admitted, remaining, reset, wait)

    def _forget(self, now: float) -> None:
        """Drop the longest unused bucket while it is full or there are too many."""
        while self._full_at:
            caller, full_at = next(iter(self._full_at.items()))
            if full_at > now and len(self._full_at) <= self._most:
                return
            del self._full_at[caller]

    def __len__(self) -> int:
        return len(self._full_at)
