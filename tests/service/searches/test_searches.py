"""Searches over HTTP: right answers, and many at once."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

import gallery.errors
import gallery.sql.database
from gallery import RankBy
from service.app import create_app
from service.settings import ServiceSettings
from tests.service.conftest import Archive, upload
from tests.service.fakes import ColourEmbedder, ContrastDetector
from tests.service.searches.asking import Json, ids, search
from tests.service.videos import RED, encoded, person, scene


def test_finds_the_person_on_both_cameras(client: TestClient, archive: Archive, probe: Json) -> None:
    answer = search(client, probe)
    assert set(ids(answer)[:2]) == {archive.tracklets["gate", RED], archive.tracklets["yard", RED]}
    assert set(ids(answer)) == set(archive.tracklets.values())
    scores = [hit["score"] for hit in answer["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert [hit["rank"] for hit in answer["hits"]] == [1, 2, 3, 4]
    assert scores[:2] == pytest.approx([1.0, 1.0], abs=2e-3)
    assert scores[2] < 0.9


def test_shows_scores_as_they_are(client: TestClient, archive: Archive, probe: Json) -> None:
    snapshot = archive.gallery.snapshot(ColourEmbedder.id)
    ranking = snapshot.search(ColourEmbedder().embed_images([person(RED)])[0], limit=10)
    assert max(hit.score for hit in ranking.hits) > 1, "16 bits round the vector up: the case to be tested"
    scores = [hit["score"] for hit in search(client, probe)["hits"]]
    assert scores == [round(hit.score, 6) for hit in ranking.hits]


def test_hits_are_ordered_by_what_was_asked_for(client: TestClient, archive: Archive, probe: Json) -> None:
    standard, plain = search(client, probe), search(client, probe, rank_by="cosine")
    assert (standard["ranked_by"], plain["ranked_by"]) == ("standard_score", "cosine")
    for answer, key in ((standard, "standard_score"), (plain, "score")):
        values = [hit[key] for hit in answer["hits"]]
        assert values == sorted(values, reverse=True)
        again = client.get(f"/v1/searches/{answer['id']}").json()
        assert (again["ranked_by"], again["hits"]) == (answer["ranked_by"], answer["hits"])
    by_id = [{hit["tracklet_id"]: hit["standard_score"] for hit in a["hits"]} for a in (standard, plain)]
    assert by_id[0] == by_id[1]


def test_a_setting_turns_standard_scores_off(make_app: Callable[..., FastAPI], secret: str) -> None:
    app = make_app(rank_by=RankBy.COSINE)
    with TestClient(app, headers={"X-API-Key": secret}) as client:
        probe = upload(client, scene((RED, 100, 60)))
        assert search(client, probe)["ranked_by"] == "cosine"
        assert search(client, probe, rank_by="standard_score")["ranked_by"] == "standard_score"


def test_says_what_a_hit_is(client: TestClient, archive: Archive, probe: Json) -> None:
    hit = search(client, probe, cameras=["gate"])["hits"][0]
    tracklet = archive.tracklets["gate", RED]
    url, change = f"/v1/tracklets/{tracklet}", archive.gallery.catalogue.tracklet(tracklet).change
    assert hit | {"score": 1, "standard_score": 1} == {
        "rank": 1,
        "score": 1,
        "standard_score": 1,
        "probability": None,
        "pulled_by": None,
        "new": False,
        "neighbour_distance": None,
        "tracklet_id": tracklet,
        "video_id": archive.videos["gate"].id,
        "camera": {"name": "gate", "site": "north", "time_zone": "Europe/Berlin"},
        "start": "2026-03-01T12:00:00.500000Z",
        "end": "2026-03-01T12:00:04.500000Z",
        "beyond_horizon": False,
        "best_moment": hit["best_moment"],
        "thumbnail_url": f"{url}/thumbnail?change={change}",
        "clip_url": f"{url}/clip?moment=0&change={change}",
        "tracklet_url": f"{url}?change={change}",
        "mark": None,
    }
    assert hit["best_moment"]["offset_seconds"] == 0.5
    for link in ("thumbnail_url", "clip_url", "tracklet_url"):
        assert client.get(hit[link]).status_code == 200


def test_warns_and_claims_no_probability(shared_client: TestClient, shared_probe: Json) -> None:
    answer = search(shared_client, shared_probe)
    assert answer["model"]["warning"] == "It sees nothing but colours."
    assert answer["model"]["warning"] in answer["warnings"]
    assert answer["calibration"]["calibrated"] is False
    assert "no probabilities" in answer["calibration"]["reason"]


def test_eight_at_once(shared_client: TestClient, shared_probe: Json) -> None:
    expected = ids(search(shared_client, shared_probe))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: search(shared_client, shared_probe), range(24)))
    assert all(ids(answer) == expected for answer in answers)
    assert len({answer["id"] for answer in answers}) == 24


def test_says_busy_instead_of_queueing_without_end(make_app: Callable[..., FastAPI], secret: str) -> None:
    app = make_app(network_passes=1, max_waiting=0)
    photo = {"file": encoded(scene((RED, 100, 60)))}
    with TestClient(app, headers={"X-API-Key": secret}) as client, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.post("/v1/probes", files=photo), range(16)))
    assert {answer.status_code for answer in answers} == {201, 503}
    refused = next(answer for answer in answers if answer.status_code == 503)
    assert refused.json()["type"] == "urn:sightline:problem:busy"
    assert refused.headers["retry-after"]


def test_says_when_the_vectors_cannot_be_reached(
    archive: Archive, settings: ServiceSettings, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise gallery.errors.VectorsUnavailable("Milvus at http://10.1.2.3:19530 cannot be used")

    app = create_app(settings, embedder=ColourEmbedder(), detector=ContrastDetector())
    with TestClient(app, headers={"X-API-Key": secret}, raise_server_exceptions=False) as client:
        probe = upload(client, scene((RED, 100, 60)))
        monkeypatch.setattr("gallery.vectors.segments.Segments.check", away)
        monkeypatch.setattr("gallery.vectors.snapshots.Snapshots.seen", away)
        answer = client.post("/v1/searches", json={"probes": [{"probe_id": probe["id"]}]})
        ready = client.get("/readyz")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert answer.json()["type"] == "urn:sightline:problem:vectors-unavailable"
    assert (ready.status_code, ready.json()["checks"]["snapshot"]["ok"]) == (503, False)
    assert "10.1.2.3" not in answer.text + ready.text


def test_says_when_the_database_is_locked(
    archive: Archive, settings: ServiceSettings, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading goes on; what must be written answers 503."""
    monkeypatch.setattr(gallery.sql.database, "BUSY_TIMEOUT_S", 0.2)
    app = create_app(settings, embedder=ColourEmbedder(), detector=ContrastDetector())
    with TestClient(app, headers={"X-API-Key": secret}, raise_server_exceptions=False) as client:
        probe = upload(client, scene((RED, 100, 60)))
        lock = sqlite3.connect(archive.gallery.data_dir / "gallery.sqlite3", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        try:
            answer = client.post("/v1/searches", json={"probes": [{"probe_id": probe["id"]}]})
            cameras = client.get("/v1/cameras")
        finally:
            lock.close()
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:sightline:problem:catalogue-unavailable"
    assert cameras.status_code == 200
