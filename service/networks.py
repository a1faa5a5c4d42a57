"""The networks of the service: loaded once in the background, proved to work, then shared by all requests."""

import os
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from gallery import Gallery, GalleryError, Notice, NoticeCode, RegisteredModel, exported_directory
from models.detector import Detector
from models.errors import ModelError, UnknownModel
from models.names import DEFAULT, shipped_ids
from service.errors import NotReady
from service.pixels import Pixels
from service.settings import ServiceSettings

log = structlog.get_logger(__name__)

_RETRY_SECONDS: Final = 30.0  # after a promoted model could not be loaded
_FAILURES: Final = (ModelError, GalleryError, OSError, RuntimeError, ImportError)


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
    # Imported here: it brings torch along, which takes a second that a server under test need not wait for.
    from models.detector import create_detector

    # The detector first: it loads at once, and a wrong name is found before the model is read.
    detector = create_detector(settings.detector, device=settings.device, threads=_threads(settings))
    return load_embedder(settings), detector


def load_embedder(settings: ServiceSettings) -> ProbeEmbedder:
    """Load the model that the settings name. Raises ModelError."""
    from models import zoo
    from models.embedder import Embedder

    model = zoo.load(settings.model or DEFAULT)
    return Embedder(
        model,
        device=settings.device,
        threads=_threads(settings),
        runtime=settings.runtime,
        exported=exported_directory(settings.data_dir),
    )


def try_model(settings: ServiceSettings, model: str) -> ProbeEmbedder:
    """Load the model of a name or folder and embed a picture. Raises ModelError: it would answer nobody."""
    embedder = load_embedder(settings.model_copy(update={"model": model}))
    _try_out(embedder)
    return embedder


def try_registered(settings: ServiceSettings, model: RegisteredModel) -> ProbeEmbedder:
    """Load a model of the gallery, as `try_model`. Raises ModelError also where it is not here any more."""
    embedder = try_model(settings, str(model.folder or model.name))
    if embedder.id != model.id:
        raise UnknownModel(f"{model.name} came with an earlier version; today's has other weights")
    return embedder


def in_use(settings: ServiceSettings, gallery: Gallery) -> ServiceSettings:
    """The settings with the model that they mean: what they name, else the promoted, else the shipped one.

    Raises:
        Conflict: several models of the gallery have this name.
    """
    model = gallery.models.locate(settings.model) or gallery.models.settled(shipped_ids()) or DEFAULT
    return settings.model_copy(update={"model": model})


def device_failure(device: str) -> str | None:
    """Say why a device cannot compute any more; None: it can. A CPU always can."""
    if not device.startswith("cuda"):
        return None
    import torch

    try:
        torch.cuda.mem_get_info(torch.device(device))  # a question that only a working driver answers
    except (RuntimeError, AssertionError, ValueError):
        log.exception("a device is lost", device=device)
        return f"{device} does not answer"
    return None


def _threads(settings: ServiceSettings) -> int:
    """As many passes at once as threads allow: more threads than cores would wait for each other."""
    return settings.threads or max(1, len(os.sched_getaffinity(0)) // settings.network_passes)


class Networks:
    """Embedder and detector, or why they are not there (yet).

    Those that are given stay. Else the embedder is of the model in use, and changes when another is promoted.

    Attributes:
        failure: why they could not be loaded.
        note: what every answer must say of the model, besides the model's own warning.
    """

    def __init__(self, embedder: ProbeEmbedder | None = None, detector: Detector | None = None) -> None:
        self._embedder = embedder
        self._detector = detector
        self._given = embedder is not None
        self._model: str | None = None  # what the embedder was loaded from
        self._change: tuple[int, datetime | None] | None = (
            None  # of the gallery, when its model was last compared with ours
        )
        self._retry_at = 0.0
        self.failure: str | None = None
        self.note: Notice | None = None

    @property
    def ready(self) -> bool:
        """True once both are loaded."""
        return self._embedder is not None and self._detector is not None

    @property
    def embedder(self) -> ProbeEmbedder:
        """The embedder, which may be another when asked again. Raises NotReady."""
        if self._embedder is None:
            raise NotReady(self.failure or "The model is still loading.")
        return self._embedder

    @property
    def detector(self) -> Detector:
        """The detector of persons. Raises NotReady."""
        if self._detector is None:
            raise NotReady(self.failure or "The detector is still loading.")
        return self._detector

    def load(self, settings: ServiceSettings, gallery: Gallery) -> None:
        """Load what is missing, try it, and load the vectors too. A failure is kept, not raised."""
        try:
            change = gallery.models.change()
            meant = in_use(settings, gallery)
            embedder, detector = self._embedder, self._detector
            if embedder is None or detector is None:
                loaded_embedder, loaded_detector = load(meant)
                embedder, detector = embedder or loaded_embedder, detector or loaded_detector
            _try_out(embedder)
            detector.detect([_BLANK])
        except _FAILURES as error:
            # The process stays alive to say so: /readyz and every search carry the reason.
            log.exception("networks could not be loaded")
            self.failure = f"The networks could not be loaded: {error}"
            return
        _load_vectors(gallery, embedder)
        self._model, self._change = meant.model, change
        self._embedder, self._detector = embedder, detector
        self.note = _note(settings, gallery, embedder)

    def follow(self, settings: ServiceSettings, gallery: Gallery) -> None:
        """Take the model that is in use now. Costs a small query while nothing changes.

        Searches that are under way end with the model they began with. A model that cannot be loaded leaves
        the one before in its place; answers say so.
        """
        if self._given or not self.ready or time.monotonic() < self._retry_at:
            return
        try:
            change = gallery.models.change()
            if change == self._change:
                return
            meant = in_use(settings, gallery)
            if meant.model != self._model:
                self._exchange(meant, gallery)
            self.note = _note(settings, gallery, self.embedder)
        except _FAILURES as error:
            log.exception("the promoted model could not be loaded")
            self._retry_at = time.monotonic() + _RETRY_SECONDS
            answers = f"{self.embedder.name} answers instead"
            said = f"The model in use could not be loaded ({error}): {answers}."
            self.note = Notice(NoticeCode.OTHER_MODEL, said)
            return
        self._change = change

    def _exchange(self, meant: ServiceSettings, gallery: Gallery) -> None:
        before, after = self.embedder, load_embedder(meant)
        _try_out(after)
        _load_vectors(gallery, after)
        self._model, self._embedder = meant.model, after
        if before.id != after.id:
            gallery.forget(before.id)
        log.info("model exchanged", before=before.name, now=after.name)


_BLANK: Final = np.full((128, 64, 3), 127, dtype=np.uint8)


def _try_out(embedder: ProbeEmbedder) -> None:
    embedder.embed_images([_BLANK])


def _load_vectors(gallery: Gallery, embedder: ProbeEmbedder) -> None:
    try:
        gallery.snapshot(embedder.id)
    except GalleryError:
        log.exception("the vectors could not be loaded")  # /readyz says so, and the next search tries again


def _note(settings: ServiceSettings, gallery: Gallery, embedder: ProbeEmbedder) -> Notice | None:
    """Say that another model is promoted than the one that the settings name."""
    promoted = gallery.models.promoted()
    if settings.model is None or promoted is None or promoted.id == embedder.id:
        return None
    said = f"{embedder.name} answers, as SIGHTLINE_MODEL says; the gallery's model is {promoted.name}."
    return Notice(NoticeCode.OTHER_MODEL, said)


class LateNetworks(Networks):
    """Networks that load when one of them is first used, for a caller that wants an answer, not a service."""

    def __init__(self, settings: ServiceSettings, gallery: Gallery) -> None:
        super().__init__()
        self._settings = settings
        self._gallery = gallery

    @property
    def embedder(self) -> ProbeEmbedder:
        """The embedder. Raises ModelError, GalleryError."""
        self._load_once()
        return super().embedder

    @property
    def detector(self) -> Detector:
        """The detector of persons. Raises ModelError, GalleryError."""
        self._load_once()
        return super().detector

    def _load_once(self) -> None:
        if not self.ready:
            self._embedder, self._detector = load(in_use(self._settings, self._gallery))
            self.note = _note(self._settings, self._gallery, self._embedder)
