"""One recording indexed by the actors of a cluster: they look and embed, this process tracks and writes."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from gallery import Gallery, JobKind
from indexer.cluster.build import glance
from indexer.cluster.crew import Crew
from indexer.cluster.messages import ModelName, Order
from indexer.cluster.pool import Pool, Remote
from indexer.cluster.settings import ClusterSettings
from indexer.cluster.spread import Spread
from indexer.embedding import ClipEmbedder, Features
from indexer.errors import UnreadableRecording
from indexer.looking import in_order
from indexer.names import shown
from indexer.pipeline import Complete, IndexReport, file_status, index_recording, made_by, tracking
from indexer.progress import Progress
from indexer.sampling import CutFrame
from indexer.settings import IndexSettings
from indexer.stages import Steps
from indexer.types import Recording
from models.detector import Detector
from models.preprocessing import Crop


class RemoteEmbedder:
    """A model whose clips a crew embeds.

    Args:
        embedder: the model, loaded here for what is known of it.
        model: how the nodes load it.
        crew: who embeds.
    """

    def __init__(self, embedder: ClipEmbedder, model: ModelName, crew: Crew) -> None:
        self.id, self.name, self.dimension = embedder.id, embedder.name, embedder.dimension
        self.card, self.warning, self.preprocessing = embedder.card, embedder.warning, embedder.preprocessing
        self.device = crew.first.device
        self._model, self._crew = model, crew

    def embed_clips(self, clips: Sequence[Sequence[Crop]]) -> Features:
        """See ClipEmbedder. Raises as Crew.embed."""
        return self._crew.embed(self._model, clips)


class ClusterIndexing:
    """Indexes recordings by the actors of a pool.

    Args:
        gallery: where to.
        pool: the actors.
        settings: how to index.
        cluster: how nodes are used.
        model: the model in use, loaded here, and how nodes load it.
        detector_factory: makes a detector here for a camera's input size, for what is known of it.
        first: the actor that is lent to the caller.
    """

    def __init__(
        self,
        gallery: Gallery,
        pool: Pool,
        settings: IndexSettings,
        cluster: ClusterSettings,
        *,
        model: Callable[[], tuple[ClipEmbedder, ModelName]],
        detector_factory: Callable[[int | None], Detector],
        first: Callable[[], Remote],
    ) -> None:
        self._gallery, self._pool, self._settings, self._cluster = gallery, pool, settings, cluster
        self._model, self._detector_factory, self._first = model, detector_factory, first
        self._detectors: dict[int | None, Detector] = {}

    def __call__(
        self, recording: Recording, detector_input: int | None, progress: Progress, complete: Complete
    ) -> IndexReport:
        """Index a recording as `index_video` does: rows, and vectors up to rounding, are the same.

        Raises:
            NotOnNode: no node can read it.
            NodesLost: too many nodes were lost over it.
            ClusterUnavailable: no node was left to work on it.
            And what `index_video` raises.
        """
        embedder, model = self._model()
        settings = self._settings
        if detector_input not in self._detectors:
            self._detectors[detector_input] = self._detector_factory(detector_input)
        detector = self._detectors[detector_input]
        first = self._first()
        changes = first.device == "cpu" and in_order(detector, settings) is not None
        with Crew(
            self._pool,
            first,
            recording.file_name,
            tries=self._cluster.tries,
            patience=settings.outage_seconds,
            stall_seconds=settings.decode_stall_seconds,
        ) as crew:
            steps: Steps[CutFrame] = tracking(settings)
            crew.check = lambda: progress.update("hash", 0.0, {})  # until there are stages to stop
            return index_recording(
                self._gallery,
                RemoteEmbedder(embedder, model, crew),
                recording,
                settings.model_copy(update={"workers": self._at_once(settings)}),
                opening=lambda _: self._open(recording, detector_input, model, crew),
                steps=steps,
                origin=made_by(detector.name, settings, changes),
                progress=progress,
                complete=complete,
            )

    def _at_once(self, settings: IndexSettings) -> int:
        """Batches that are out to be embedded: enough to keep the actors of a whole crew busy."""
        return settings.workers or self._cluster.cpus * self._cluster.shares

    @contextmanager
    def _open(
        self, recording: Recording, detector_input: int | None, model: ModelName, crew: Crew
    ) -> Iterator[Spread]:
        status = file_status(recording.path)
        try:
            glanced = glance(recording.path)
        except OSError as error:
            raise UnreadableRecording(f"{shown(recording.path)}: {error.strerror}") from error
        order = Order(
            recording.place,
            recording.file_name,
            status.st_size,
            glanced,
            recording.pixel_aspect,
            detector_input,
            model,
        )
        spread = Spread(recording.path, order, crew)
        try:
            spread.open()
            crew.grow(self._more(spread.expected_duration_us))
            yield spread
        finally:
            spread.close()

    def _more(self, expected_us: int | None) -> int:
        """How many actors more work on a recording: those that are idle, not those that others wait for."""
        lengths = int((expected_us or 0) / 1e6 // self._cluster.split_seconds)
        waiting = self._gallery.figures().jobs[JobKind.INDEX].states.get("queued", 0)
        return max(0, min(self._cluster.shares - 1, lengths, self._pool.free - waiting))
