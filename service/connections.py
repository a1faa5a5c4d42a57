"""Connections under limits: a client that sends nothing, too slowly, or does not read makes room for others.

uvicorn limits only how long a connection may idle after an answer. A connection that never sends a request
would stay for good, and a thousand of them would take every descriptor of the process.
"""

import asyncio
import resource
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

from service import problems
from service.errors import Busy
from service.settings import ServiceSettings

# Longer than clients and proxies keep idle connections (httpx 5 s, nginx 60, Caddy 120): where the server
# closes first, a request that is under way at that moment is lost, and a proxy answers it with 502.
KEEP_ALIVE_SECONDS: Final = 130
BACKLOG: Final = 100  # connections accepted at one go, over the limit too
_KEPT_BACK: Final = 300  # descriptors for the database, files and the backlog
_EACH: Final = 2  # descriptors of a connection: its socket and the file it sends or receives
_FEWEST: Final = 16


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of connections.

    Attributes:
        connections: open at once.
        header_seconds: from the opening of a connection, or the first byte of a later request, until the
            request's headers are complete.
        idle_seconds: without a byte moving while a body is sent or an answer is read.
    """

    connections: int
    header_seconds: float
    idle_seconds: float


def limits_of(settings: ServiceSettings) -> Limits:
    """The limits that settings ask for, lowered to what the process has descriptors for."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    possible = max(_FEWEST, (descriptors - _KEPT_BACK) // _EACH)
    return Limits(
        min(settings.max_connections, possible),
        settings.header_timeout_seconds,
        settings.idle_timeout_seconds,
    )


def limited(limits: Limits) -> type["LimitedProtocol"]:
    """The protocol to give uvicorn as `http`; with it belong BACKLOG and KEEP_ALIVE_SECONDS."""
    return type("Limited", (LimitedProtocol,), {"limits": limits})


class LimitedProtocol(H11Protocol):
    """HTTP/1.1 on one connection, with a timer for whatever the client has to do next.

    While the application works on an answer no timer runs: then the client rightly waits.
    """

    limits: ClassVar[Limits]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._timer: asyncio.TimerHandle | None = None
        self._waiting_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take the connection, in place of an idle one if there are too many."""
        super().connection_made(transport)
        self._waiting_since = self.loop.time()
        self._arm(self.limits.header_seconds)
        if len(self.connections) > self.limits.connections:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        """Handle received bytes."""
        super().data_received(data)
        self._watch()

    def pause_writing(self) -> None:
        """The client reads more slowly than the answer is written."""
        super().pause_writing()
        self._arm(self.limits.idle_seconds)

    def resume_writing(self) -> None:
        """The client has read most of the written bytes."""
        super().resume_writing()
        self._disarm()
        self._watch()

    def on_response_complete(self) -> None:
        """Wait for the next request; uvicorn's keep-alive timer runs until its first byte."""
        self._waiting_since = self.loop.time()
        if not self.flow.write_paused:
            self._disarm()
        super().on_response_complete()
        self._watch(answered=True)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection; one that does not take the end of its answer is cut off later."""
        super().timeout_keep_alive_handler()
        self._arm(self.limits.idle_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        super().connection_lost(exc)
        self._disarm()

    @property
    def _is_busy(self) -> bool:
        """Return whether a request is in progress."""
        return self.cycle is not None and not self.cycle.response_complete

    def _watch(self, *, answered: bool = False) -> None:
        """Start the timer for what the client has to do next; while it has to read, one runs already."""
        if self.flow.write_paused:
            return
        if self.transport.is_closing() or (self._is_busy and self.cycle.more_body):
            self._arm(self.limits.idle_seconds)
        elif self._is_busy:
            self._disarm()
        elif self._timer is None and (not answered or self.cycle.more_body):
            # For the next headers, or for the rest of a body that was refused. More bytes do not prolong it.
            self._arm(self.limits.header_seconds)

    def _arm(self, seconds: float) -> None:
        self._disarm()
        self._timer = self.loop.call_later(seconds, self.transport.abort)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _make_room(self) -> None:
        """Cut off the connection that has waited longest without a request, or else refuse this one."""
        others = [other for other in self.connections if isinstance(other, LimitedProtocol)]
        idle = [other for other in others if other is not self and not other._is_busy]
        if idle:
            min(idle, key=lambda other: other._waiting_since).transport.abort()
            return
        answer = problems.from_error({}, Busy("Too many connections are open; try again shortly."))
        answer.headers["Connection"] = "close"
        head = b"".join(b"%b: %b\r\n" % header for header in answer.raw_headers)
        self.transport.write(b"HTTP/1.1 503 Service Unavailable\r\n" + head + b"\r\n" + bytes(answer.body))
        self.transport.close()
        self._arm(self.limits.header_seconds)
