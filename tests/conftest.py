"""Galleries to test with: on SQLite and on a real PostgreSQL."""

import logging
import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from gallery import Gallery, GallerySettings
from gallery.sql import schema
from gallery.sql.database import Database
from tests.postgres import PostgresServer
from tests.simulation.drawing import give_up

if TYPE_CHECKING:
    from tests.objects import Store

TEMPLATE = "gallery_template"
_numbers = count()

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server a test process (under xdist: a worker), with a migrated database to copy from."""
    server = PostgresServer()
    try:
        schema.upgrade(server.create(TEMPLATE))
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def exported_networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the shipped default lies as ONNX Runtime wants it: made once for all processes, in seconds."""
    from models import zoo
    from models.exported.cache import provide
    from models.exported.exporting import missing_packages

    if missing_packages():
        give_up("the extra [onnx] is not installed", os.environ)
    own = tmp_path_factory.getbasetemp()
    root = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "exported"
    root.mkdir(exist_ok=True)
    provide(root, zoo.load())  # by the first that comes
    return root


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy from."""
    file = tmp_path_factory.mktemp("template") / "gallery.sqlite3"
    schema.upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def milvus_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One milvus-lite a test process, in the process: each gallery has keys of its own in it."""
    if find_spec("milvus_lite") is None:
        give_up("the extra [milvus-lite] is not installed", os.environ)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("gallery.vectors.milvus._SECONDS", 120.0)  # a busy machine is no server that is away
        yield str(tmp_path_factory.mktemp("milvus") / "milvus.db")


@pytest.fixture(scope="session")
def running_store() -> "Iterator[Store]":
    """One S3 server a test process."""
    from tests.objects import Store  # which takes a second

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = Store()
    yield running
    running.stop()


@pytest.fixture
def store(running_store: "Store", monkeypatch: pytest.MonkeyPatch) -> "Store":
    """An S3 server, and credentials for it in the environment."""
    from tests.objects import SECRET

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return running_store


@pytest.fixture
def milvus_settings(sqlite_settings: GallerySettings, milvus_uri: str) -> GallerySettings:
    """An empty gallery on SQLite and Milvus, not open."""
    return sqlite_settings.model_copy(update={"vectors": "milvus", "milvus_uri": milvus_uri})


@pytest.fixture
def sqlite_settings(sqlite_template: Path, tmp_path: Path) -> GallerySettings:
    """An empty gallery on SQLite, migrated, not open."""
    data_dir = tmp_path / "gallery"
    data_dir.mkdir()
    file = data_dir / "gallery.sqlite3"
    shutil.copyfile(sqlite_template, file)
    return GallerySettings(data_dir=data_dir, database_url=f"sqlite:///{file}")


@pytest.fixture
def postgres_settings(postgres_server: PostgresServer, tmp_path: Path) -> Iterator[GallerySettings]:
    """An empty gallery on PostgreSQL, migrated, not open."""
    name = f"gallery_{next(_numbers)}"
    url = postgres_server.create(name, TEMPLATE)
    data_dir = tmp_path / "gallery"
    data_dir.mkdir()
    yield GallerySettings(data_dir=data_dir, database_url=url)
    postgres_server.drop(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def gallery_settings(request: pytest.FixtureRequest) -> GallerySettings:
    """An empty gallery on either database, migrated, not open."""
    fixture = "sqlite_settings" if request.param == "sqlite" else "postgres_settings"
    settings: GallerySettings = request.getfixturevalue(fixture)
    return settings


@pytest.fixture
def gallery(gallery_settings: GallerySettings) -> Iterator[Gallery]:
    """An empty open gallery, once on each database."""
    with Gallery.open(gallery_settings) as opened:
        yield opened


@pytest.fixture
def sqlite_gallery(sqlite_settings: GallerySettings) -> Iterator[Gallery]:
    """An empty open gallery on SQLite, for what does not depend on the database."""
    with Gallery.open(sqlite_settings) as opened:
        yield opened


@pytest.fixture(params=["faiss", "milvus"])
def either_gallery(request: pytest.FixtureRequest) -> Iterator[Gallery]:
    """An empty open gallery on SQLite, once with its vectors in files and once in Milvus."""
    fixture = "sqlite_settings" if request.param == "faiss" else "milvus_settings"
    with Gallery.open(request.getfixturevalue(fixture)) as opened:
        yield opened


@pytest.fixture
def database(gallery: Gallery) -> Database:
    """The catalogue of an empty gallery, once on each database."""
    return gallery._database
