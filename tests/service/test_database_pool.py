"""What callers are told while all connections to the database are in use."""

from contextlib import ExitStack, suppress

import pytest
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.testclient import TestClient

from gallery import Gallery, GallerySettings
from service.app import create_app
from service.settings import ServiceSettings
from tests.service.fakes import ColourEmbedder, ContrastDetector
from tests.waiting import until

FEW = {"database_pool": 2, "database_pool_overflow": 1, "database_pool_seconds": 0.05}


@pytest.fixture
def few(postgres_settings: GallerySettings) -> GallerySettings:
    return postgres_settings.model_copy(update=FEW)


def test_who_finds_no_connection_may_come_again_soon(few: GallerySettings) -> None:
    settings = ServiceSettings(data_dir=few.data_dir)
    with Gallery.open(few) as gallery:
        key = gallery.keys.create("test")[1]
        app = create_app(settings, gallery=gallery, embedder=ColourEmbedder(), detector=ContrastDetector())
        with TestClient(app, headers={"X-API-Key": key}) as client:
            until(lambda: client.get("/readyz").status_code == 200)
            with ExitStack() as held:
                take_all(gallery, held)
                for path in ("/v1/cameras", "/v1/videos"):
                    answer = client.get(path)
                    assert answer.status_code == 503
                    assert answer.json()["type"] == "urn:sightline:problem:catalogue-unavailable"
                    assert "pool" not in answer.text.lower()
                    assert int(answer.headers["Retry-After"]) <= 5
            assert client.get("/v1/cameras").status_code == 200


def take_all(gallery: Gallery, held: ExitStack) -> None:
    """Take all connections; those of the service's own chores come back in a moment."""
    taken = 0

    def one_more() -> bool:
        nonlocal taken
        with suppress(PoolTimeout):
            held.enter_context(gallery._database.engine.connect())
            taken += 1
        return taken == 3

    until(one_more)
