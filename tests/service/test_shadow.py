"""What would change for real searches under another model: right, and told without an answer being shown."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from starlette.testclient import TestClient

from gallery import Gallery, ModelInfo, Scope
from models.errors import BadCheckpoint
from service.pixels import Pixels
from service.settings import ServiceSettings
from service.shadow import ENOUGH
from tests.service.conftest import Archive, upload
from tests.service.fakes import ColourEmbedder
from tests.service.videos import BLUE, GREEN, RED, scene

Json = dict[str, Any]


class Mistaken(ColourEmbedder):
    """Takes red for blue on photos; of tracklets it has what the other one has."""

    id = "d" * 64
    name = "mistaken"

    def embed_images(self, crops: Sequence[Pixels]) -> NDArray[np.float32]:
        return super().embed_images([crop[..., ::-1] for crop in crops])


def embed_alike(gallery: Gallery, model_id: str, other: ModelInfo) -> None:
    """Give another model the features that a model has of all videos."""
    snapshot = gallery.snapshot(model_id)
    for video in gallery.catalogue.videos():
        names = [f"{video.id}-{number}" for number in range(video.tracklet_count)]
        tracklets = gallery.catalogue.tracklets(names)
        with gallery.feature_writer(video, other) as writer:
            for name in names:
                writer.add(tracklets[name], snapshot.vector(name), snapshot.clips(name))
            writer.commit()


@pytest.fixture
def candidate(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """Both models are kept, and the second has features of all videos."""
    gallery = archive.gallery
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "card.json").write_text("{}")
    for embedder in (ColourEmbedder(), Mistaken()):
        gallery.models.add(embedder.info, tmp_path / "source")
    embed_alike(gallery, ColourEmbedder.id, Mistaken().info)
    monkeypatch.setattr("service.networks.load_embedder", lambda settings: Mistaken())
    return archive


@pytest.fixture
def allowed(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator lets photos of searches be used."""
    parts = client.app.state  # type: ignore[attr-defined]
    settings = parts.sightline.settings.model_copy(update={"compare_searches": True})
    monkeypatch.setattr(parts, "sightline", replace(parts.sightline, settings=settings))


def report(client: TestClient, **asked: Any) -> Json:
    answer = client.post("/v1/models/mistaken/shadow", json=asked)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def search(client: TestClient, *colours: Any, **options: Any) -> Json:
    probes = [{"probe_id": upload(client, scene((colour, 100, 60)))["id"]} for colour in colours]
    answer = client.post("/v1/searches", json={"probes": probes, **options})
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def mark(client: TestClient, found: Json, tracklet: str, verdict: str) -> None:
    answer = client.put(f"/v1/searches/{found['id']}/marks/{tracklet}", json={"verdict": verdict})
    assert answer.status_code == 200, answer.text


@pytest.mark.usefixtures("allowed")
def test_says_where_marked_hits_would_stand(client: TestClient, candidate: Archive) -> None:
    of = candidate.tracklets
    red, green = search(client, RED), search(client, GREEN)
    for camera in ("gate", "yard"):
        mark(client, red, of[camera, RED], "match")
    mark(client, red, of["yard", BLUE], "not")
    mark(client, green, of["gate", GREEN], "match")
    before = candidate.gallery.searches.recent(10)
    told = report(client)
    assert (told["searches"], told["replayed"], told["left_out"]) == (2, 2, {})
    assert (told["before"]["name"], told["after"]["name"]) == ("colour-histogram", "mistaken")
    assert told["same_first"] == {"value": 0.5, "low": None, "high": None}, (
        "red is taken for blue, green is not"
    )
    assert told["overlap_10"]["value"] == told["overlap_20"]["value"] == 1, "of four tracklets both find all"
    matches, others = told["matches"], told["others"]
    assert (matches["marks"], matches["searches"], others["marks"]) == (3, 2, 1)
    assert matches["reciprocal"]["before"] == pytest.approx((1 + 1 / 2 + 1) / 3)
    assert matches["reciprocal"]["after"] < matches["reciprocal"]["before"]
    assert matches["median_before"] == 1 < matches["median_after"]
    assert matches["reciprocal"]["low"] is None
    assert others["median_before"] > others["median_after"] == 1, (
        "who was said to be somebody else comes first"
    )
    assert others["first_ten"]["after"] == 1
    assert told["seconds"]["before"] > 0 < told["seconds"]["after"]
    assert candidate.gallery.searches.recent(10) == before, "nothing was recorded of the answers"
    assert not [one for one in of.values() if one in str(told)], "and none was shown"
    event = candidate.gallery.audit.events(action="models.compare")[0]
    assert (event.key_id, event.detail["searches"], event.detail["photos"]) == (before[0].key_id, 100, True)
    assert report(client, searches=1)["searches"] == 1


@pytest.mark.usefixtures("allowed")
def test_says_what_could_not_be_asked_and_why(client: TestClient, candidate: Archive) -> None:
    gallery = candidate.gallery
    kept = search(client, GREEN, cameras=["yard"])
    mark(client, kept, kept["hits"][0]["tracklet_id"], "match")
    assert client.post(f"/v1/searches/{kept['id']}/refine", json={}).status_code == 201
    assert client.post(f"/v1/searches/{kept['id']}/again", json={"on": "now"}).status_code == 201
    gone = search(client, RED)
    client.delete(f"/v1/probes/{gone['probes'][0]['id']}")
    lost = candidate.tracklets["gate", GREEN]
    by_tracklet = {"probes": [{"tracklet_id": lost}]}
    assert client.post("/v1/searches", json=by_tracklet).status_code == 201
    search(client, RED, cameras=["roof"])
    gallery.erase_video(candidate.videos["gate"].id)
    told = report(client)
    assert told["left_out"] == {"asked_before": 2, "photo_gone": 1, "tracklet_gone": 1, "nothing_there": 1}
    assert gallery.loaded_snapshot(Mistaken().info.id) is None, "its vectors are let go of"
    gallery.catalogue.remove_camera(gallery.catalogue.camera_named("roof").id)
    changed = {"nothing_there": 0, "camera_gone": 1}
    assert {**report(client)["left_out"], "nothing_there": 0} == {**told["left_out"], **changed}
    assert (told["searches"], told["replayed"]) == (6, 1)
    gallery.probes.expire(datetime.now(UTC) + timedelta(days=1))
    none = report(client)
    assert (none["replayed"], none["same_first"], none["matches"], none["seconds"]) == (0, None, None, None)


def test_photos_are_left_alone_unless_the_operator_allows_it(client: TestClient, candidate: Archive) -> None:
    search(client, RED)
    by_tracklet = {"probes": [{"tracklet_id": candidate.tracklets["gate", RED]}]}
    assert client.post("/v1/searches", json=by_tracklet).status_code == 201
    told = report(client)
    assert (told["replayed"], told["left_out"]) == (1, {"not_allowed": 1})
    assert told["same_first"]["value"] == 1, "both have the same of tracklets"


def test_intervals_are_said_once_there_are_enough(client: TestClient, candidate: Archive) -> None:
    body = {"probes": [{"tracklet_id": candidate.tracklets["gate", RED]}]}
    for _ in range(ENOUGH):
        found = client.post("/v1/searches", json=body).json()
        mark(client, found, found["hits"][0]["tracklet_id"], "match")
    told = report(client)
    assert told["same_first"] == {"value": 1, "low": 1, "high": 1}
    assert (told["matches"]["reciprocal"]["low"], told["matches"]["reciprocal"]["high"]) == (0, 0)
    assert (
        told["seconds"]["low"]
        <= told["seconds"]["after"] - told["seconds"]["before"]
        <= told["seconds"]["high"]
    )
    assert report(client, searches=ENOUGH - 1)["same_first"]["low"] is None


def test_refuses_what_cannot_be_compared(
    client: TestClient, candidate: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = "/v1/models/{}/shadow"
    assert client.post(path.format("third"), json={}).status_code == 404
    assert client.post(path.format("colour-histogram"), json={}).status_code == 409
    wrongs: list[Any] = [{"searches": 0}, {"searches": 501}, {"searches": "all"}, {"photos": True}, []]
    for wrong in wrongs:
        assert client.post(path.format("mistaken"), json=wrong).status_code == 422, wrong

    monkeypatch.setattr("service.networks.load_embedder", lambda settings: ColourEmbedder())
    refused = client.post(path.format("mistaken"))
    assert (refused.status_code, "earlier version" in refused.json()["detail"]) == (409, True)

    def broken(settings: ServiceSettings) -> Mistaken:
        raise BadCheckpoint("it has other layers")

    monkeypatch.setattr("service.networks.load_embedder", broken)
    refused = client.post(path.format("mistaken"), json={})
    assert (refused.status_code, "cannot be used" in refused.json()["detail"]) == (409, True)
    keys = candidate.gallery.keys
    candidate.gallery.groups.add("north", ["gate"])
    for secret in (
        keys.create("searcher", scopes=[Scope.SEARCH, Scope.INDEX])[1],
        keys.create("limited", scopes=[Scope.ADMINISTER], groups=["north"])[1],
    ):
        other = TestClient(client.app, headers={"X-API-Key": secret})
        assert other.post(path.format("mistaken"), json={}).status_code == 403
    assert candidate.gallery.audit.events(action="models.compare") == []
