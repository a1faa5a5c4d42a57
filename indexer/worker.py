"""Runs filed jobs: leases recordings one by one, does what they are filed for, and says how each ended."""

import errno
import threading
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import structlog

from gallery import (
    CatalogueUnavailable,
    Claim,
    Conflict,
    Gallery,
    GalleryError,
    JobKind,
    LeaseLost,
    RecordingInfo,
)
from gallery.errors import StorageFull
from gallery.tracing import ATTRIBUTES, Span, span
from indexer.errors import Cancelled, UnreadableRecording
from indexer.lease import Lease
from indexer.names import shown
from indexer.networks import in_use, make_detector, make_embedder
from indexer.settings import IndexSettings
from models.errors import ModelError

if TYPE_CHECKING:
    from indexer.embedding import ClipEmbedder
    from indexer.work import Work
    from models.detector import Detector

T = TypeVar("T")
log = structlog.get_logger()

MANY_SEGMENTS: Final = 64
RULES_SECONDS: Final = 3600.0  # between two looks at the rules of retention
LONGEST_PAUSE: Final = 30.0  # seconds between two attempts to reach the database, or to write
_PASSING: Final = (CatalogueUnavailable, StorageFull, OSError)


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
    ) -> None:
        self._gallery = gallery
        self._kinds = kinds
        self._keep_anchor = keep_anchor
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
        self._compact_at = MANY_SEGMENTS
        self._rules_at = 0.0

    def run(self, stop: threading.Event, once: bool = False) -> None:
        """Work until `stop` is set, or with `once` until nothing is left to lease.

        A recording in work when `stop` is set is given back at once; nothing of it is kept.

        Raises:
            ModelError: the network cannot be loaded.
            CatalogueUnavailable: the database could not be reached for `settings.outage_seconds`.
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
        )
        try:
            self._patiently(self._gallery.sweep)
            self._run(work, once)
        except _PASSING as error:
            if not stop.is_set() or not _passes(error):
                raise
            log.warning("stopped while the gallery was unavailable", worker=self._name, reason=str(error))

    def _run(self, work: "Work", once: bool) -> None:
        while not self._stop.is_set():
            self._patiently(self._embedder)  # before a lease begins: another one takes seconds to load
            claim = self._patiently(self._claim)
            if claim is not None:
                self._work(claim, work)
            elif once:
                self._look_after()
                return
            else:
                self._stop.wait(self._settings.poll_seconds)
            self._compact()
            self._look_after()

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
        except (UnreadableRecording, ModelError, GalleryError, OSError) as error:
            if isinstance(error, _PASSING) and _passes(error):
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

    def _compact(self) -> None:
        """Merge segments when there are many, and next when there are twice as many as are left."""
        if self._patiently(self._gallery.segment_count) < self._compact_at:
            return
        try:
            report = self._gallery.compact()
        except _PASSING as error:
            if not _passes(error):
                raise
            log.warning("segments not merged", worker=self._name, reason=str(error))
            return  # another time will do
        log.info("segments merged", before=report.segments_before, after=report.segments_after)
        if report.damaged:
            log.warning("damaged segments not merged", worker=self._name, segments=report.damaged)
        self._compact_at = max(MANY_SEGMENTS, 2 * self._patiently(self._gallery.segment_count))

    def _look_after(self) -> None:
        """Do what the gallery needs now and then: when the work begins, then every hour."""
        if time.monotonic() < self._rules_at:
            return
        self._rules_at = time.monotonic() + RULES_SECONDS
        self._follow_rules()
        try:
            self._gallery.erasures.keep_certificates()
        except (GalleryError, OSError) as error:
            log.warning("certificates of erasures not kept", worker=self._name, reason=str(error))
        if self._keep_anchor is None:
            return
        try:
            if file := self._keep_anchor():
                log.info("anchor of the audit trail kept", worker=self._name, file=str(file))
        except (GalleryError, OSError) as error:  # the recordings do not wait for it
            log.warning("no anchor of the audit trail kept", worker=self._name, reason=str(error))

    def _follow_rules(self) -> None:
        """Erase what the rules of retention do not keep any longer."""
        try:
            while not self._stop.is_set() and (done := self._gallery.erasures.follow_rules()) is not None:
                log.info("rules of retention followed", erasure=done.id, **done.certificate["counts"])
            if self._gallery.erasures.certificates.waiting():  # what was erased leaves the disk by itself
                self._gallery.compact()
        except Conflict as error:
            log.info("rules of retention left to another worker", worker=self._name, reason=str(error))
        except _PASSING as error:
            if not _passes(error):
                raise
            log.warning("rules of retention not followed", worker=self._name, reason=str(error))

    def _patiently(self, action: Callable[[], T]) -> T:
        """Do something with the gallery, waiting while its database is away or a disk of it is full.

        Raises:
            CatalogueUnavailable, StorageFull, OSError: it stayed so for `settings.outage_seconds`, or the
                worker is to stop.
        """
        began, pause = time.monotonic(), 0.5
        while True:
            try:
                return action()
            except _PASSING as error:
                left = began + self._settings.outage_seconds - time.monotonic()
                if not _passes(error) or left <= 0 or self._stop.wait(min(pause, left)):
                    raise
                log.warning("gallery unavailable, trying again", worker=self._name, reason=str(error))
                pause = min(2 * pause, LONGEST_PAUSE)


def _seconds(about: Mapping[str, Any]) -> dict[str, float]:
    """How long each stage of indexing worked, for the span of a job."""
    found = {f"sightline.seconds.{stage}": spent for stage, spent in about.get("seconds", {}).items()}
    return {name: round(spent, 3) for name, spent in found.items() if name in ATTRIBUTES}


def _passes(error: Exception) -> bool:
    """Whether an error is one that others mend, for every recording alike."""
    return not isinstance(error, OSError) or error.errno in {errno.ENOSPC, errno.EDQUOT}


def _reason(error: Exception, recording: RecordingInfo) -> str:
    """What went wrong with a recording, under the name that it came with: uploads are kept under another."""
    path, name = shown(recording.path), shown(recording.file_name)
    reason = (str(error) or type(error).__name__).replace(path, name)
    kept_as = f"{shown(Path(recording.path).name)}: "
    return f"{name}: {reason.removeprefix(kept_as)}" if reason.startswith(kept_as) else reason
