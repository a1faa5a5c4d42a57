"""The schema's version: bring a database to it, or refuse to work on another."""

import io
import os
import sys
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gallery.disk.files import PRIVATE_FILE
from gallery.errors import SchemaMismatch, SchemaTooNew
from gallery.sql.database import Database, meaning_of, sqlite_file

ADVISORY_LOCK = 0x5167_4C17  # of PostgreSQL: who migrates holds it
HEAD = "0028"  # the newest file in migrations/versions
# Beside the package in a checkout; where a wheel's data files go otherwise.
_PLACES = (Path(__file__).resolve().parents[2], Path(sys.prefix) / "share" / "sightline")
_REMEDY = "run `sightline migrate`"


def alembic_config(database_url: str) -> Config:
    """Make the configuration of Alembic for a database.

    Raises:
        SchemaMismatch: the project's migrations are not where the package is.
    """
    ini = next((place / "alembic.ini" for place in _PLACES if (place / "alembic.ini").is_file()), None)
    if ini is None:
        raise SchemaMismatch(
            f"no alembic.ini in {' or '.join(map(str, _PLACES))}: the installation is incomplete"
        )
    config = Config(str(ini), stdout=io.StringIO())
    config.attributes["database_url"] = database_url
    return config


def upgrade(database_url: str) -> None:
    """Bring the database to the newest schema, making it when there is none.

    Several processes may do so at once: one works, the others wait and find it done.

    Raises:
        CatalogueUnavailable: the database cannot be reached, or not written.
        StorageFull, CatalogueDamaged: its disk is full, its file is damaged.
        SchemaTooNew: it is at a schema of a later version, and stays so.
    """
    file = sqlite_file(database_url)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, PRIVATE_FILE))  # else everybody may read it
    try:
        command.upgrade(alembic_config(database_url), "head")
    except DBAPIError as error:
        raise meaning_of(error) or error from error
    except CommandError as error:  # a schema that none of our migrations has made
        raise SchemaTooNew(f"the database is at a schema that this program does not know: {error}") from error


def check(database: Database) -> None:
    """Raise SchemaMismatch or SchemaTooNew unless the database is at the schema of this code."""
    found = revision(database)
    if found is None:
        raise SchemaMismatch(f"the database has no gallery yet: {_REMEDY}")
    if found > HEAD:  # numbers of four digits, the newest last
        raise SchemaTooNew(f"the database is at schema {found}, this program is older and needs {HEAD}")
    if found != HEAD:
        raise SchemaMismatch(f"the database is at schema {found}, this program needs {HEAD}: {_REMEDY}")


def revision(database: Database) -> str | None:
    """Return the schema's version in the database, or None when it has none."""
    file = sqlite_file(str(database.engine.url))
    if file is not None and not file.exists():
        return None  # connecting would leave an empty file behind
    try:
        with database.read() as session:
            return session.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    except DBAPIError:  # no such table; an unreachable database has raised CatalogueUnavailable
        return None
