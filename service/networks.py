"""The networks of the service: loaded once in the background, proved to work, then shared by all requests."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from models.detector import Detector
from models.errors import ModelError
from service.errors import NotReady
from service.pixels import Pixels
from service.settings import ServiceSettings

log = structlog.get_logger(__name__)


class ProbeEmbedder(Protocol):
    """The part of `models.embedder.Embedder` that the service uses."""

    id: str
    name: str
    dimension: int
    device: str
    card: Mapping[str, Any]
    warning: str | None

    def embed_images(self, crops: Sequence[Pixels]) -> NDArray[np.float32]:
        """Features of person crops: (N, D), L2-normalised."""


def load(settings: ServiceSettings) -> tuple[ProbeEmbedder, Detector]:
    """Load what the settings name. Raises ModelError."""
    # Imported here: they bring torch along, which takes a second that a server under test need not wait for.
    from models import zoo
    from models.detector import create_detector
    from models.embedder import Embedder

    # As many passes at once as threads allow: more threads than cores would wait for each other.
    threads = settings.threads or max(1, len(os.sched_getaffinity(0)) // settings.network_passes)
    # The detector first: it loads at once, and a wrong name is found before the model is read.
    detector = create_detector(settings.detector, device=settings.device, threads=threads)
    embedder = Embedder(zoo.load(settings.model), device=settings.device, threads=threads)
    return embedder, detector


class Networks:
    """Embedder and detector, or why they are not there (yet)."""

    def __init__(self, embedder: ProbeEmbedder | None = None, detector: Detector | None = None) -> None:
        self._embedder = embedder
        self._detector = detector
        self.failure: str | None = None

    @property
    def ready(self) -> bool:
        """True once both are loaded."""
        return self._embedder is not None and self._detector is not None

    @property
    def embedder(self) -> ProbeEmbedder:
        """The embedder. Raises NotReady."""
        if self._embedder is None:
            raise NotReady(self.failure or "The model is still loading.")
        return self._embedder

    @property
    def detector(self) -> Detector:
        """The detector of persons. Raises NotReady."""
        if self._detector is None:
            raise NotReady(self.failure or "The detector is still loading.")
        return self._detector

    def load(self, settings: ServiceSettings, then: Callable[[str], object]) -> None:
        """Load what is missing, try it, call `then` with the model's id. A failure is kept, not raised."""
        try:
            embedder, detector = self._embedder, self._detector
            if embedder is None or detector is None:
                loaded_embedder, loaded_detector = load(settings)
                embedder, detector = embedder or loaded_embedder, detector or loaded_detector
            blank = np.full((128, 64, 3), 127, dtype=np.uint8)
            embedder.embed_images([blank])
            detector.detect([blank])
        except (ModelError, OSError, RuntimeError, ImportError) as error:
            # The process stays alive to say so: /readyz and every search carry the reason.
            log.exception("networks could not be loaded")
            self.failure = f"The networks could not be loaded: {error}"
            return
        then(embedder.id)
        self._embedder, self._detector = embedder, detector


class LateNetworks(Networks):
    """Networks that load when one of them is first used, for a caller that wants an answer, not a service."""

    def __init__(self, settings: ServiceSettings) -> None:
        super().__init__()
        self._settings = settings

    @property
    def embedder(self) -> ProbeEmbedder:
        """The embedder. Raises ModelError."""
        self._load_once()
        return super().embedder

    @property
    def detector(self) -> Detector:
        """The detector of persons. Raises ModelError."""
        self._load_once()
        return super().detector

    def _load_once(self) -> None:
        if not self.ready:
            self._embedder, self._detector = load(self._settings)
