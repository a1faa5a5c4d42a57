"""The schema: migrations make what the tables say, and a gallery refuses any other."""

import logging
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from gallery.errors import CatalogueUnavailable, SchemaMismatch, SchemaTooNew
from gallery.gallery import Gallery
from gallery.settings import GallerySettings
from gallery.sql import database as database_module
from gallery.sql import schema
from gallery.sql.database import Database, create_engine_at
from gallery.sql.tables import METADATA
from sightline.failures import explain
from tests.gallery.making import make_tracklets, store
from tests.postgres import PostgresServer
from tests.waiting import PATIENCE


def test_migrations_and_tables_agree(gallery_settings: GallerySettings) -> None:
    command.check(schema.alembic_config(gallery_settings.resolved_database_url))


def test_head_is_the_newest_migration() -> None:
    script = ScriptDirectory.from_config(schema.alembic_config("sqlite:///unused"))
    assert script.get_current_head() == schema.HEAD


def test_downgrade_leaves_nothing(gallery_settings: GallerySettings) -> None:
    url = gallery_settings.resolved_database_url
    command.downgrade(schema.alembic_config(url), "base")
    engine = create_engine_at(url)
    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    engine.dispose()
    schema.upgrade(url)
    command.check(schema.alembic_config(url))


def test_models_of_the_tables_are_all_there(database: Database) -> None:
    assert set(inspect(database.engine).get_table_names()) - {"alembic_version"} == set(METADATA.tables)


def test_a_new_gallery_must_be_made_on_purpose(tmp_path: Path) -> None:
    settings = GallerySettings(data_dir=tmp_path / "new")
    with pytest.raises(SchemaMismatch, match="sightline migrate"):
        Gallery.open(settings)
    assert not (tmp_path / "new").exists()
    Gallery.open(settings, create=True).close()
    Gallery.open(settings).close()


def test_another_schema_is_refused(gallery_settings: GallerySettings) -> None:
    database = Database(create_engine_at(gallery_settings.resolved_database_url))
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    with pytest.raises(SchemaMismatch, match=r"at schema 0001.*sightline migrate"):
        schema.check(database)
    database.close()


def test_a_schema_of_a_later_version_is_no_matter_of_migrating(gallery_settings: GallerySettings) -> None:
    database = Database(create_engine_at(gallery_settings.resolved_database_url))
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaTooNew, match="at schema 9999, this program is older") as refused:
        schema.check(database)
    with pytest.raises(SchemaTooNew, match="does not know"):
        schema.upgrade(gallery_settings.resolved_database_url)
    assert schema.revision(database) == "9999"
    assert "migrate" not in (explain(refused.value) or "")
    database.close()


def test_an_empty_server_is_refused(postgres_server: PostgresServer, tmp_path: Path) -> None:
    url = postgres_server.create("empty")
    with pytest.raises(SchemaMismatch, match="sightline migrate"):
        Gallery.open(GallerySettings(data_dir=tmp_path, database_url=url))
    postgres_server.drop("empty")


def test_an_unreachable_server_is_unavailable(tmp_path: Path) -> None:
    settings = GallerySettings(data_dir=tmp_path, database_url=f"postgresql://nobody@/x?host={tmp_path}")
    with pytest.raises(CatalogueUnavailable):
        Gallery.open(settings)


def test_who_comes_while_somebody_migrates_waits(
    gallery_settings: GallerySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for ever, here: that it waits is seen from its giving up."""
    url = gallery_settings.resolved_database_url
    monkeypatch.setattr(database_module, "BUSY_TIMEOUT_S", 0.05)
    hasty = url if url.startswith("sqlite") else f"{url}&options=-c%20lock_timeout%3D50ms"
    migrating = Database(create_engine_at(url))
    with migrating.writing.begin() as connection:
        if migrating.is_postgresql:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": schema.ADVISORY_LOCK})
        with pytest.raises(CatalogueUnavailable, match="lock"):
            schema.upgrade(hasty)
    schema.upgrade(hasty)
    migrating.close()


_together: Any = None  # a barrier: all processes of a pool begin at once


def _meet(barrier: Any) -> None:
    globals()["_together"] = barrier


def _count_steps(url: str) -> int:
    """Bring a database to the newest schema; returns how many migrations that took here."""
    steps = []
    listener = logging.Handler()
    listener.emit = lambda record: steps.append(record.getMessage())  # type: ignore[method-assign]
    log = logging.getLogger("alembic.runtime.migration")
    log.setLevel(logging.INFO)
    log.addHandler(listener)
    _together.wait(PATIENCE)
    schema.upgrade(url)
    return sum(step.startswith("Running upgrade") for step in steps)


@pytest.mark.long
@pytest.mark.parametrize("older", [None, "0020"])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_of_several_processes_one_migrates(
    kind: str, older: str | None, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    if kind == "sqlite":
        url = f"sqlite:///{tmp_path / 'new.sqlite3'}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.create(f"contended_{older or 'empty'}")
    if older:
        command.upgrade(schema.alembic_config(url), older)
    spawned = get_context("spawn")
    together = spawned.Barrier(3)
    with ProcessPoolExecutor(3, mp_context=spawned, initializer=_meet, initargs=(together,)) as pool:
        steps = sorted(pool.map(_count_steps, [url] * 3))
    assert steps == [0, 0, int(schema.HEAD) - int(older or 0)]
    command.check(schema.alembic_config(url))


def test_a_database_that_cannot_be_written_is_said_to_be(
    sqlite_settings: GallerySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    url = sqlite_settings.resolved_database_url
    command.downgrade(schema.alembic_config(url), "0001")
    read_only = url.replace("sqlite:///", "sqlite:///file:") + "?mode=ro&uri=true"
    with pytest.raises(CatalogueUnavailable, match="cannot be written"):
        schema.upgrade(read_only)


def test_nobody_else_may_look(tmp_path: Path) -> None:
    settings = GallerySettings(data_dir=tmp_path / "new")
    with Gallery.open(settings, create=True) as gallery:
        store(gallery, "v", make_tracklets(1, 2), path="/x", owned=True)
        gallery.probes.add(b"photo", "image/jpeg", 1, 1, [])
        gallery.compact()
    directories = [settings.data_dir, *(p for p in settings.data_dir.glob("segments/*"))]
    directories += settings.data_dir.glob("thumbnails/*")
    assert {path.stat().st_mode & 0o777 for path in directories} == {0o700}
    files = [path for path in settings.data_dir.rglob("*") if path.is_file()]
    assert len(files) > 9
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_an_older_folder_is_closed_to_others_and_keeps_its_group(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    folder.chmod(0o755)
    Gallery.open(GallerySettings(data_dir=folder), create=True).close()
    assert folder.stat().st_mode & 0o777 == 0o750
