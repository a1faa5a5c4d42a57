"""A running service takes the model that is promoted, and no answer mixes two."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from gallery import ModelInfo
from models.errors import BadCheckpoint
from service.app import create_app
from service.networks import ProbeEmbedder
from service.settings import ServiceSettings
from tests.service.conftest import Archive, upload
from tests.service.fakes import ColourEmbedder, ContrastDetector
from tests.service.videos import RED, scene
from tests.waiting import until


class OtherEmbedder(ColourEmbedder):
    """Another model, which nothing is indexed with."""

    id = "d" * 64
    name = "other"

    def __init__(self) -> None:
        super().__init__(warning=None)


KINDS: dict[str, type[ColourEmbedder]] = {kind.id: kind for kind in (ColourEmbedder, OtherEmbedder)}


@pytest.fixture
def models(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """The archive keeps two models; the one that nobody promoted sees colours."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "card.json").write_text("{}")
    for kind in KINDS.values():
        info = ModelInfo(kind.id, kind.name, kind.dimension, kind.card)
        archive.gallery.models.add(info, tmp_path / "source")

    def load_embedder(settings: ServiceSettings) -> ProbeEmbedder:
        assert settings.model is not None
        return KINDS.get(Path(settings.model).name, ColourEmbedder)()

    monkeypatch.setattr("service.networks.load_embedder", load_embedder)
    monkeypatch.setattr(
        "service.networks.load", lambda settings: (load_embedder(settings), ContrastDetector())
    )
    monkeypatch.setattr("service.app._FOLLOW_SECONDS", 0.02)
    return archive


@pytest.fixture
def client(models: Archive, settings: ServiceSettings, secret: str) -> Iterator[TestClient]:
    app = create_app(settings, gallery=models.gallery)
    with TestClient(app, headers={"X-API-Key": secret}) as running:
        until(lambda: running.get("/readyz").status_code == 200)
        yield running


def ask(client: TestClient, probe: str) -> dict[str, Any]:
    answer = client.post("/v1/searches", json={"probes": [{"probe_id": probe}]})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.long
def test_searches_go_on_while_models_change(models: Archive, client: TestClient) -> None:
    probe = upload(client, scene((RED, 100, 60)))["id"]
    registry = models.gallery.models

    def name() -> str:
        return str(ask(client, probe)["model"]["name"])

    assert name() == "colour-histogram"
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(ask, client, probe) for _ in range(20)]
        registry.promote("other", allow_missing=True)
        until(lambda: name() == "other")
        answers += [pool.submit(ask, client, probe) for _ in range(20)]
        registry.promote("colour-histogram")
        until(lambda: name() == "colour-histogram")
        answers += [pool.submit(ask, client, probe) for _ in range(20)]
        registry.rollback()
        until(lambda: name() == "other")
    found = [one.result() for one in answers]
    for one in found:
        # Every hit was made by the model that the answer names; the other one has none.
        assert bool(one["hits"]) == (one["model"]["id"] == ColourEmbedder.id), one
    assert {one["model"]["name"] for one in found} == {"other", "colour-histogram"}


def test_a_model_that_is_asked_for_stays(models: Archive, settings: ServiceSettings, secret: str) -> None:
    named = settings.model_copy(update={"model": "colour-histogram"})
    with TestClient(create_app(named, gallery=models.gallery), headers={"X-API-Key": secret}) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        probe = upload(client, scene((RED, 100, 60)))["id"]
        assert not any("SIGHTLINE_MODEL" in text for text in ask(client, probe)["warnings"])
        models.gallery.models.promote("other", allow_missing=True)
        until(lambda: any("SIGHTLINE_MODEL" in text for text in ask(client, probe)["warnings"]))
        answer = ask(client, probe)
        assert answer["model"]["name"] == "colour-histogram"
        assert answer["hits"]
        note = "colour-histogram answers, as SIGHTLINE_MODEL says; the gallery's model is other."
        assert note in answer["warnings"]


def test_a_model_that_cannot_be_loaded_leaves_the_one_before(
    models: Archive, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(settings: ServiceSettings) -> ProbeEmbedder:
        raise BadCheckpoint("the card is damaged")

    monkeypatch.setattr("service.networks.load_embedder", fail)
    probe = upload(client, scene((RED, 100, 60)))["id"]
    models.gallery.models.promote("other", allow_missing=True)
    until(lambda: any("could not be loaded" in text for text in ask(client, probe)["warnings"]))
    answer = ask(client, probe)
    assert answer["model"]["name"] == "colour-histogram"
    assert answer["hits"]
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert "the card is damaged" in ready.json()["checks"]["model"]["detail"]
