"""Models that a command names: of the gallery, if the program does not know them."""

from pathlib import Path
from typing import TYPE_CHECKING

from models.names import MODELS

if TYPE_CHECKING:
    from gallery import GallerySettings


def located(model: str, settings: "GallerySettings") -> str:
    """What `models.zoo.load` is to load: the folder of a gallery's model for its name or id, else `model`."""
    exists = settings.database_url is not None or (settings.data_dir / "gallery.sqlite3").exists()
    if model in MODELS or Path(model).exists() or not exists:
        return model
    from gallery import Gallery

    with Gallery.open(settings) as gallery:
        return gallery.models.locate(model) or model
