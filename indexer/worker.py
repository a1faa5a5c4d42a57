"""Runs filed jobs: leases recordings one by one, does what they are filed for, and says how each ended."""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import structlog

from gallery import (
    CatalogueUnavailable,
    Claim,
    Gallery,
    GalleryError,
    JobKind,
    LeaseLost,
    RecordingInfo,
)
from gallery.errors import StorageFull
from gallery.tracing import ATTRIBUTES, Span, span
from indexer.errors import Cancelled, ClusterUnavailable, NodesLost, UnreadableRecording
from indexer.lease import Lease
from indexer.names import shown
from indexer.networks import in_use, make_detector, make_embedder
from indexer.settings import IndexSettings
from indexer.upkeep import PASSING, NoUpkeep, Upkeep, passes
from models.errors import ModelError

if TYPE_CHECKING:
    from indexer.embedding import ClipEmbedder
    from indexer.work import Indexing, Work
    from models.detector import Detector

T = TypeVar("T")
log = structlog.get_logger()

LONGEST_PAUSE: Final = 30.0  # seconds between two attempts to reach the database, or to write


class Gate(Protocol):
    """Says whether there is something to work with, before a recording is leased."""

    def enter(self) -> bool:
        """Whether to look for a recording now; if so, `leave` follows."""

    def leave(self) -> None:
        """The recording is done with, or there was none."""


class Worker:
    """One worker. Several may run on one gallery, on one machine or many.

    Args:
        gallery: where jobs are filed and videos go.
        embedder: gives the network to embed with; asked before each recording.
        settings: how to index.
        name: unique among living workers.
        detector_factory: makes a detector for a camera's input size (None for the default).
        model_factory: makes the network of this name, for jobs that name one.
        kinds: of jobs that it takes; others wait for other workers.
        keep_anchor: writes an anchor of the audit trail where none of the day is; returns where, or None.
        indexing: indexes a recording in another way than on this machine.
        gate: asked before each lease whether there is something to work with.
        upkeep: whether it merges segments and follows the rules of retention, too.
    """

    def __init__(
        self,
        gallery: Gallery,
        embedder: "Callable[[], ClipEmbedder]",
        settings: IndexSettings,
        name: str,
        *,
        detector_factory: "Callable[[int | None], Detector] | None" = None,
        model_factory: "Callable[[str], ClipEmbedder] | None" = None,
        kinds: Collection[JobKind] = tuple(JobKind),
        keep_anchor: Callable[[], Path | None] | None = None,
        indexing: "Indexing | None" = None,
        gate: Gate | None = None,
        upkeep: bool = True,
    ) -> None:
        self._gallery = gallery
        self._indexing, self._gate = indexing, gate
        self._kinds = kinds
        self._embedder = embedder
        self._settings = settings
        self._name = name
        self._detector_factory = detector_factory or (lambda size: make_detector(settings, size))
        self._model_factory = model_factory or (
            lambda model: make_embedder(
                in_use(settings.model_copy(update={"model": model}), gallery), gallery.models.exported
            )
        )
        self._stop = threading.Event()
        self._upkeep: Upkeep | NoUpkeep = NoUpkeep()
        if upkeep:
            self._upkeep = Upkeep(gallery, name, self._patiently, self._is_stopping, keep_anchor)

    def run(self, stop: threading.Event, once: bool = False) -> None:
        """Work until `stop` is set, or with `once` until nothing is left to lease.

        A recording in work when `stop` is set is given back at once; nothing of it is kept.

        Raises:
            ModelError: the network cannot be loaded.
            CatalogueUnavailable, VectorsUnavailable: the database or Milvus could not be reached for
                `settings.outage_seconds`.
            StorageFull, OSError: a disk of the gallery was full for so long.
        """
        from indexer.work import Work

        self._stop = stop
        log.info("worker ready", worker=self._name, model=self._patiently(self._embedder).name)
        work = Work(
            self._gallery,
            self._settings,
            self._embedder,
            detector_factory=self._detector_factory,
            model_factory=self._model_factory,
            indexing=self._indexing,
        )
        try:
            self._patiently(self._gallery.sweep)
            self._run(work, once)
        except PASSING as error:
            if not stop.is_set() or not passes(error):
                raise
            log.warning("stopped while the gallery was unavailable", worker=self._name, reason=str(error))

    def _run(self, work: "Work", once: bool) -> None:
        while not self._stop.is_set():
            self._patiently(self._embedder)  # before a lease begins: another one takes seconds to load
            if self._gate is not None and not self._gate.enter():
                self._stop.wait(self._settings.poll_seconds)
                continue
            try:
                claim = self._patiently(self._claim)
                if claim is not None:
                    self._work(claim, work)
            finally:
                if self._gate is not None:
                    self._gate.leave()
            if claim is None and once:
                self._upkeep.look_after()
                return
            if claim is None:
                self._stop.wait(self._settings.poll_seconds)
            self._upkeep.compact()
            self._upkeep.cluster()
            self._upkeep.look_after()

    def _claim(self) -> Claim | None:
        seconds = self._settings.lease_seconds
        return self._gallery.jobs.claim(self._name, lease_seconds=seconds, kinds=self._kinds)

    def _work(self, claim: Claim, work: "Work") -> None:
        """Do what one recording is filed for and end its row; never fails because of the recording."""
        lease = Lease(
            self._gallery.jobs,
            claim,
            seconds=self._settings.lease_seconds,
            renew_seconds=self._settings.renew_seconds,
            stopping=self._stop.is_set,
        )
        about = log.bind(worker=self._name, job=claim.job_id, recording=claim.recording.file_name)
        about.info("recording leased", attempt=claim.recording.attempts)
        with span(f"job.{claim.kind.value}") as traced:
            traced.note(
                {"sightline.job.kind": claim.kind.value, "sightline.job.attempt": claim.recording.attempts}
            )
            self._carry_out(claim, work, lease, about, traced)

    def _carry_out(self, claim: Claim, work: "Work", lease: Lease, about: Any, traced: Span) -> None:
        try:
            with lease:
                done = self._patiently(lambda: work.do(claim, lease))
            traced.note({"sightline.job.outcome": done.state or "succeeded", **_seconds(done.about)})
            if done.state is not None:
                self._finish(claim, done.state, done.reason, video_id=done.video_id, counters=done.counters)
            about.info("recording done", **done.about)
        except Cancelled:
            about.info("recording given up", cancelled=lease.cancelled, lost=lease.lost)
            traced.note({"sightline.job.outcome": "given up"})
            if lease.cancelled:
                self._finish(claim, "cancelled", "cancelled on request")
            elif not lease.lost:
                self._give_back(claim)
        except LeaseLost as error:
            about.warning("lease lost", reason=str(error))
            traced.failed("LeaseLost")
        except ClusterUnavailable as error:
            about.warning("recording given back", reason=str(error))
            traced.failed("ClusterUnavailable")
            self._give_back(claim)
        except (UnreadableRecording, NodesLost, ModelError, GalleryError, OSError) as error:
            if isinstance(error, PASSING) and passes(error):
                self._give_back(claim)
                raise
            reason = _reason(error, claim.recording)
            about.warning("recording failed", reason=reason)
            traced.failed(type(error).__name__)
            self._finish(claim, "failed", reason, counters=lease.counters)

    def _finish(
        self,
        claim: Claim,
        state: str,
        reason: str,
        *,
        video_id: str | None = None,
        counters: Mapping[str, Any] | None = None,
    ) -> None:
        def finish() -> None:
            self._gallery.jobs.finish(claim, state=state, reason=reason, video_id=video_id, counters=counters)

        try:
            self._patiently(finish)
        except LeaseLost:
            log.warning("somebody else ended it", worker=self._name, recording=claim.recording.file_name)

    def _give_back(self, claim: Claim) -> None:
        try:
            self._gallery.jobs.release(claim)
        except (LeaseLost, CatalogueUnavailable, StorageFull) as error:
            # The lease runs out by itself.
            log.warning("recording not given back", worker=self._name, reason=str(error))

    def _is_stopping(self) -> bool:
        return self._stop.is_set()

    def _patiently(self, action: Callable[[], T]) -> T:
        """Do something with the gallery, waiting while its database or Milvus is away or a disk is full.

        Raises:
            CatalogueUnavailable, VectorsUnavailable, StorageFull, OSError: it stayed so for
                `settings.outage_seconds`, or the worker is to stop.
        """
        began, pause = time.monotonic(), 0.5
        while True:
            try:
                return action()
            except PASSING as error:
                left = began + self._settings.outage_seconds - time.monotonic()
                if not passes(error) or left <= 0 or self._stop.wait(min(pause, left)):
                    raise
                log.warning("gallery unavailable, trying again", worker=self._name, reason=str(error))
                pause = min(2 * pause, LONGEST_PAUSE)


def _seconds(about: Mapping[str, Any]) -> dict[str, float]:
    """How long each stage of indexing worked, for the span of a job."""
    found = {f"sightline.seconds.{stage}": spent for stage, spent in about.get("seconds", {}).items()}
    return {name: round(spent, 3) for name, spent in found.items() if name in ATTRIBUTES}


def _reason(error: Exception, recording: RecordingInfo) -> str:
    """What went wrong with a recording, under the name that it came with: uploads are kept under another."""
    path, name = shown(recording.path), shown(recording.file_name)
    reason = (str(error) or type(error).__name__).replace(path, name)
    kept_as = f"{shown(Path(recording.path).name)}: "
    return f"{name}: {reason.removeprefix(kept_as)}" if reason.startswith(kept_as) else reason
