"""Does what a claimed recording is for: index it, embed it with another model, or adapt a model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from gallery import (
    AdaptOptions,
    Claim,
    Completion,
    Gallery,
    JobKind,
    NotFound,
    RecordingInfo,
    VideoReport,
    is_object,
)
from indexer.at_hand import at_hand
from indexer.errors import Cancelled, UnreadableRecording
from indexer.lease import Lease
from indexer.names import shown
from indexer.pipeline import Complete, IndexReport, index_video
from indexer.progress import Progress
from indexer.reembed import embed_video
from indexer.settings import IndexSettings
from indexer.types import Recording
from models.errors import ModelError

if TYPE_CHECKING:
    from indexer.embedding import ClipEmbedder
    from models.detector import Detector


class Indexing(Protocol):
    """Indexes a recording as `index_video` does."""

    def __call__(
        self, recording: Recording, detector_input: int | None, progress: Progress, complete: Complete
    ) -> IndexReport:
        """`detector_input` is the camera's wish. Raises what `index_video` raises."""


@dataclass(frozen=True, slots=True)
class Done:
    """How the work on a claim ended; `state` is None where its own commit has said so."""

    state: str | None = None
    reason: str = ""
    video_id: str | None = None
    counters: Mapping[str, Any] | None = None
    about: dict[str, object] = field(default_factory=dict)


def require_in_place(path: Path) -> None:
    """Make sure that no link has taken the place of a filed recording, or of a folder above it.

    Recordings are filed by their real path, which lies in the media or the watched folder. Where that leads
    elsewhere now, it may be to any file that the worker can read, which nobody filed.

    Raises:
        UnreadableRecording: it leads elsewhere.
    """
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return  # reading it will say that it is gone
    if real != path:
        raise UnreadableRecording(f"{shown(path.name)}: a link was put in its place after it was filed")


def _complete_in_place(lease: Lease, filed: RecordingInfo, report: VideoReport) -> Completion:
    """What is committed with a recording that still lies where it was filed. Raises UnreadableRecording."""
    _require_where_filed(filed)
    return lease.completion(report)


def _require_where_filed(filed: RecordingInfo) -> None:
    if not filed.owned and not is_object(filed.path):
        require_in_place(Path(filed.path))


class Work:
    """What a worker can do, and the networks that it does it with.

    Args:
        gallery: where jobs are filed and videos go.
        settings: how to index.
        embedder: gives the network that recordings are indexed with.
        detector_factory: makes a detector for a camera's input size (None for the default).
        model_factory: makes the network of this name.
        indexing: indexes a recording; None: this machine does.
    """

    def __init__(
        self,
        gallery: Gallery,
        settings: IndexSettings,
        embedder: "Callable[[], ClipEmbedder]",
        *,
        detector_factory: "Callable[[int | None], Detector]",
        model_factory: "Callable[[str], ClipEmbedder]",
        indexing: Indexing | None = None,
    ) -> None:
        self._gallery, self._settings, self._embedder = gallery, settings, embedder
        self._detector_factory, self._model_factory = detector_factory, model_factory
        self._detectors: dict[int | None, Detector] = {}
        self._other: ClipEmbedder | None = None
        self._indexing = indexing or self._index_here

    def do(self, claim: Claim, lease: Lease) -> Done:
        """Do the work. Raises what indexing raises."""
        if claim.kind == JobKind.INDEX:
            return _done(self._index(claim, lease))
        if claim.kind == JobKind.REINDEX:
            return self._reindex(claim, lease)
        return self._adapt(claim, lease)

    def _index(self, claim: Claim, lease: Lease) -> IndexReport:
        filed = claim.recording
        assert filed.camera_id is not None
        assert filed.start_time is not None
        _require_where_filed(filed)
        camera = self._gallery.catalogue.camera(filed.camera_id)
        recording = Recording.at(
            filed.path,
            filed.camera_id,
            filed.start_time,
            filed.file_name,
            owned=filed.owned,
            pixel_aspect=camera.pixel_aspect,
            filed=filed.filed,
        )
        complete = partial(_complete_in_place, lease, filed)
        with at_hand(self._gallery.places, recording, lease) as here:
            return self._indexing(here, camera.detector_input, lease, complete)

    def _index_here(
        self, recording: Recording, detector_input: int | None, progress: Progress, complete: Complete
    ) -> IndexReport:
        if detector_input not in self._detectors:
            self._detectors[detector_input] = self._detector_factory(detector_input)
        return index_video(
            self._gallery,
            self._embedder(),
            self._detectors[detector_input],
            recording,
            self._settings,
            progress=progress,
            complete=complete,
        )

    def _reindex(self, claim: Claim, lease: Lease) -> Done:
        wanted = claim.recording.video_id
        assert wanted is not None
        try:
            video = self._gallery.catalogue.video(wanted)
        except NotFound:
            return Done("skipped", "the recording was erased")
        embedder = self._embedder_of(claim.options["model"], claim.options["model_id"])
        quiet = replace(video.report, warnings=())  # what is known of the recording is not news
        report = embed_video(
            self._gallery,
            embedder,
            video,
            self._settings,
            progress=lease,
            complete=lambda: lease.completion(quiet),
        )
        return _done(report)

    def _adapt(self, claim: Claim, lease: Lease) -> Done:
        from indexer.adaptation import adapt_gallery

        options = AdaptOptions(**claim.options)
        try:
            adapted = adapt_gallery(self._gallery, options, self._settings, run=claim.job_id, progress=lease)
        except Cancelled:
            if lease.cancelled:
                self._gallery.adaptations.discard(options.name)
            raise
        about: dict[str, object] = {"outcome": adapted.outcome, "model": adapted.model_id}
        return Done("succeeded", adapted.summary(), counters=adapted.counters(), about=about)

    def _embedder_of(self, name: str, model_id: str) -> "ClipEmbedder":
        """The network of this name, kept until another one is asked for."""
        in_use = self._embedder()
        if in_use.id == model_id:
            return in_use
        if self._other is None or self._other.id != model_id:
            self._other = None  # two are enough for the memory
            found = self._model_factory(name)
            if found.id != model_id:
                raise ModelError(f"model {name} is another one here than where the job was filed")
            self._other = found
        return self._other


def _done(report: IndexReport) -> Done:
    about: dict[str, object] = {"already": report.already, "seconds": dict(report.stage_seconds)}
    if report.already:
        return Done("skipped", report.warnings[0], report.video.id, about)
    return Done(about=about)
