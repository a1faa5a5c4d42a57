"""The caller of a service's API, against a service that listens."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gallery import Gallery, GallerySettings
from service.app import create_app
from service.settings import ServiceSettings
from sightline.client import Client
from sightline.failures import CommandError
from tests.indexer.fakes import ColourDetector, TinyEmbedder
from tests.sightline.serving import served

NOBODY = "http://127.0.0.1:9"  # the port of the discard service, where nothing listens


@pytest.fixture
def client(sqlite_settings: GallerySettings) -> Iterator[Client]:
    """A caller with a key of a service whose gallery has one camera."""
    with Gallery.open(sqlite_settings) as gallery:
        gallery.catalogue.add_camera("gate")
        options = ServiceSettings(
            data_dir=sqlite_settings.data_dir, database_url=sqlite_settings.database_url
        )
        app = create_app(options, gallery=gallery, embedder=TinyEmbedder(), detector=ColourDetector())
        with served(app) as url:
            yield Client(url, gallery.keys.create("test")[1])


def test_a_photo_is_searched_with_its_filters(client: Client, photo: Path) -> None:
    answer = client.search(photo.read_bytes(), {"cameras": ["gate"], "limit": 3})

    assert answer["filters"]["cameras"] == ["gate"]
    assert answer["hits"] == []
    assert client.get(f"/v1/searches/{answer['id']}")["id"] == answer["id"]


def test_an_uploaded_photo_is_deleted_afterwards(client: Client, photo: Path) -> None:
    with client.probe(photo.read_bytes()) as probe:
        assert client.get(f"/v1/probes/{probe['id']}")["persons"]

    with pytest.raises(CommandError, match="no probe"):
        client.get(f"/v1/probes/{probe['id']}")


def test_what_the_service_refuses_is_said(client: Client) -> None:
    with pytest.raises(CommandError, match="no image of an accepted type"):
        client.search(b"text", {})


def test_a_service_is_ready_when_its_networks_are_loaded(client: Client) -> None:
    assert client.ready()
    assert not Client(NOBODY, None).ready()
