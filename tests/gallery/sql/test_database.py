"""Transactions, and databases that cannot be reached."""

import threading
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, IntegrityError

from gallery.errors import CatalogueUnavailable
from gallery.gallery import Gallery
from gallery.settings import GallerySettings
from gallery.sql import database as database_module
from gallery.sql.changes import advance_change, current_change
from gallery.sql.database import Database, Pool, create_engine_at
from gallery.sql.tables import Camera, GalleryState
from tests.gallery.making import MODEL, make_tracklets, store
from tests.postgres import PostgresServer


def test_a_reader_sees_one_state(database: Database) -> None:
    with database.read() as reader:
        before = current_change(reader)
        with database.write() as writer:
            advance_change(writer)
        assert current_change(reader) == before
    with database.read() as reader:
        assert current_change(reader) == before + 1


def test_what_raises_is_rolled_back(database: Database) -> None:
    def fail() -> None:
        with database.write() as session:
            advance_change(session)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with database.read() as session:
        assert current_change(session) == 0


def test_writers_wait_for_each_other(database: Database) -> None:
    def advance() -> None:
        for _ in range(20):
            with database.write() as session:
                session.execute(
                    select(GalleryState.change)
                ).scalar_one()  # would deadlock if reading came first
                advance_change(session)

    threads = [threading.Thread(target=advance) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.read() as session:
        assert current_change(session) == 80


def test_foreign_keys_hold(database: Database) -> None:
    statement = "INSERT INTO tombstone (segment_id, video_id, change) VALUES ('x', 'y', 1)"

    def insert() -> None:
        with database.write() as session:
            session.execute(text(statement))

    with pytest.raises(IntegrityError):
        insert()


def test_readers_on_postgresql_cannot_write(postgres_settings: GallerySettings) -> None:
    def write() -> None:
        with Gallery.open(postgres_settings) as gallery, gallery._database.read() as session:
            advance_change(session)

    with pytest.raises(DBAPIError, match="read-only"):
        write()


def test_a_statement_that_makes_no_sense_is_no_outage(database: Database) -> None:
    def ask() -> None:
        with database.read() as session:
            session.execute(text("SELECT nothing FROM nowhere"))

    with pytest.raises(DBAPIError):
        ask()


def test_a_database_that_stays_locked_is_unavailable(
    sqlite_settings: GallerySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_S", 0.05)
    impatient = Database(create_engine_at(sqlite_settings.resolved_database_url))

    def write() -> None:
        with impatient.write() as session:
            advance_change(session)

    with Gallery.open(sqlite_settings) as gallery, gallery._database.write() as session:
        advance_change(session)
        with pytest.raises(CatalogueUnavailable, match="locked"):
            write()
        with impatient.read() as reader:  # readers are not held up
            assert current_change(reader) == 0
    impatient.close()


def test_a_server_that_goes_away_is_unavailable_and_comes_back(
    postgres_server: PostgresServer, postgres_settings: GallerySettings
) -> None:
    with Gallery.open(postgres_settings) as gallery:
        store(gallery, "v", make_tracklets(1, 2))
        name = str(gallery._database.engine.url.database)

        def broken() -> None:
            with gallery._database.write() as session:
                advance_change(session)
                postgres_server.disconnect(name)
                session.execute(select(Camera.id))

        with pytest.raises(CatalogueUnavailable):
            broken()
        assert gallery.snapshot(MODEL.id).tracklet_count == 2
        assert [camera.name for camera in gallery.catalogue.cameras()] == ["gate"]


def test_who_finds_no_free_connection_is_told_soon(postgres_settings: GallerySettings) -> None:
    small = postgres_settings.model_copy(
        update={"database_pool": 1, "database_pool_overflow": 1, "database_pool_seconds": 0.05}
    )

    def ask() -> None:
        with gallery._database.read() as session:
            current_change(session)

    with Gallery.open(small) as gallery:
        with gallery._database.read() as first, gallery._database.read() as second:
            assert current_change(first) == current_change(second) == 0
            with pytest.raises(CatalogueUnavailable, match="SIGHTLINE_DATABASE_POOL"):
                ask()
        ask()


def test_a_server_that_takes_no_more_connections_is_unavailable_until_it_does(
    postgres_server: PostgresServer, postgres_settings: GallerySettings
) -> None:
    name = str(make_url(postgres_settings.resolved_database_url).database)
    role = f"CREATE ROLE few_{name} LOGIN CONNECTION LIMIT 1"
    rights = f"GRANT ALL ON ALL TABLES IN SCHEMA public TO few_{name}"
    with psycopg.connect(postgres_server.url(name), autocommit=True) as admin:
        admin.execute(f"{role}; {rights}".encode())
        url = postgres_server.url(name).replace("postgres@", f"few_{name}@")
        database = Database(create_engine_at(url))

        def ask() -> None:
            with database.read() as session:
                current_change(session)

        with database.read() as first:
            assert current_change(first) == 0
            with pytest.raises(CatalogueUnavailable, match="too many connections"):
                ask()
        ask()
        database.close()
        admin.execute(f"DROP OWNED BY few_{name}; DROP ROLE few_{name}".encode())


def test_a_process_keeps_as_many_connections_as_it_may(postgres_server: PostgresServer) -> None:
    engine = create_engine_at(postgres_server.url("postgres"), Pool(size=1, overflow=2))
    held = [engine.connect() for _ in range(3)]
    for connection in held:
        connection.close()
    assert engine.pool.status().startswith("Pool size: 1  Connections in pool: 1 Current Overflow: 0")
    engine.dispose()


def test_of_several_hosts_the_one_that_takes_writes_is_used(
    postgres_server: PostgresServer, postgres_settings: GallerySettings, tmp_path: Path
) -> None:
    name = make_url(postgres_settings.resolved_database_url).database
    hosts = f"{tmp_path},{postgres_server.directory}"  # nobody is at the first
    url = f"postgresql://postgres:secret@/{name}?host={hosts}"
    with Gallery.open(postgres_settings.model_copy(update={"database_url": url})) as gallery:
        gallery.catalogue.add_camera("gate")
        assert hosts in gallery.database_name
        assert "secret" not in gallery.database_name


@pytest.mark.parametrize("url", ["mysql://x/y", "sqlite://", "sqlite:///:memory:", "nonsense", ""])
def test_other_databases_are_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must begin with sqlite:///"):
        GallerySettings(data_dir=tmp_path, database_url=url)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SIGHTLINE_DATA_DIR", str(tmp_path))
    assert GallerySettings().resolved_database_url == f"sqlite:///{tmp_path}/gallery.sqlite3"
    monkeypatch.setenv("SIGHTLINE_DATABASE_URL", "postgresql://db/gallery")
    assert GallerySettings().resolved_database_url == "postgresql://db/gallery"
