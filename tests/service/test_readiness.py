"""/readyz tells the truth: whatever a search needs is taken away, and it says what."""

import asyncio
import stat
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import create_engine, text
from starlette.testclient import TestClient

from gallery import Gallery
from gallery.errors import CatalogueUnavailable
from gallery.sql.schema import HEAD
from service.app import create_app
from service.networks import device_failure
from service.routes import health
from service.settings import ServiceSettings
from tests.service.conftest import Archive
from tests.service.fakes import ColourEmbedder, ContrastDetector
from tests.waiting import until


@pytest.fixture
def ready(make_app: Callable[..., FastAPI]) -> Iterator[TestClient]:
    with TestClient(make_app()) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        yield client


def failing(client: TestClient) -> dict[str, Any]:
    """The checks that fail, in words; the process itself must be alive."""
    return {name: check["detail"] for name, check in failed_checks(client).items()}


def failed_checks(client: TestClient) -> dict[str, Any]:
    """The checks that fail."""
    answer = client.get("/readyz")
    assert client.get("/livez").status_code == 200
    assert answer.status_code == (503 if any(not c["ok"] for c in answer.json()["checks"].values()) else 200)
    return {name: check for name, check in answer.json()["checks"].items() if not check["ok"]}


def test_the_database_its_schema_and_the_disk(
    ready: TestClient, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert failing(ready) == {}
    assert isinstance(archive.gallery, Gallery)
    engine = create_engine(f"sqlite:///{archive.gallery.data_dir}/gallery.sqlite3")
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert set(failing(ready)) == {"schema"}
    old = failed_checks(ready)["schema"]
    assert old["detail"] == f"schema 0001, this program needs {HEAD}: `sightline migrate`"
    assert old["values"] == {"found": "0001", "needed": HEAD}
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert failing(ready)["schema"].endswith("the program is older than the database")
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
    none = failed_checks(ready)["schema"]
    assert (none["detail"].split(",")[0], none["values"]) == ("schema none", {"needed": HEAD})
    engine.dispose()

    with monkeypatch.context() as patch:

        def refused(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied", "/secret/place")

        patch.setattr("tempfile.TemporaryFile", refused)
        folder = failed_checks(ready)["writable"]
        assert (folder["detail"], folder["values"]) == (
            "the data folder cannot be written",
            {"what": "folder"},
        )
        patch.setattr("shutil.disk_usage", refused)
        assert failing(ready)["room"] == "PermissionError", "paths stay in the log"

    def away(*_: object) -> None:
        raise CatalogueUnavailable("no route to db.internal:5432")

    monkeypatch.setattr("gallery.sql.database._session", away)
    found = failing(ready)
    assert found.keys() == {"database", "schema", "features", "snapshot"}
    assert set(found.values()) == {"the database does not answer"}


def test_a_read_only_database_on_both_kinds(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gallery.unwritable() is None
    if gallery.database_kind == "postgresql":
        engine = gallery._database.engine
        name = engine.url.database
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
        engine.dispose()  # it counts for new connections
        with pytest.raises(CatalogueUnavailable, match="read-only"):
            gallery.catalogue.add_camera("gate")
    else:
        monkeypatch.setattr("os.access", lambda path, mode: False)  # root may write whatever its mode
    assert gallery.unwritable() == "database"


def test_nothing_is_left_in_the_data_folder(archive: Archive) -> None:
    before = sorted(archive.gallery.data_dir.iterdir())
    assert archive.gallery.unwritable() is None
    assert sorted(archive.gallery.data_dir.iterdir()) == before
    assert stat.S_ISDIR(archive.gallery.data_dir.stat().st_mode)


class Stranger(ColourEmbedder):
    """A model that nothing was indexed with, on a device that is not there."""

    id = "d" * 64
    device = "cuda:9"


def test_a_model_without_features_and_a_lost_device(archive: Archive, settings: ServiceSettings) -> None:
    app = create_app(settings, gallery=archive.gallery, embedder=Stranger(), detector=ContrastDetector())
    with TestClient(app) as client:
        until(lambda: client.get("/readyz").json()["checks"]["model"]["ok"])
        found = failing(client)
    assert found.keys() == {"features", "device"}
    assert "no recording is indexed with it" in found["features"]
    assert found["device"] == device_failure("cuda:9") == "cuda:9 does not answer"
    assert device_failure("cpu") is None


def test_an_empty_gallery_is_ready(sqlite_gallery: Gallery) -> None:
    settings = ServiceSettings(data_dir=sqlite_gallery.data_dir)
    app = create_app(settings, gallery=sqlite_gallery, embedder=ColourEmbedder(), detector=ContrastDetector())
    with TestClient(app) as client:
        until(lambda: client.get("/readyz").status_code == 200)


def test_the_image_and_the_compose_file_ask_for_readiness(ready: TestClient) -> None:
    """What the containers' check runs, against this service."""
    import json
    import re
    from pathlib import Path

    root = Path(__file__).parents[2]
    check = re.search(r"^HEALTHCHECK .*\n    CMD (\[.*\])$", (root / "Dockerfile").read_text(), re.MULTILINE)
    assert check is not None
    *_, program = json.loads(check[1])
    asked = []
    program = program.replace("import urllib.request; ", "").replace("urllib.request.urlopen", "look")
    exec(program, {"look": lambda url, timeout: asked.append((url, timeout))})
    ((url, timeout),) = asked
    assert timeout < 5, "the check itself is ended after 5 s"
    assert ready.get(url.removeprefix("http://127.0.0.1:8000")).json()["ready"] is True
    compose = (root / "docker-compose.yml").read_text()
    assert "stop_grace_period: 30s" in compose


def test_anybody_who_asks_and_asks_has_it_checked_once_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[object] = []

    async def check(state: object) -> health.Readiness:
        checked.append(state)
        await asyncio.sleep(0)
        return health.Readiness(ready=True, checks={})

    monkeypatch.setattr(health, "_check", check)
    request: Any = SimpleNamespace(app=SimpleNamespace(state=SimpleNamespace()))
    state: Any = object()

    async def flood(number: int) -> None:
        asking = [asyncio.ensure_future(health.readiness(request, state)) for _ in range(number)]
        await asyncio.sleep(0)
        asking[0].cancel()
        told = await asyncio.gather(*asking, return_exceptions=True)
        assert [one.ready for one in told[1:] if isinstance(one, health.Readiness)] == [True] * (number - 1)

    asyncio.run(flood(50))
    assert len(checked) == 1
    asyncio.run(flood(2))
    assert len(checked) == 2, "what was found is not kept"


def test_the_state_of_the_system_is_told_to_who_looks_after_it(client: TestClient, archive: Archive) -> None:
    found = client.get("/v1/system").json()
    assert found["readiness"]["ready"] is True
    assert (found["videos"], found["tracklets"], found["database"]) == (2, 4, "sqlite")
    assert found["schema_version"] == HEAD
    assert 0 < found["free_bytes"] <= found["disk_bytes"]
    index = next(work for work in found["work"] if work["kind"] == "index")
    assert (index["queued"], index["overdue"]) == (0, 0)
    assert found["erased_on_disk"] is False
    archive.gallery.erase_video(archive.videos["gate"].id)
    assert client.get("/v1/system").json()["change"] > found["change"]
