"""A PostgreSQL primary dies and its standby takes over, under a server and two workers."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from gallery import CatalogueUnavailable, Gallery, GallerySettings, NewRecording
from gallery.sql import schema
from tests.chaos import scenes
from tests.chaos.searching import Searcher
from tests.gallery.making import MODEL, make_tracklets, store
from tests.indexer.videos import RED
from tests.integration.test_two_workers import process
from tests.postgres import DURABLE, PostgresServer, Standby
from tests.waiting import PATIENCE, until

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
NAME = "drill"


@pytest.fixture
def primary() -> Iterator[PostgresServer]:
    """A server with an empty gallery."""
    server = PostgresServer(DURABLE)
    try:
        schema.upgrade(server.create(NAME))
        yield server
    finally:
        server.stop()


@pytest.fixture
def standby(primary: PostgresServer) -> Iterator[Standby]:
    """One that streams from it."""
    server = Standby(primary)
    try:
        until(primary.standbys)
        yield server
    finally:
        server.stop()


@pytest.fixture
def settings(primary: PostgresServer, standby: Standby, tmp_path: Path) -> GallerySettings:
    """A gallery on whichever of the two takes writes."""
    (tmp_path / "gallery").mkdir()
    url = f"postgresql://postgres@/{NAME}?host={primary.directory},{standby.directory}"
    return GallerySettings(data_dir=tmp_path / "gallery", database_url=url)


@pytest.mark.long
def test_the_standby_of_a_dead_primary_takes_over(
    primary: PostgresServer, standby: Standby, settings: GallerySettings, tmp_path: Path
) -> None:
    """With synchronous replication nothing that was acknowledged is lost, and all go on by themselves."""
    primary.set("synchronous_standby_names", "*")
    media = tmp_path / "media"
    media.mkdir()
    files = scenes.record(media)
    names = scenes.ids(files)
    data, url = str(settings.data_dir), settings.resolved_database_url
    with ExitStack() as stack:
        gallery = stack.enter_context(Gallery.open(settings))
        key = gallery.keys.create("test")[1]
        camera = gallery.catalogue.add_camera("gate").id
        server = stack.enter_context(process("serve", data, url, str(media)))
        assert server.stdout is not None
        port = int(server.stdout.readline())
        client = httpx2.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"X-API-Key": key}, timeout=PATIENCE
        )
        stack.enter_context(client)
        until(lambda: client.get("/readyz").status_code == 200)
        new = [NewRecording(camera, str(file), file.name, False, START) for file in files.values()]
        job = gallery.jobs.file(new).id
        workers = [stack.enter_context(process("work", data, url, name)) for name in ("w1", "w2")]

        def states() -> list[str]:
            found = client.get(f"/v1/index-jobs/{job}").json()["recordings"]
            return [recording["state"] for recording in found]

        searcher = Searcher(port, key, names)
        with searcher.running():
            until(lambda: {"succeeded", "running"} <= set(states()))
            acknowledged = {video.id for video in gallery.catalogue.videos()}
            assert acknowledged
            primary.kill()

            photo = {"file": ("p.jpg", scenes.photo(RED), "image/jpeg")}
            for _ in range(3):
                refused = client.post("/v1/searches/by-photo", files=photo)
                assert refused.status_code == 503, refused.text
                assert refused.json()["type"].endswith(":catalogue-unavailable")
                assert int(refused.headers["Retry-After"]) > 0
            assert client.get("/readyz").status_code == 503
            assert client.get("/livez").status_code == 200

            standby.promote()
            until(lambda: client.post("/v1/searches/by-photo", files=photo).status_code == 201)
            assert acknowledged <= {video.id for video in gallery.catalogue.videos()}
            until(lambda: set(states()) == {"succeeded"})
            right = searcher.right
            until(lambda: searcher.right > right + 3)
        assert searcher.wrong == []
        assert set(searcher.refused) <= {"503"}
        assert [one.poll() for one in (server, *workers)] == [None] * 3  # nobody had to be started again
        assert sorted(names[video.id] for video in gallery.catalogue.videos()) == sorted(files)
        gallery.sweep()
        assert not gallery.verify().problems
        assert len(list(gallery.data_dir.glob("segments/*"))) == len(files)


def test_what_an_asynchronous_standby_missed_is_not_there_any_more(
    primary: PostgresServer, standby: Standby, settings: GallerySettings
) -> None:
    """Nor is it shown by a process that has seen it, and whose next changes have the same numbers."""
    with Gallery.open(settings) as gallery:
        kept = store(gallery, "kept", make_tracklets(1, 2))
        copy = settings.model_copy(update={"database_url": standby.url(NAME)})
        with Gallery.open(copy) as behind:
            until(lambda: [video.id for video in behind.catalogue.videos()] == [kept.id])
            for _ in range(2):
                with pytest.raises(CatalogueUnavailable, match="read-only"):
                    behind.catalogue.add_camera("yard")
        standby.cut_off()
        lost = store(gallery, "lost", make_tracklets(2, 3))
        assert gallery.snapshot(MODEL.id).tracklet_count == 5
        primary.kill()
        with pytest.raises(CatalogueUnavailable):
            gallery.snapshot(MODEL.id)
        standby.promote()
        came = store(gallery, "came", make_tracklets(3, 4))
        shown = {one.rpartition("-")[0] for one in gallery.snapshot(MODEL.id).tracklet_ids()}
        assert shown == {kept.id, came.id}
        assert lost.id not in {video.id for video in gallery.catalogue.videos()}
        gallery.sweep()
        assert not gallery.verify().problems
        assert store(gallery, "lost", make_tracklets(2, 3)).id == lost.id  # indexed again, it is there again
