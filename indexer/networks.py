"""The networks that the settings name, made ready. Imported late, for torch takes a second to import."""

from typing import TYPE_CHECKING

from indexer.settings import IndexSettings
from models.names import check_detector, check_model

if TYPE_CHECKING:
    from models.detector import Detector
    from models.embedder import Embedder


def check_settings(settings: IndexSettings) -> None:
    """Refuse networks that do not exist, without loading any. Raises ModelError."""
    check_model(settings.model)
    check_detector(settings.detector)


def make_embedder(settings: IndexSettings) -> "Embedder":
    """Load the model and put it on its device. Raises ModelError."""
    from models import zoo
    from models.devices import resolve_device
    from models.embedder import Embedder

    device = resolve_device(settings.device)
    return Embedder(
        zoo.load(settings.model),
        device=device,
        batch_size=settings.embed_batch_on(device),
        threads=1,  # batches run side by side instead: nothing to wait for within one
    )


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
