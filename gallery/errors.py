"""Errors of the gallery.

GalleryError
├── SchemaMismatch        the database is not at the schema this code was written for
│   └── SchemaTooNew      it was made, or brought there, by a later version of the program
├── NotFound              no such camera, video, tracklet, job, probe, search, key or group
│   └── OutOfSight        there is one, of a camera that is not seen here
├── Conflict              the request conflicts with what is recorded
│   ├── AlreadyIndexed    this recording is in the gallery already
│   ├── Held              a legal hold forbids it
│   ├── KeyReused         an idempotency key came with another request than before
│   └── LeaseLost         another worker took the recording over
├── InvalidInput          a value that can never be stored (bad name, bad vector, bad time range)
├── CorruptSegment        a vector segment is damaged
├── CatalogueDamaged      the database file is damaged or is none
├── StorageFull           the disk of the database is full
├── CatalogueUnavailable  the database cannot be reached
├── VectorsUnavailable    Milvus, which holds the vectors, cannot be reached
├── ObjectUnusable        a recording's object is not there, was replaced, or must not be read
└── ObjectsUnavailable    the object store that recordings are in cannot be reached
"""

from collections.abc import Sequence


class GalleryError(Exception):
    """Base of all errors the gallery raises on purpose."""


class SchemaMismatch(GalleryError):
    """The database is not at the schema this code was written for; run `sightline migrate`."""


class SchemaTooNew(SchemaMismatch):
    """The database is at a schema of a later version: no migration leads back."""


class NotFound(GalleryError):
    """No such row."""


class OutOfSight(NotFound):
    """There is such a row, of a camera that is not seen here: it is told as if there were none."""


class Conflict(GalleryError):
    """The request conflicts with what is recorded."""


class AlreadyIndexed(Conflict):
    """The recording is in the gallery already.

    Attributes:
        video_id: the video that holds it.
    """

    def __init__(self, message: str, video_id: str) -> None:
        super().__init__(message)
        self.video_id = video_id


class Held(Conflict):
    """A legal hold forbids it.

    Attributes:
        holds: ids of those that do.
    """

    def __init__(self, message: str, holds: Sequence[str]) -> None:
        super().__init__(message)
        self.holds = tuple(holds)


class KeyReused(Conflict):
    """An idempotency key was used for another request."""


class LeaseLost(Conflict):
    """The lease on a job's recording has passed to another worker, or the job was cancelled."""


class InvalidInput(GalleryError):
    """A value that can never be stored."""


class CorruptSegment(GalleryError):
    """A vector segment does not match its manifest, or holds what no embedding can be.

    Attributes:
        segment_id: which one.
    """

    def __init__(self, segment_id: str, message: str) -> None:
        super().__init__(f"segment {segment_id}: {message}")
        self.segment_id = segment_id


class CatalogueDamaged(GalleryError):
    """The database file is damaged, or is not a database."""


class StorageFull(GalleryError):
    """The disk of the database is full: nothing was written."""


class CatalogueUnavailable(GalleryError):
    """The database cannot be reached."""


class VectorsUnavailable(GalleryError):
    """Milvus, which holds the vectors, cannot be reached or refuses to work."""


class ObjectUnusable(GalleryError):
    """The object of a recording is not there, was replaced, is too large, or must not be read."""


class ObjectsUnavailable(GalleryError):
    """The object store that recordings are in cannot be reached, or refuses the credentials."""
