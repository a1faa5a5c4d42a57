"""All changes over REST are on record: where an event cannot be written, nothing changes."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from gallery import Gallery, GallerySettings
from gallery.errors import StorageFull
from gallery.sql import chain
from gallery.sql.base import Base
from tests.service.limited.team import Team, make_archive, service, work
from tests.service.limited.test_walk import requests

BESIDES = {"last_used_at", "used_at"}  # that a key was used is no event of its own
CHANGES = {
    *("createProbe", "deleteProbe", "createSearch", "searchByPhoto", "searchAgain", "refineSearch"),
    *("markHit", "unmarkHit", "undoMark", "createCase", "changeCase", "deleteCase", "addCaseItem"),
    *("removeCaseItem", "addCaseNote", "createIndexJob", "cancelIndexJob", "retryIndexJob", "createModelJob"),
    *("createWebhook", "createCamera", "changeCamera", "putCameraGroup", "deleteCameraGroup"),
    *("correctVideo", "eraseVideo", "resetCalibration", "signIn"),
}


@pytest.fixture(scope="module")
def everything(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """A gallery with something of each kind, and a key that may do everything."""
    root = tmp_path_factory.mktemp("recorded")
    (root / "gallery").mkdir()
    shutil.copyfile(sqlite_template, root / "gallery" / "gallery.sqlite3")
    with Gallery.open(GallerySettings(data_dir=root / "gallery")) as gallery:
        archive = make_archive(gallery, root / "media")
        gallery.groups.add("team", [camera.name for camera in gallery.catalogue.cameras()])
        key = {"X-API-Key": gallery.keys.create("everybody")[1]}
        with TestClient(service(archive), headers=key, raise_server_exceptions=False) as client:
            yield work(archive, client, client)


def rows(gallery: Gallery) -> dict[str, list[Any]]:
    """All rows of all tables."""
    with gallery._database.engine.connect() as connection:
        return {
            table.name: sorted(
                map(repr, connection.execute(select(*(c for c in table.c if c.name not in BESIDES))))
            )
            for table in Base.metadata.sorted_tables
        }


def test_where_no_event_can_be_written_nothing_changes(
    everything: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(session: Session) -> None:
        if session.info.get(chain._WAITING):
            raise StorageFull("the disk of the database is full")

    monkeypatch.setattr(chain, "write_waiting", refuse)
    more: list[tuple[str, str, str, Any]] = [
        ("createWebhook", "POST", "/v1/webhooks", {"json": {"url": "https://93.184.215.14/"}}),
        ("createCamera", "POST", "/v1/cameras", {"json": {"name": "new"}}),
        ("changeCamera", "PATCH", "/v1/cameras/roof", {"json": {"site": "south"}}),
    ]
    before, refused = rows(everything.gallery), set()
    for operation, method, path, rest in [*requests(everything), *more]:
        if method == "GET":
            continue
        status = everything.client.request(method, path, **rest).status_code
        if status == 507:
            refused.add(operation)
        after = rows(everything.gallery)
        assert after == before, f"{operation} {path} was answered {status} and changed something"
    assert refused >= CHANGES, "these were asked to change something"
