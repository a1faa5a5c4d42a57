"""Bodies that come slowly hold connections: so many at once of a key and an address, each at some pace."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from service.errors import Busy
from service.settings import ServiceSettings

_GRACE_SECONDS: Final = 20.0  # before a pace is expected: what was on its way, a slow start
_LEAST: Final = 4  # of all at once, however few connections there may be


def has_body(headers: Headers) -> bool:
    """Whether a request brings a body."""
    return headers.get("content-length", "0").strip() != "0" or "transfer-encoding" in headers


@dataclass(eq=False, slots=True)
class Receiving:
    """A body that is on its way, until `end`."""

    receive: Receive
    end: Callable[[], None]


class Bodies:
    """The bodies that one server is receiving; what has come whole does not count."""

    def __init__(self, settings: ServiceSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._of_key = settings.key_bodies_at_once
        self._of_place = settings.address_bodies_at_once
        self._in_all = max(_LEAST, settings.max_connections // 2)
        self._rate = settings.min_body_bytes_per_second
        self._clock = clock
        self._under_way: Counter[tuple[str, str | None]] = Counter()

    @property
    def count(self) -> int:
        """How many are on their way."""
        return self._under_way["all", None]

    def begin(self, key_id: str | None, place: str, receive: Receive) -> Receiving:
        """Count a body, and hold it to the pace.

        Args:
            key_id: whose it is.
            place: the address that it comes from.
            receive: of the request.

        Raises:
            Busy: too many are on their way.
        """
        limits = {
            ("key", key_id): self._of_key,
            ("address", place): self._of_place,
            ("all", None): self._in_all,
        }
        for (of, who), most in limits.items():
            if self._under_way[of, who] >= most:
                raise Busy(
                    f"{most} bodies are on their way already ({of}); send this one when they have come."
                )
        self._under_way.update(limits.keys())
        ended = False

        def end() -> None:
            nonlocal ended
            if ended:
                return
            ended = True
            for one in limits:
                self._under_way[one] -= 1
                if not self._under_way[one]:
                    del self._under_way[one]

        return Receiving(self._paced(receive, end), end)

    def _paced(self, receive: Receive, end: Callable[[], None]) -> Receive:
        """What receives a body and raises 408 when it falls behind the pace."""
        began, size, ended = self._clock(), 0, False

        async def received() -> Message:
            nonlocal size, ended
            if ended:
                return await receive()
            left = began + _GRACE_SECONDS + size / self._rate - self._clock() if self._rate else math.inf
            try:
                async with asyncio.timeout(None if math.isinf(left) else max(0.0, left)):
                    message = await receive()
            except TimeoutError:
                ended = True
                end()
                said = f"The body came at fewer than {self._rate} bytes a second."
                # Not one of our errors: within the reading of a body those are taken for a fault of the body.
                raise HTTPException(408, said, {"Connection": "close"}) from None
            size += len(message.get("body", b""))
            if message["type"] != "http.request" or not message.get("more_body", False):
                ended = True
                end()
            return message

        return received
