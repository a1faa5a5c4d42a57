"""The record: cameras, videos, tracklets, vectors, jobs, keys, searches; kept consistent behind one door.

    with Gallery.open(GallerySettings()) as gallery:
        cameras = Filters(camera_ids=frozenset({1, 2}))
        ranking = gallery.snapshot(model_id).search(embedding, limit=20, filters=cameras)

The names load when they are first used: who wants a record or an error need not wait for FAISS.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gallery.errors import (
        AlreadyIndexed,
        CatalogueUnavailable,
        Conflict,
        CorruptSegment,
        GalleryError,
        InvalidInput,
        LeaseLost,
        NotFound,
        SchemaMismatch,
    )
    from gallery.gallery import Gallery
    from gallery.records import Filters, ModelInfo, NewClip, NewTracklet, NewVideo
    from gallery.settings import GallerySettings
    from gallery.vectors.snapshot import Snapshot
    from gallery.writing.writer import VideoWriter

__all__ = [
    "Gallery",
    "GallerySettings",
    "Snapshot",
    "VideoWriter",
    "Filters",
    "ModelInfo",
    "NewClip",
    "NewTracklet",
    "NewVideo",
    "AlreadyIndexed",
    "CatalogueUnavailable",
    "Conflict",
    "CorruptSegment",
    "GalleryError",
    "InvalidInput",
    "LeaseLost",
    "NotFound",
    "SchemaMismatch",
]

_HOMES = {
    "Gallery": "gallery",
    "GallerySettings": "settings",
    "Snapshot": "vectors.snapshot",
    "VideoWriter": "writing.writer",
}
_RECORDS = {"Filters", "ModelInfo", "NewClip", "NewTracklet", "NewVideo"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES.get(name, "records" if name in _RECORDS else "errors")
    return getattr(import_module(f"gallery.{home}"), name)
