"""Stages that run at the same time, one thread each, joined by bounded pipes.

The networks and Pillow release the interpreter lock while they work, so threads overlap; decoding has a
process of its own (see indexer.sandbox). A pipe that is full holds its producer back: memory is bounded by
the pipes' sizes. What comes out is a matter of order alone, never of timing, because each pipe has one
producer and one consumer.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, Self, TypeVar

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")


class Stopped(Exception):
    """The flow ends early; raised inside its stages and never seen outside the flow."""


class _Waiting(threading.local):
    """Seconds that the current thread has spent waiting for others."""

    seconds = 0.0


class Pipe(Generic[T]):
    """A bounded queue from one stage to the next; made by `Flow.pipe`."""

    def __init__(self, flow: "Flow", size: int, bytes_of: Callable[[T], int], most_bytes: int) -> None:
        self._flow = flow
        self._size = size
        self._bytes_of = bytes_of
        self._most_bytes = most_bytes
        self._bytes = 0
        self._items: deque[T] = deque()
        self._closed = False

    def put(self, item: T) -> None:
        """Append, waiting while the pipe is full. An empty pipe takes whatever comes. Raises Stopped."""
        size = self._bytes_of(item)
        with self._flow.changed:
            self._flow.wait_for(lambda: self._has_room(size))
            self._items.append(item)
            self._bytes += size
            self._flow.changed.notify_all()

    def _has_room(self, size: int) -> bool:
        within = len(self._items) < self._size and self._bytes + size <= self._most_bytes
        return not self._items or within

    def close(self) -> None:
        """Say that nothing more will come."""
        with self._flow.changed:
            self._closed = True
            self._flow.changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        """Items until the producer closes. Raises Stopped."""
        for item in self.poll(None):
            assert item is not None
            yield item

    def poll(self, seconds: float | None) -> Iterator[T | None]:
        """Items until the producer closes, and None whenever nothing came for `seconds`. Raises Stopped."""
        while True:
            with self._flow.changed:
                came = self._flow.wait_for(lambda: bool(self._items) or self._closed, seconds)
                if came and not self._items:
                    return
                item = None
                if came:
                    item = self._items.popleft()
                    self._bytes -= self._bytes_of(item)
                self._flow.changed.notify_all()
            yield item


class Flow:
    """Owner of stages and pipes: `with Flow() as flow:` leaves when every stage has ended.

    The first error of a stage stops all others and is raised where the flow is left; an error inside the
    `with` block stops the stages too. `seconds` says how long each stage worked, all its threads together and
    waiting not counted.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.seconds: dict[str, float] = {}
        self._threads: list[threading.Thread] = []
        self._stopped = False
        self._error: BaseException | None = None
        self._waiting = _Waiting()

    def pipe(self, size: int, *, bytes_of: Callable[[T], int] = lambda _: 0, most_bytes: int = 0) -> Pipe[T]:
        """Make a pipe that holds at most `size` items, and `most_bytes` of what `bytes_of` says they take."""
        return Pipe(self, size, bytes_of, most_bytes)

    def stage(self, name: str, work: Callable[[], None], *, out: Pipe[T]) -> None:
        """Start a stage; `out`, the pipe it fills, is closed when `work` returns."""

        def run() -> None:
            try:
                with self.clock(name):
                    work()
            except Stopped:
                return
            except BaseException as error:  # noqa: BLE001  (carried over to the thread that owns the flow)
                self._stop(error)
            else:
                out.close()

        thread = threading.Thread(target=run, name=f"index-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def side_by_side(
        self, name: str, work: Callable[[A], B], items: Iterable[A], workers: int
    ) -> Iterator[B]:
        """Do `work` on several items at a time, as part of stage `name`; results come in the items' order.

        Holds at most `workers` + 1 items and results. To be iterated in the thread of a stage.
        """

        def timed(item: A) -> B:
            with self.clock(name):
                return work(item)

        with ThreadPoolExecutor(workers, thread_name_prefix=f"index-{name}") as pool:
            pending: deque[Future[B]] = deque()
            for item in items:
                pending.append(pool.submit(timed, item))
                if len(pending) > workers:
                    yield self._result(pending.popleft())
            while pending:
                yield self._result(pending.popleft())

    def _result(self, future: Future[B]) -> B:
        began = time.perf_counter()
        try:
            return future.result()
        finally:
            self.has_waited(time.perf_counter() - began)

    def add_seconds(self, name: str, seconds: float) -> None:
        """Count work of a stage."""
        with self.changed:
            self.seconds[name] = self.seconds.get(name, 0.0) + seconds

    def clock(self, name: str) -> "_Clock":
        """Measure the `with` block as work of stage `name`."""
        return _Clock(self, name)

    def wait_for(self, ready: Callable[[], bool], seconds: float | None = None) -> bool:
        """Wait until `ready` or for `seconds` (False: time is up), holding `changed`. Raises Stopped."""
        began = time.perf_counter()
        came = self.changed.wait_for(lambda: self._stopped or ready(), seconds)
        self._waiting.seconds += time.perf_counter() - began
        if self._stopped:
            raise Stopped
        return came

    def check(self) -> None:
        """Raise Stopped if the flow ends early."""
        if self._stopped:
            raise Stopped

    def has_waited(self, seconds: float) -> None:
        """Count seconds in which the current thread waited for others than pipes."""
        self._waiting.seconds += seconds

    @property
    def waited(self) -> float:
        """Seconds that the current thread has waited for others."""
        return self._waiting.seconds

    def _stop(self, error: BaseException | None = None) -> None:
        with self.changed:
            self._error = self._error or error
            self._stopped = True
            self.changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            self._stop(None if isinstance(error, Stopped) else error)
        for thread in self._threads:
            thread.join()
        if self._error is not None and self._error is not error:
            raise self._error


class _Clock:
    """Adds the seconds of a `with` block, less those spent waiting at pipes, to a stage."""

    def __init__(self, flow: Flow, name: str) -> None:
        self._flow = flow
        self._name = name

    def __enter__(self) -> None:
        self._began = time.perf_counter() - self._flow.waited

    def __exit__(self, *error: object) -> None:
        self._flow.add_seconds(self._name, time.perf_counter() - self._flow.waited - self._began)
