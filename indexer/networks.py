"""The networks that the settings name, made ready. Imported late, for torch takes a second to import."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from gallery import Gallery
from indexer.settings import IndexSettings
from models.names import DEFAULT, check_detector, check_model, shipped_ids

if TYPE_CHECKING:
    from indexer.embedding import ClipEmbedder
    from models.detector import Detector
    from models.embedder import Embedder


def in_use(settings: IndexSettings, gallery: Gallery) -> IndexSettings:
    """The settings with the model that they mean: what they name, else the promoted, else the shipped one.

    Raises:
        Conflict: several models of the gallery have this name.
    """
    model = gallery.models.locate(settings.model) or gallery.models.settled(shipped_ids()) or DEFAULT
    return settings.model_copy(update={"model": model})


def check_settings(settings: IndexSettings) -> None:
    """Refuse networks that do not exist, without loading any. Raises ModelError."""
    check_model(settings.model or DEFAULT)
    check_detector(settings.detector)


def make_embedder(settings: IndexSettings, exported: Path | None = None) -> "Embedder":
    """Load the model and put it on its device.

    Args:
        settings: which model, where.
        exported: folder of exported networks. On a CPU those of the model are made there, which takes seconds
            and pays as indexing takes long. None: torch embeds.

    Raises:
        ModelError: the model, the device or the runtime cannot be used.
    """
    from models import zoo
    from models.embedder import Embedder
    from models.exported.cache import try_to_provide
    from models.exported.choosing import AUTO
    from models.inference import device_for

    model = zoo.load(settings.model or DEFAULT)
    device = device_for(model.network, settings.device)
    if settings.runtime == AUTO and device == "cpu" and exported is not None:
        try_to_provide(exported, model)
    return Embedder(
        model,
        device=device,
        batch_size=settings.embed_batch_on(device),
        threads=1,  # batches run side by side instead: nothing to wait for within one
        runtime=settings.runtime,
        exported=exported,
    )


class ModelInUse:
    """Gives the network to embed with; another one as soon as another model is promoted.

    Args:
        gallery: whose model it is.
        settings: one that they name stays, whatever is promoted.
    """

    def __init__(self, gallery: Gallery, settings: IndexSettings) -> None:
        self._gallery = gallery
        self._settings = settings
        self._change: tuple[int, datetime | None] | None = None
        self._current: tuple[str | None, ClipEmbedder] | None = None

    @property
    def spec(self) -> str:
        """Name or path of the network that was given last."""
        assert self._current is not None
        assert self._current[0] is not None
        return self._current[0]

    def __call__(self) -> "ClipEmbedder":
        """The network; asking again costs a small query. Raises ModelError, GalleryError."""
        change = self._gallery.models.change()
        if self._current is None or change != self._change:
            settings = in_use(self._settings, self._gallery)
            if self._current is None or settings.model != self._current[0]:
                self._current = settings.model, make_embedder(settings, self._gallery.models.exported)
            self._change = change
        return self._current[1]


def make_detector(settings: IndexSettings, input_size: int | None = None) -> "Detector":
    """Load the detector; `input_size` is the camera's wish, None for the settings'. Raises ModelError."""
    from models.detector import create_detector

    return create_detector(
        settings.detector,
        input_size=input_size or settings.detector_input,
        threshold=settings.detector_threshold,
        device=settings.device,
        threads=1,
    )
