"""The history of searches over HTTP, and asking one again: only one's own, and nothing that is gone."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from service.networks import Networks
from tests.service.conftest import NOON, Archive, index, upload
from tests.service.fakes import ColourEmbedder
from tests.service.searches.asking import ids, search
from tests.service.videos import BLUE, GREEN, RED, scene

Json = dict[str, Any]


def again(client: TestClient, found: Json, status: int = 201, **body: Any) -> Json:
    answer = client.post(f"/v1/searches/{found['id']}/again", json=body)
    assert answer.status_code == status, answer.text
    said: Json = answer.json()
    return said


def test_the_list_is_ones_own_newest_first(
    client: TestClient, other: TestClient, archive: Archive, probe: Json
) -> None:
    asked = [search(client, probe, cameras=["gate"]), search(client, probe, limit=1), search(client, probe)]
    page = client.get("/v1/searches", params={"limit": 2}).json()
    assert [one["id"] for one in page["items"]] == [asked[2]["id"], asked[1]["id"]]
    search(client, probe)
    rest = client.get("/v1/searches", params={"limit": 2, "cursor": page["next_cursor"]}).json()
    (oldest,) = rest["items"]
    assert rest["next_cursor"] is None
    assert oldest | {"created_at": None, "probes": None} == {
        "id": asked[0]["id"],
        "created_at": None,
        "model": asked[0]["model"],
        "probes": None,
        "probes_kept": True,
        "filters": asked[0]["filters"],
        "ranked_by": "standard_score",
        "tracklets_compared": 2,
        "hits": 2,
        "credible": None,
        "repeats": None,
        "refines": None,
    }
    assert oldest["probes"] == [asked[0]["probe"]]
    assert other.get("/v1/searches").json() == {"items": [], "next_cursor": None}
    foreign = other.get("/v1/searches", params={"cursor": page["next_cursor"]})
    assert foreign.status_code == 422, "a cursor of another key says nothing of its searches"
    assert archive.gallery.audit.events(action="search.list")[0].key_id is not None


@pytest.mark.parametrize(
    "cursor", ["x", "0" * 32, "-1", "%00", "a" * 65, "null", "'; --", "é", "0" * 31 + "\u202e"]
)
def test_bad_cursors(shared_client: TestClient, cursor: str) -> None:
    assert shared_client.get("/v1/searches", params={"cursor": cursor}).status_code == 422


@pytest.mark.parametrize("limit", ["0", "101", "x", "-5", "1e9"])
def test_bad_limits(shared_client: TestClient, limit: str) -> None:
    assert shared_client.get("/v1/searches", params={"limit": limit}).status_code == 422


def test_asked_again_on_its_snapshot_and_now(client: TestClient, archive: Archive, probe: Json) -> None:
    first = search(client, probe, cameras=["gate", "yard"])
    index(archive, "roof", NOON, [RED])
    index(archive, "yard", NOON + timedelta(hours=3), [RED, GREEN], name="later", seconds=6)
    client.patch("/v1/cameras/gate", json={"name": "north gate"}).raise_for_status()

    same = again(client, first)
    assert [(h["tracklet_id"], h["score"], h["standard_score"]) for h in same["hits"]] == [
        (h["tracklet_id"], h["score"], h["standard_score"]) for h in first["hits"]
    ]
    assert same["repeats"]["same_ranking"] is True
    assert same["filters"] == first["filters"]
    assert same["id"] != first["id"]
    listed = client.get("/v1/searches").json()["items"]
    assert [(one["id"], one["repeats"]) for one in listed] == [
        (same["id"], first["id"]),
        (first["id"], None),
    ]
    assert again(client, first, 422, on="now")["detail"] == "There is no camera 'gate'."
    client.patch("/v1/cameras/north%20gate", json={"name": "gate"}).raise_for_status()
    now = again(client, first, on="now")
    new = {hit["tracklet_id"] for hit in now["hits"] if hit["new"]}
    assert new == {archive.tracklets["yard", RED], archive.tracklets["yard", GREEN]}
    assert now["repeats"]["new_hits"] == 2
    assert ids(again(client, now)) == ids(now)


def test_a_search_by_tracklet_is_asked_again(client: TestClient, archive: Archive) -> None:
    seed = {"probes": [{"tracklet_id": archive.tracklets["gate", RED]}]}
    first = client.post("/v1/searches", json=seed).json()
    assert ids(again(client, first)) == ids(first)
    archive.gallery.erase_video(archive.videos["gate"].id)
    assert not client.get("/v1/searches").json()["items"][-1]["probes_kept"]
    for on in ("now", "snapshot"):
        gone = again(client, first, 410, on=on)
        assert gone["type"] == "urn:sightline:problem:probe-unavailable"
    assert client.get(f"/v1/searches/{first['id']}").status_code == 200


def test_what_was_erased_is_named(client: TestClient, archive: Archive, probe: Json) -> None:
    first = search(client, probe)
    archive.gallery.erase_video(archive.videos["yard"].id)
    left = again(client, first)
    erased = {(hit["rank"], hit["tracklet_id"]) for hit in left["repeats"]["erased"]}
    assert erased == {(h["rank"], h["tracklet_id"]) for h in first["hits"] if h["camera"]["name"] == "yard"}
    assert left["repeats"]["erased_tracklets"] == 2
    assert ids(left) == [hit["tracklet_id"] for hit in first["hits"] if hit["camera"]["name"] == "gate"]
    assert left["repeats"]["same_ranking"] is True


def test_what_is_damaged_is_not_said_to_be_erased(
    make_app: Callable[..., FastAPI], archive: Archive, secret: str
) -> None:
    with TestClient(make_app(), headers={"X-API-Key": secret}) as client:
        first = search(client, upload(client, scene((RED, 100, 60))))
    yard = archive.videos["yard"].id.encode()
    for videos in (archive.gallery.data_dir / "segments").glob("*/videos.npy"):
        if yard in np.load(videos)["id"]:
            (vectors,) = videos.parent.glob("tracklets*")
            content = bytearray(vectors.read_bytes())
            content[-1] ^= 0x40
            vectors.write_bytes(content)
    archive.gallery.forget(ColourEmbedder.id)
    with TestClient(make_app(), headers={"X-API-Key": secret}) as client:
        same, now = again(client, first), again(client, first, on="now")
    lost = [(hit["rank"], hit["tracklet_id"]) for hit in first["hits"] if hit["camera"]["name"] == "yard"]
    for answer in (same, now):
        assert [(one["rank"], one["tracklet_id"]) for one in answer["repeats"]["damaged"]] == lost
        assert answer["repeats"]["erased"] == []
        said = " ".join(answer["warnings"])
        assert "whose index is damaged: 2" in said
        assert "erased or indexed anew" not in said
    assert (same["repeats"]["erased_tracklets"], same["repeats"]["damaged_tracklets"]) == (0, 2)
    assert same["repeats"]["same_ranking"] is True


def test_a_deleted_photo_ends_it(client: TestClient, archive: Archive, probe: Json) -> None:
    first = search(client, probe)
    client.delete(f"/v1/probes/{probe['id']}").raise_for_status()
    gone = again(client, first, 410)
    assert "Its recorded answer can still be read" in gone["detail"]
    again(client, first, 410, on="now")
    assert not client.get("/v1/searches").json()["items"][0]["probes_kept"]


def test_only_ones_own_and_only_as_described(client: TestClient, other: TestClient, probe: Json) -> None:
    first = search(client, probe)
    again(other, first, 404)
    again(client, {"id": "0" * 32}, 404)
    again(client, first, 422, on="yesterday")
    again(client, first, 422, on="now", more=1)
    assert client.post(f"/v1/searches/{first['id']}/again", content=b"{").status_code == 422
    assert client.post(f"/v1/searches/{first['id']}/again").status_code == 201


def test_the_snapshot_of_another_model_cannot_be_asked(
    client: TestClient, archive: Archive, probe: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = search(client, probe)
    another = ColourEmbedder()
    another.id, another.name = "d" * 64, "another"
    monkeypatch.setattr(Networks, "embedder", property(lambda self: another))
    assert "colour-histogram" in again(client, first, 409)["detail"]
    now = again(client, first, on="now")
    assert now["hits"] == []
    assert now["repeats"]["new_hits"] == 0


def test_several_photos_and_marks_are_asked_again(client: TestClient, archive: Archive) -> None:
    probes = [upload(client, scene((colour, 100, 60)))["id"] for colour in (RED, BLUE)]
    body = {"probes": [{"probe_id": one} for one in probes]}
    fused = client.post("/v1/searches", json=body).json()
    assert ids(again(client, fused)) == ids(fused)
    marked = f"/v1/searches/{fused['id']}/marks/{fused['hits'][-1]['tracklet_id']}"
    client.put(marked, json={"verdict": "match"}).raise_for_status()
    refined = client.post(f"/v1/searches/{fused['id']}/refine", json={})
    assert refined.status_code == 201, refined.text
    same = again(client, refined.json())
    assert ids(same) == ids(refined.json())
    assert same["refined"] == refined.json()["refined"]
    assert client.get("/v1/searches").json()["items"][0]["refines"] == fused["id"]
