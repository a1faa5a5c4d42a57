"""Models over REST: listed, promoted and rolled back, with who did it."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from gallery import ModelInfo
from gallery.sql.tables import Model
from models.errors import BadCheckpoint
from models.names import shipped_ids
from service.networks import ProbeEmbedder
from service.settings import ServiceSettings
from service.shipped import shipped_card
from tests.service.conftest import NOON, Archive
from tests.service.fakes import ColourEmbedder

OTHER = ModelInfo("e" * 64, "other", 8, {"name": "other", "origin": "unknown", "warning": "Beware."})


@pytest.fixture
def registered(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "card.json").write_text("{}")
    archive.gallery.models.add(ColourEmbedder().info, tmp_path / "source")
    archive.gallery.models.add(OTHER, tmp_path / "source")
    monkeypatch.setattr("service.networks.load_embedder", lambda settings: ColourEmbedder())
    return archive


def test_models_are_listed(registered: Archive, client: TestClient) -> None:
    items = {item["name"]: item for item in client.get("/v1/models").json()["items"]}
    assert set(items) == {"colour-histogram", "other"}
    other, ours = items["other"], items["colour-histogram"]
    assert (other["origin"], other["warning"], other["kept"]) == ("unknown", "Beware.", True)
    assert (ours["missing_videos"], other["videos"]) == (0, 0)
    assert other["missing_videos"] == ours["videos"] > 0
    assert client.get(f"/v1/models/{'e' * 12}").json() == other
    assert client.get("/v1/models/third").status_code == 404


def test_promotion_and_rollback_are_audited(registered: Archive, client: TestClient) -> None:
    refused = client.post("/v1/models/other/promote", json={})
    assert refused.status_code == 409
    assert "are not indexed with other" in refused.json()["detail"]
    assert client.post("/v1/models/colour-histogram/promote", json={}).json()["model"]["promoted"]
    now = client.post("/v1/models/other/promote", json={"allow_missing": True})
    assert now.status_code == 200
    assert now.json()["model"]["name"] == "other"
    back = client.post("/v1/models/rollback")
    assert back.json()["model"]["name"] == "colour-histogram"
    assert client.post("/v1/models/rollback").json() == {"model": None}
    assert client.post("/v1/models/rollback").status_code == 409
    events = registered.gallery.audit.events(limit=4)
    assert [event.action for event in events] == ["model.rollback"] * 2 + ["model.promote"] * 2
    assert len({event.key_id for event in events}) == 1
    assert events[0].key_id is not None


def test_a_model_that_cannot_be_loaded_is_not_promoted(
    registered: Archive, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(settings: ServiceSettings) -> ProbeEmbedder:
        raise BadCheckpoint("the card is damaged")

    monkeypatch.setattr("service.networks.load_embedder", fail)
    refused = client.post("/v1/models/other/promote", json={"allow_missing": True})
    assert refused.status_code == 409
    assert "the card is damaged" in refused.json()["detail"]
    assert registered.gallery.models.promoted() is None


def test_the_model_that_came_with_the_program_can_be_gone_back_to(
    registered: Archive, client: TestClient
) -> None:
    name, shipped = next(iter(shipped_ids().items()))
    with registered.gallery._database.write() as session:  # as after indexing with it
        dimension = shipped_card(name)["dimension"]
        session.add(Model(id=shipped, name=name, card={}, dimension=dimension, created_at=NOON))
    client.post("/v1/models/other/promote", json={"allow_missing": True})
    before = client.get(f"/v1/models/{shipped}").json()
    assert (before["kept"], before["shipped"], before["promoted"]) == (False, True, False)
    refused = client.post(f"/v1/models/{shipped}/promote", json={})
    assert refused.status_code == 409
    assert "reindex them first" in refused.json()["detail"]
    now = client.post(f"/v1/models/{shipped}/promote", json={"allow_missing": True})
    assert now.status_code == 200, now.text
    assert (now.json()["model"]["id"], now.json()["model"]["kept"]) == (shipped, True)
    ours = client.get("/v1/models/colour-histogram").json()
    assert (ours["shipped"], ours["in_use"]) == (False, True), "the one that this server was given answers"
    add = registered.gallery.audit.events(action="model.add", subject=shipped)[0]
    assert add.key_id is not None


def test_an_earlier_model_of_a_shipped_name_is_not_taken_for_it(
    registered: Archive, client: TestClient
) -> None:
    name = next(iter(shipped_ids()))
    with registered.gallery._database.write() as session:
        session.add(Model(id="d" * 64, name=name, card={}, dimension=8, created_at=NOON))
    assert client.get(f"/v1/models/{'d' * 64}").json()["shipped"] is False
    refused = client.post(f"/v1/models/{'d' * 64}/promote", json={"allow_missing": True})
    assert refused.status_code == 409
    assert "import it" in refused.json()["detail"]
