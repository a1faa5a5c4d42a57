"""The networks of a node, and whether they are the driver's."""

import hashlib
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from indexer.cluster.messages import ModelName
from indexer.embedding import ClipEmbedder
from indexer.networks import make_detector, make_embedder
from indexer.settings import IndexSettings
from models.detector import Detector, weights_of
from models.errors import ModelError

_READ: Final = 1 << 20


class Networks:
    """Makes a node's networks.

    Args:
        exported: the gallery's folder of exported networks, used where the node sees it; elsewhere each actor
            writes its own, which takes seconds.
    """

    def __init__(self, exported: Path | None) -> None:
        self._exported = exported

    def detector(self, settings: IndexSettings, input_size: int | None) -> Detector:
        """Load the detector. Raises ModelError."""
        return make_detector(settings, input_size)

    def detector_digest(self, spec: str) -> str:
        """SHA-256 of the detector's weights. Raises ModelError."""
        return digest_of(weights_of(spec))

    def embedder(self, settings: IndexSettings, model: ModelName) -> ClipEmbedder:
        """Load a model. Raises ModelError: it cannot be loaded, or it is another one here."""
        settings = settings.model_copy(update={"model": model.spec})
        exported = self._exported
        if exported is None or not exported.is_dir():
            exported = _own_folder()
        found = make_embedder(settings, exported)
        if found.id != model.id:
            raise ModelError(
                f"model {model.spec} is another one here: {found.id[:16]} instead of {model.id[:16]}"
            )
        return found


def digest_of(files: Sequence[Path]) -> str:
    """SHA-256 of some files, one after the other. Raises ModelError."""
    digest = hashlib.sha256()
    try:
        for path in files:
            with path.open("rb") as file:
                while piece := file.read(_READ):
                    digest.update(piece)
    except OSError as error:
        raise ModelError(f"{error.filename}: {error.strerror}") from error
    return digest.hexdigest()


@lru_cache(maxsize=1)
def _own_folder() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="sightline-exported-")
    _FOLDERS.append(folder)  # until the process ends
    return Path(folder.name)


_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []
