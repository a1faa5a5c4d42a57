"""A worker's hold on one recording: renewed while the work goes on, given up when it is no longer wanted."""

import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

import structlog

from gallery import CatalogueUnavailable, Claim, Completion, Jobs, LeaseLost, VideoReport
from gallery.errors import StorageFull
from gallery.tracing import span
from indexer.errors import Cancelled

log = structlog.get_logger()

STAGES: Final = frozenset({"hash", "index", "embed", "commit"})  # that are spans; see `indexer.progress`


class Lease:
    """Renews a claim in the background; is the Progress of the indexing that goes on meanwhile.

    While the database cannot be reached the work goes on: whether the recording is still ours is decided by
    the transaction that commits it.

    Args:
        jobs: where the claim was made.
        claim: what was claimed.
        seconds: how long each renewal holds.
        renew_seconds: how often to renew and report.
        stopping: says whether this worker is to stop.
    """

    def __init__(
        self, jobs: Jobs, claim: Claim, *, seconds: float, renew_seconds: float, stopping: Callable[[], bool]
    ) -> None:
        self._jobs, self._claim = jobs, claim
        self._seconds, self._renew_seconds = seconds, renew_seconds
        self._stopping = stopping
        self._now: tuple[str, float, Mapping[str, int]] = ("open", 0.0, {})
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)
        self._spans = ExitStack()
        self.cancelled = False
        self.lost = False

    @property
    def counters(self) -> Mapping[str, int]:
        """The latest counts."""
        return self._now[2]

    def update(self, stage: str, fraction: float, counters: Mapping[str, int]) -> None:
        """See indexer.progress.Progress."""
        if stage != self._now[0]:
            self._enter(stage)
        self._now = (stage, fraction, counters)
        if self.cancelled or self.lost or self._stopping():
            raise Cancelled

    def completion(self, report: VideoReport) -> Completion:
        """Say how the recording ends with the commit of its video."""
        return Completion(self._claim, "; ".join(report.warnings) or None, dict(self.counters))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._spans.__exit__(kind, error, trace)

    def _enter(self, stage: str) -> None:
        """A stage is a span, until the next one or the end."""
        self._spans.close()
        if stage in STAGES:
            self._spans.enter_context(span(f"index.{stage}"))

    def _keep(self) -> None:
        while not self._ended.wait(self._renew_seconds):
            stage, fraction, counters = self._now
            try:
                wanted = self._jobs.renew(
                    self._claim,
                    lease_seconds=self._seconds,
                    stage=stage,
                    progress=fraction,
                    counters=counters,
                )
            except LeaseLost:
                # Also when the work has just been committed; then nobody looks at this any more.
                self.lost = True
                return
            except (CatalogueUnavailable, StorageFull) as error:
                log.warning("lease not renewed", recording=self._claim.recording.id, reason=str(error))
            else:
                if not wanted:
                    self.cancelled = True
                    return
