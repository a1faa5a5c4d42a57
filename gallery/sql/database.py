"""Connections to the catalogue: SQLite or PostgreSQL, with the same transaction semantics on both.

A reading session sees one state of the database from its first statement to its last. A writing session on
SQLite takes the write lock when it begins: one that read first and locked later could be refused half-way.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry

from gallery.database_urls import database_url as read_url
from gallery.errors import CatalogueDamaged, CatalogueUnavailable, GalleryError, StorageFull
from gallery.settings import GallerySettings
from gallery.sql import chain

BUSY_TIMEOUT_S = 60.0
_FOLDING_MS = 2000
WRITES = "sightline_writes"  # marks the connections of writing sessions

T = TypeVar("T")


# A server that vanished without a word is noticed in half a minute, not in hours. All can be said in the URL.
_PATIENCE: Final = {
    "connect_timeout": 10,  # seconds, for each host
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # ms that what was sent may be unacknowledged
}


@dataclass(frozen=True, slots=True)
class Pool:
    """How many connections to PostgreSQL a process has.

    Attributes:
        size: those that are kept.
        overflow: how many more there may be at a time.
        seconds: how long somebody waits for one that is free.
    """

    size: int = 10
    overflow: int = 10
    seconds: float = 5.0


def create_engine_for(settings: GallerySettings) -> Engine:
    """Make the engine for the database that the settings name; connects on first use."""
    pool = Pool(settings.database_pool, settings.database_pool_overflow, settings.database_pool_seconds)
    return create_engine_at(settings.resolved_database_url, pool)


def create_engine_at(database_url: str, pool: Pool | None = None) -> Engine:
    """Make an engine for a `sqlite:///` or `postgresql://` URL; connects on first use."""
    url = read_url(database_url)
    if url.get_backend_name() != "sqlite":
        return _engine_of_server(url, pool or Pool())
    engine = create_engine(
        url,
        pool_size=10,
        max_overflow=40,
        connect_args={"timeout": BUSY_TIMEOUT_S, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _engine_of_server(url: URL, pool: Pool) -> Engine:
    # Asking before use costs a round trip and spares callers an error after a restart of the server.
    return create_engine(
        url,
        pool_size=pool.size,
        max_overflow=pool.overflow,
        pool_timeout=pool.seconds,
        pool_pre_ping=True,
        connect_args={name: value for name, value in _PATIENCE.items() if name not in url.query},
    )


class Database:
    """Reading and writing sessions over one engine; safe to share between threads.

    Both raise CatalogueUnavailable when the database cannot be reached or stays locked, StorageFull when its
    disk is full and CatalogueDamaged when its file is. Other errors of the database (IntegrityError, for one)
    pass through.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        reading = {}
        if engine.dialect.name == "postgresql":
            reading = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reading = engine.execution_options(**reading)
        self.writing = engine.execution_options(**{WRITES: True})

    @property
    def is_postgresql(self) -> bool:
        """True for PostgreSQL, false for an SQLite file."""
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a session that sees one unchanging state and writes nothing."""
        with _session(self._reading) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a session whose transaction commits when the block ends, and rolls back when it raises."""
        with _session(self.writing) as session:
            yield session
            chain.write_waiting(session)

    def fold_log(self) -> bool:
        """Put what SQLite has logged beside its file into it, so that the file alone is the database.

        What was removed is in the log no longer then; False while others need it. A server's log is its own.
        """
        if self.is_postgresql:
            return True
        with self.engine.connect() as connection:
            _plainly(connection, f"PRAGMA busy_timeout = {_FOLDING_MS}")  # writers wait meanwhile
            busy = _plainly(connection, "PRAGMA wal_checkpoint(TRUNCATE)")
            _plainly(connection, f"PRAGMA busy_timeout = {round(BUSY_TIMEOUT_S * 1000)}")
        return not busy

    def close(self) -> None:
        """Close all pooled connections."""
        self.engine.dispose()


@contextmanager
def _session(engine: Engine) -> Iterator[Session]:
    try:
        with Session(engine, expire_on_commit=False) as session, session.begin():
            yield session
    except PoolTimeout as error:
        raise CatalogueUnavailable(
            f"all connections of this process to the database are in use ({error}): SIGHTLINE_DATABASE_POOL "
            "and SIGHTLINE_DATABASE_POOL_OVERFLOW say how many it may have"
        ) from error
    except DBAPIError as error:
        meaning = meaning_of(error)
        if getattr(error.orig, "sqlstate", None) in _POSTGRESQL_READ_ONLY and _writes(engine):
            meaning = CatalogueUnavailable("the database is read-only")
            engine.dispose()  # another of its hosts may take writes by now
        if meaning is None:
            raise
        raise meaning from error


def _writes(engine: Engine) -> bool:
    return bool(engine.get_execution_options().get(WRITES, False))


_UNWRITABLE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_POSTGRESQL_DISK_FULL = "53100"
_POSTGRESQL_READ_ONLY = {"25006", "0A000"}  # the second, where a standby is asked for a writing transaction


def meaning_of(error: DBAPIError) -> GalleryError | None:
    """Tell a database that cannot be used now from a statement that can never work (None)."""
    cause = error.orig
    if isinstance(cause, sqlite3.DatabaseError):
        # The low byte of an extended code is the code itself. Python's own errors have none.
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            return StorageFull("the disk of the database is full")
        if code in _UNWRITABLE:
            return CatalogueUnavailable(
                f"the database file cannot be written ({cause}): who owns its folder?"
            )
        if code in _DAMAGED:
            return CatalogueDamaged(f"the database is damaged: {cause}")
        unavailable = isinstance(cause, sqlite3.OperationalError) and code != sqlite3.SQLITE_ERROR
    elif getattr(cause, "sqlstate", None) == _POSTGRESQL_DISK_FULL:
        return StorageFull("the disk of the database is full")
    else:
        unavailable = error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    return CatalogueUnavailable(f"the database cannot be used: {cause}") if unavailable else None


def _prepare_sqlite(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    # The driver would begin transactions when it sees fit; `_begin_sqlite` does it instead. What is removed
    # is overwritten: what was erased must not be read from free pages of the file.
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _plainly(connection: Connection, statement: str) -> int:
    """Execute what SQLite takes outside of a transaction only; returns the first number of its answer."""
    found = connection.connection.cursor()
    try:
        found.execute(statement)
        row = found.fetchone()
    finally:
        found.close()
    return 0 if row is None else int(row[0])


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def sqlite_file(database_url: str) -> Path | None:
    """Name the file of a SQLite URL; None for a server."""
    url = read_url(database_url)
    return Path(url.database or "") if url.get_backend_name() == "sqlite" else None


def batches(values: Sequence[T], size: int = 1000) -> Iterator[Sequence[T]]:
    """Cut ids and the like into as many as one statement takes."""
    for first in range(0, len(values), size):
        yield values[first : first + size]


def insert_or_keep(session: Session, table: type[DeclarativeBase], values: dict[str, Any]) -> None:
    """Insert a row unless its key is there already; waits for somebody else who is inserting it."""
    kind = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(kind(table).values(values).on_conflict_do_nothing())
