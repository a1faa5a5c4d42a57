"""The instruments of one running service: what is counted while requests are answered.

A label takes values from a list that the program knows before the first request: methods, templates of
routes, statuses, kinds of problems, stages. So nothing that a client sends can become a series, and none
tells of a person, a key or a file.
"""

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from gallery.tracing import span

NO_ROUTE: Final = "none"  # of requests that no route fits
OTHER: Final = "other"  # for a method, or a kind of problem, that is not on the list
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

disable_created_metrics()  # type: ignore[no-untyped-call]  # they double the number of series and say when the process began


class Stage(StrEnum):
    """A part of answering a search."""

    PHOTO = "photo"  # the upload is decoded, in a process of its own
    DETECT = "detect"  # persons are found on it
    EMBED = "embed"  # the chosen person passes the network
    SEARCH = "search"  # all tracklets are compared
    RANK = "rank"  # probabilities, several photos, neighbours
    RECORD = "record"  # the answer is written, with its audit event


class Instruments:
    """Counts and times.

    Attributes:
        registry: what `/metrics` shows of the process.
    """

    def __init__(self, routes: Collection[str] = (), problems: Collection[str] = ()) -> None:
        self.registry = CollectorRegistry()
        self._routes = frozenset(routes)
        self._problems = frozenset(problems)
        common: dict[str, Any] = {"namespace": "sightline", "registry": self.registry}
        self._requests = Counter("requests", "Requests answered", ["method", "route", "status"], **common)
        self._latency = Histogram(
            "request_seconds",
            "From a request's headers to the first byte of its answer",
            ["method", "route"],
            buckets=_SECONDS,
            **common,
        )
        self._problem_count = Counter("problems", "Error answers by problem type", ["type"], **common)
        self._stages = Histogram(
            "search_stage_seconds", "Time in each part of a search", ["stage"], buckets=_SECONDS, **common
        )
        # From the start, so that the first error is an increase and no new series, which rates leave out.
        for problem in sorted(self._problems):
            self._problem_count.labels(problem)
        for stage in Stage:
            self._stages.labels(stage.value)
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)

    def answered(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count an answer; `route` is the template of its path, None where no route fits."""
        known_method = method if method in METHODS else OTHER
        known_route = route if route in self._routes else NO_ROUTE
        self._requests.labels(known_method, known_route, str(status)).inc()
        self._latency.labels(known_method, known_route).observe(seconds)

    def refused(self, problem: str) -> None:
        """Count an error answer by the last part of its problem's type."""
        self._problem_count.labels(problem if problem in self._problems else OTHER).inc()

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        """Time a part of a search, also one that fails; it is a span, too."""
        began = time.perf_counter()
        try:
            with span(f"search.{stage.value}"):
                yield
        finally:
            self._stages.labels(stage.value).observe(time.perf_counter() - began)
