"""Expected failures in one line: what went wrong and what to do about it."""

import errno

from pydantic import ValidationError

from gallery import errors as gallery
from indexer import errors as indexer
from models import errors as models
from service import errors as service
from sightline.variables import variable_of
from simulation import errors as simulation


class CommandError(Exception):
    """A command cannot do what was asked; `remedy` says what to do instead."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


# The first class that fits gives the remedy.
_REMEDIES: tuple[tuple[type[Exception], str], ...] = (
    (gallery.SchemaTooNew, "install the version of the program that the gallery was last used with"),
    (gallery.SchemaMismatch, "run `sightline migrate`"),
    (gallery.CatalogueUnavailable, "check SIGHTLINE_DATABASE_URL and that the database is running"),
    (gallery.VectorsUnavailable, "check SIGHTLINE_MILVUS_URI and that Milvus is running"),
    (
        gallery.ObjectsUnavailable,
        "check SIGHTLINE_OBJECT_ENDPOINT, the credentials for it, and that the store is running",
    ),
    (gallery.ObjectUnusable, "check its URL and SIGHTLINE_OBJECT_ROOTS"),
    (gallery.CatalogueDamaged, "`sightline doctor` says more; restore it from a backup"),
    (gallery.StorageFull, "make room, then try again"),
    (gallery.CorruptSegment, "`sightline repair` makes it anew from its recordings"),
    (
        gallery.NotFound,
        "`sightline cameras`, `groups`, `videos`, `searches list` and `keys list` show what there is",
    ),
    (gallery.GalleryError, "see docs/operations.md"),
    (models.MissingWeights, "install the weights as the message says, or choose another model"),
    (models.DeviceUnavailable, "choose another device with SIGHTLINE_DEVICE; `sightline doctor` lists them"),
    (models.BadRecipe, "docs/training.md lists the keys"),
    (models.TrainingError, "see docs/training.md"),
    (models.BadDistances, "try another model, or --precision fp32"),
    (models.ModelError, "`sightline doctor` shows what works on this machine"),
    (indexer.ClusterUnavailable, "jobs wait; docs/operations.md, A cluster, says how one is made"),
    (indexer.IndexerError, "see docs/operations.md"),
    (service.UnsafeSettings, "see docs/operations.md"),
    (service.UnsupportedImage, "use a JPEG, PNG or WebP picture"),
    (service.BadWebhook, "docs/webhooks.md says what is accepted"),
    (service.BadProbe, "use another picture, or cut the person out of this one"),
    (service.ServiceError, "see docs/operations.md"),
    (simulation.NoRenderer, "install the Debian packages libegl1 and libgl1-mesa-dri"),
    (simulation.BadWardrobe, "repair the file or take it out of the wardrobe"),
    (simulation.WorkerDied, "start it again: it goes on; if it dies again, update the graphics driver"),
    (simulation.BadPeople, "repair the file or take the figure out of index.json"),
    (simulation.SimulationError, "see docs/simulation.md"),
)


EXPECTED = (
    CommandError,
    ValidationError,
    OSError,
    gallery.GalleryError,
    models.ModelError,
    indexer.IndexerError,
    service.ServiceError,
    simulation.SimulationError,
)


def explain(error: Exception) -> str | None:
    """Cause and remedy of an expected error in one line, or None for one that is a defect of the program.

    Below the line of a data set that is not as published stands its layout, as the error draws it.
    """
    if isinstance(error, CommandError):
        return _line(error, error.remedy)
    if isinstance(error, ValidationError):
        return _value_line(error)
    if isinstance(error, models.BadDataset):
        cause, *layout = str(error).splitlines()
        return "\n".join([_line(cause, "see docs/datasets.md"), *layout])
    for kind, remedy in _REMEDIES:
        if isinstance(error, kind):
            return _line(error, remedy)
    return _of_system(error) if isinstance(error, OSError) else None


def _of_system(error: OSError) -> str | None:
    if error.filename is not None:
        return _line(f"{error.strerror}: {error.filename}", "check the path and who may use it")
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return _line(str(error.strerror), "make room on the disk")
    return None


def _line(error: Exception | str, remedy: str) -> str:
    cause = " ".join(str(error).split())
    # Some messages bring their own remedy.
    return cause if remedy in cause else f"{cause} ({remedy})"


def _value_line(error: ValidationError) -> str:
    first = error.errors()[0]
    cause = first["msg"].removeprefix("Value error, ")
    if not error.title.endswith("Settings"):
        return _line(f"{' '.join(map(str, first['loc']))} {cause}".strip(), "see --help")
    names = ", ".join(variable_of(error.title, str(part)) for part in first["loc"][:1])
    return _line(f"setting {names}: {cause}", "docs/operations.md lists the settings")
