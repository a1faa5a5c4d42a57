"""The door: everything that is recorded is reached through a Gallery."""

from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Engine

from gallery import schema
from gallery.audit import Audit
from gallery.database import Database, create_engine_for
from gallery.jobs import Jobs
from gallery.keys import Keys
from gallery.probes import Probes
from gallery.searches import Searches
from gallery.settings import GallerySettings


class Gallery:
    """All that can be searched, and the record of what was done with it. Safe to share between threads.

    Attributes:
        data_dir: where the files lie.
        jobs: requests to index recordings.
        keys: the keys of the API.
        audit: what was done, by whom.
        probes: uploaded images.
        searches: asked questions and their answers.
    """

    def __init__(self, database: Database, data_dir: Path) -> None:
        self.database = database
        self.data_dir = data_dir
        self.jobs = Jobs(database)
        self.keys = Keys(database)
        self.audit = Audit(database)
        self.probes = Probes(database, data_dir)
        self.searches = Searches(database)

    @classmethod
    def open(cls, settings: GallerySettings, *, create: bool = False) -> "Gallery":
        """Open the gallery that the settings name.

        Args:
            settings: where it lies.
            create: bring the database to the newest schema first, making it if need be.

        Raises:
            SchemaMismatch: the database is not at the schema this code was written for.
            CatalogueUnavailable: the database cannot be reached.
        """
        if create:
            schema.upgrade(settings.resolved_database_url)
        database = Database(create_engine_for(settings))
        try:
            schema.check(database)
        except BaseException:
            database.close()
            raise
        return cls(database, settings.data_dir.absolute())

    @property
    def engine(self) -> Engine:
        """The engine of the catalogue."""
        return self.database.engine

    def close(self) -> None:
        """Close all connections to the database."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
