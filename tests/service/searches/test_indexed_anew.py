"""Recordings that are indexed anew: their ids are other people's, whom nothing shows as who was found."""

import io
import json
import zipfile
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from gallery import ItemKind, RecordedHit, Verdict
from service.cases.journey import Limits
from service.cases.sightings import journey_of
from service.evidence import verifier
from service.evidence.media import Media
from tests.gallery.investigation.test_searches import SEARCH
from tests.service.conftest import NOON, Archive, index
from tests.service.searches.asking import Json, ids, search
from tests.service.searches.test_history import again
from tests.service.videos import BLUE, GREEN, RED

GATE = [RED, GREEN]


def index_anew(archive: Archive, how: str, found: list[Any]) -> None:
    """Index the gate's recording once more: its people are found in another order."""
    if how == "erased":
        archive.gallery.erase_video(archive.videos["gate"].id)
    index(archive, "gate", NOON, GATE, found=found, replace=how == "replaced")


def warned(answer: Json) -> str:
    """The warnings of an answer: each has a code for programs, but what is known against the model."""
    notices = [*answer["notices"], *(one for probe in answer["probes"] for one in probe["notices"])]
    assert {*answer["warnings"]} - {answer["model"]["warning"]} <= {one["text"] for one in notices}
    return " ".join(answer["warnings"])


@pytest.fixture(params=["replaced", "erased"])
def how(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_an_earlier_search_shows_nobody_else(
    client: TestClient, archive: Archive, probe: Json, how: str
) -> None:
    first = search(client, probe)
    url, red = f"/v1/searches/{first['id']}", archive.tracklets["gate", RED]
    (hit,) = [one for one in first["hits"] if one["tracklet_id"] == red]
    links = [hit[name] for name in ("thumbnail_url", "clip_url", "tracklet_url")]
    client.put(f"{url}/marks/{red}", json={"verdict": "match"}).raise_for_status()
    assert [client.get(link).status_code for link in links] == [200] * 3

    index_anew(archive, how, [GREEN, RED])

    assert archive.tracklets["gate", GREEN] == red, "the case to be tested: the id is somebody else's"
    found = client.get(url).json()
    assert {one["camera"]["name"] for one in found["hits"]} == {"yard"}
    assert "Hits of this page that are left out: 2. Their recordings were indexed anew" in warned(found)
    assert "were erased since the search" not in warned(found)
    assert [client.get(link).status_code for link in links] == [404] * 3
    assert "gate" not in client.get(f"{url}/hits.csv").text
    judge = client.get(f"{url}/judge").json()["items"]
    assert {one["camera"]["name"] for one in judge} == {"yard"}
    assert client.get(f"{url}/marks").json()["items"] == []
    refused = client.put(f"{url}/marks/{red}", json={"verdict": "match"})
    assert (refused.status_code, "indexed anew" in refused.json()["detail"]) == (409, True)
    assert client.delete(f"{url}/marks/{red}").status_code == 409
    now = search(client, probe)
    assert archive.tracklets["gate", RED] in ids(now)[:2]
    client.put(f"/v1/searches/{now['id']}/marks/{red}", json={"verdict": "not"}).raise_for_status()
    assert ids(client.get(f"/v1/searches/{now['id']}").json()) == ids(now)


def test_a_package_has_nobody_else(client: TestClient, archive: Archive, probe: Json, how: str) -> None:
    first = search(client, probe)
    index_anew(archive, how, [GREEN, RED])
    package = client.get(f"/v1/searches/{first['id']}/evidence", params={"hits": 4}).content
    manifest = verifier.verify(io.BytesIO(package)).manifest
    left = {(one["what"], one["reason"]) for one in manifest["left_out"]}
    assert left == {
        ("2 hits", "their recordings were indexed anew since: their ids may be other people's now")
    }
    with zipfile.ZipFile(io.BytesIO(package)) as files:
        assert not [name for name in files.namelist() if archive.videos["gate"].id in name]
        assert "indexed anew" in files.read("report.html").decode()


def test_what_is_indexed_anew_while_a_package_is_made_is_not_in_it(
    client: TestClient, archive: Archive, probe: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = search(client, probe, cameras=["gate"])
    real, began = Media._strip, list[bool]()

    def strip(self: Media, *shown: Any) -> Any:
        if not began:
            began.append(True)
            index_anew(archive, "replaced", [GREEN, RED])
        return real(self, *shown)

    monkeypatch.setattr(Media, "_strip", strip)
    package = client.get(f"/v1/searches/{first['id']}/evidence").content
    with zipfile.ZipFile(io.BytesIO(package)) as files:
        left = json.loads(files.read("manifest.json"))["left_out"]
        assert not [name for name in files.namelist() if name.endswith((".mp4", "strip.jpg"))]
    assert [one["what"] for one in left] == ["strip", "clips", "everything"]


def test_nobody_else_is_searched_for(client: TestClient, archive: Archive, probe: Json, how: str) -> None:
    seed = {"probes": [{"tracklet_id": archive.tracklets["gate", RED]}]}
    by_tracklet = client.post("/v1/searches", json=seed).json()
    whole = search(client, probe)
    for tracklet, verdict in (
        (archive.tracklets["gate", RED], "match"),
        (archive.tracklets["yard", BLUE], "not"),
    ):
        marks = f"/v1/searches/{whole['id']}/marks/{tracklet}"
        client.put(marks, json={"verdict": verdict}).raise_for_status()
    refined = client.post(f"/v1/searches/{whole['id']}/refine", json={}).json()
    assert by_tracklet["probe"]["gone"] is None

    index_anew(archive, how, [GREEN, RED])

    read = client.get(f"/v1/searches/{by_tracklet['id']}").json()
    assert read["probe"]["gone"] == read["probes"][0]["gone"] == "indexed_anew"
    assert "is of a recording that was indexed anew since" in warned(read)
    listed = {one["id"]: one for one in client.get("/v1/searches").json()["items"]}
    assert not listed[by_tracklet["id"]]["probes_kept"]
    assert listed[by_tracklet["id"]]["probes"][0]["gone"] == "indexed_anew"
    for on in ("now", "snapshot"):
        assert "indexed anew" in again(client, by_tracklet, 410, on=on)["detail"]
    marked = f"/v1/searches/{by_tracklet['id']}/marks/{archive.tracklets['yard', RED]}"
    client.put(marked, json={"verdict": "match"}).raise_for_status()
    assert client.post(f"/v1/searches/{by_tracklet['id']}/refine", json={}).status_code == 404
    once_more = again(client, refined, on="now")
    assert "erased or indexed anew: 1." in warned(once_more)


def test_a_journey_believes_no_search_of_somebody_else(archive: Archive) -> None:
    """The old search gave the id, which was another's then, a higher probability."""
    gallery, red = archive.gallery, archive.tracklets["gate", RED]

    def recorded(probability: float) -> str:
        change = gallery.snapshot("c" * 64).change
        hits = [RecordedHit(red, 0.9, 0, probability=probability)]
        return gallery.searches.add(replace(SEARCH, hits=hits, change=change)).id

    case = gallery.cases.add("case", key_id="k")
    old = recorded(0.99)
    index_anew(archive, "replaced", [GREEN, RED])
    new = recorded(0.2)
    for one in (old, new):
        gallery.cases.put(case.id, ItemKind.SEARCH, one)
    gallery.marks.set(new, red, Verdict.MATCH)
    (sighting,) = journey_of(gallery, gallery.cases.get(case.id), Limits(3, 50)).sightings
    assert (sighting.tracklet_id, sighting.probability) == (red, 0.2)


def test_the_same_people_stay_who_they_were(client: TestClient, archive: Archive, probe: Json) -> None:
    first = search(client, probe)
    red = archive.tracklets["gate", RED]
    client.put(f"/v1/searches/{first['id']}/marks/{red}", json={"verdict": "match"}).raise_for_status()
    index_anew(archive, "replaced", GATE)
    found = client.get(f"/v1/searches/{first['id']}").json()
    assert ids(found) == ids(first)
    assert [one["tracklet_id"] for one in found["hits"] if one["mark"]] == [red]
    assert all(client.get(hit["thumbnail_url"]).status_code == 200 for hit in first["hits"])
    client.delete(f"/v1/searches/{first['id']}/marks/{red}").raise_for_status()
