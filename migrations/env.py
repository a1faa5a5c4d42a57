"""Run migrations in one transaction that excludes other migrators."""

from alembic import context
from sqlalchemy import text

from gallery.settings import GallerySettings
from gallery.sql.database import Database, create_engine_at
from gallery.sql.schema import ADVISORY_LOCK
from gallery.sql.tables import METADATA


def run() -> None:
    """Migrate the database that the caller or the environment names.

    SQLite locks when the writing transaction begins; PostgreSQL is asked for a lock that ends with it.
    """
    url = context.config.attributes.get("database_url") or GallerySettings().resolved_database_url
    database = Database(create_engine_at(url))
    try:
        with database.writing.begin() as connection:
            if database.is_postgresql:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
            context.configure(
                connection=connection,
                target_metadata=METADATA,
                transactional_ddl=True,
                render_as_batch=not database.is_postgresql,
            )
            with context.begin_transaction():
                context.run_migrations()
    finally:
        database.close()


run()
