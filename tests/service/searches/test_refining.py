"""Several photos in a search, and searches that marks refine."""

from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.service.conftest import NOON, Archive, index, upload
from tests.service.searches.asking import ids, search
from tests.service.searches.test_credibility import calibrated
from tests.service.test_marks import mark
from tests.service.videos import BLUE, GREEN, RED, scene

Json = dict[str, Any]


def post(client: TestClient, url: str, expect: int = 201, **body: Any) -> Json:
    answer = client.post(url, json=body)
    assert answer.status_code == expect, answer.text
    found: Json = answer.json()
    return found


def ask(client: TestClient, *probes: Json, expect: int = 201, **query: Any) -> Json:
    return post(client, "/v1/searches", expect, probes=list(probes), **query)


@pytest.fixture
def green(client: TestClient) -> Json:
    return upload(client, scene((GREEN, 100, 60)))


def test_one_photo_twenty_times_is_that_photo(client: TestClient, probe: Json) -> None:
    alone = search(client, probe)
    copies = [upload(client, scene((RED, 100, 60)))["id"] for _ in range(2)]
    many = ask(client, *[{"probe_id": probe["id"]}] * 18, *({"probe_id": copy} for copy in copies))
    assert many["hits"] == alone["hits"]
    assert len(many["probes"]) == 1
    assert {hit["pulled_by"] for hit in many["hits"]} == {None}
    assert "which count once: 19." in " ".join(many["warnings"])
    assert many["probe"]["notices"][-1]["code"] == "named_twice"


def test_several_photos_are_fused_and_each_hit_says_which_one_pulled(
    client: TestClient, archive: Archive, probe: Json, green: Json
) -> None:
    answer = ask(client, {"probe_id": probe["id"]}, {"probe_id": green["id"]})
    assert [one["id"] for one in answer["probes"]] == [probe["id"], green["id"]]
    assert answer["probe"] == answer["probes"][0]
    assert all(0 < one["weight"] <= 1 for one in answer["probes"])
    pulled = {hit["tracklet_id"]: hit["pulled_by"] for hit in answer["hits"]}
    assert pulled[archive.tracklets["gate", RED]] == pulled[archive.tracklets["yard", RED]] == 0
    assert pulled[archive.tracklets["gate", GREEN]] == 1
    assert ids(answer)[-1] == archive.tracklets["yard", BLUE]
    again = client.get(f"/v1/searches/{answer['id']}").json()
    assert (again["probes"], again["hits"]) == (answer["probes"], answer["hits"])


def test_a_photo_and_a_tracklet(client: TestClient, archive: Archive, probe: Json) -> None:
    seen = archive.tracklets["gate", RED]
    answer = ask(client, {"tracklet_id": seen}, {"probe_id": probe["id"]})
    assert seen not in ids(answer)
    assert ids(answer)[0] == archive.tracklets["yard", RED]


def test_how_many_photos_a_search_may_have(client: TestClient, probe: Json, archive: Archive) -> None:
    one = {"probe_id": probe["id"]}
    ask(client, *[one] * 21, expect=422)
    ask(client, expect=422)
    ask(client, one, {"probe_id": "f" * 32}, expect=404)
    ask(client, one, {"tracklet_id": f"{'f' * 32}-0"}, expect=404)
    wrong = ask(client, one, {"probe_id": probe["id"], "person": 7}, expect=422)
    assert wrong["errors"][0]["pointer"] == "/probes/1/person"
    wrong = ask(client, one, {"probe_id": probe["id"], "box": [0, 0, 1, 1]}, expect=422)
    assert wrong["errors"][0]["pointer"] == "/probes/1/box"
    assert len(archive.gallery.audit.events(action="search")) == 0


def test_anothers_photo_cannot_be_added(client: TestClient, other: TestClient, probe: Json) -> None:
    theirs = upload(other, scene((RED, 100, 60)))
    ask(client, {"probe_id": probe["id"]}, {"probe_id": theirs["id"]}, expect=404)


def test_marks_refine_a_search_round_by_round(
    client: TestClient, archive: Archive, probe: Json, green: Json
) -> None:
    """With a photo of somebody in red the one in green is found after a mark or two."""
    first = ask(client, {"probe_id": probe["id"]}, cameras=["gate", "yard"])
    url = f"/v1/searches/{first['id']}"
    refused = post(client, f"{url}/refine", 409)
    assert "mark one first" in refused["detail"]
    green_there = archive.tracklets["gate", GREEN]
    before = ids(first).index(green_there)
    mark(client, f"{url}/marks/{green_there}", "match")
    mark(client, f"{url}/marks/{archive.tracklets['gate', RED]}", "not")
    second = post(client, f"{url}/refine", limit=3)
    assert second["refined"] == {
        "parent": first["id"],
        "method": "rocchio",
        "matches": [green_there],
        "others": [archive.tracklets["gate", RED]],
    }
    assert ids(second).index(green_there) < before
    assert second["filters"] == first["filters"]
    assert len(second["hits"]) == 3
    own = client.get(f"/v1/searches/{second['id']}/marks").json()["items"]
    assert {m["search_id"] for m in own} == {first["id"]}, "marks of the search before count here too"
    mark(client, f"/v1/searches/{second['id']}/marks/{archive.tracklets['yard', RED]}", "not")
    mark(client, f"/v1/searches/{second['id']}/marks/{green_there}", "not")
    assert client.get(f"{url}/marks").json()["items"][0]["verdict"] == "match", "the one before keeps its own"
    third = post(client, f"/v1/searches/{second['id']}/refine", probes=[{"probe_id": green["id"]}])
    assert third["refined"]["parent"] == second["id"]
    assert third["refined"]["matches"] == []
    assert len(third["refined"]["others"]) == 3
    assert len(third["probes"]) == 2
    assert any("moved away" in warning for warning in third["warnings"])
    assert "only_others" in {notice["code"] for notice in third["notices"]}
    again = client.get(f"/v1/searches/{third['id']}").json()
    assert (again["refined"], again["hits"]) == (third["refined"], third["hits"])


def test_its_own_verdict_counts_whatever_the_search_before_says_later(
    client: TestClient, archive: Archive, probe: Json
) -> None:
    seen = archive.tracklets["gate", GREEN]
    first = ask(client, {"probe_id": probe["id"]})
    mark(client, f"/v1/searches/{first['id']}/marks/{seen}", "match")
    second = post(client, f"/v1/searches/{first['id']}/refine")
    mark(client, f"/v1/searches/{second['id']}/marks/{seen}", "not")
    client.delete(f"/v1/searches/{first['id']}/marks/{seen}").raise_for_status()
    (own,) = client.get(f"/v1/searches/{second['id']}/marks").json()["items"]
    assert (own["verdict"], own["search_id"]) == ("not", second["id"])
    post(client, f"/v1/searches/{second['id']}/marks/undo", 200)
    assert client.get(f"/v1/searches/{second['id']}/marks").json()["items"] == []


def test_it_looks_where_the_search_looked_whatever_cameras_are_called_now(
    client: TestClient, archive: Archive, probe: Json
) -> None:
    first = ask(client, {"probe_id": probe["id"]}, cameras=["gate"])
    mark(client, f"/v1/searches/{first['id']}/marks/{archive.tracklets['gate', RED]}", "match")
    for camera, name in (("gate", "old gate"), ("yard", "gate")):
        client.patch(f"/v1/cameras/{camera}", json={"name": name}).raise_for_status()
    second = post(client, f"/v1/searches/{first['id']}/refine")
    assert set(ids(second)) == set(ids(first))
    assert {hit["camera"]["name"] for hit in second["hits"]} == {"old gate"}


def test_five_marks_make_a_machine(client: TestClient, archive: Archive, probe: Json) -> None:
    index(archive, "roof", NOON + timedelta(hours=2), [RED, BLUE, GREEN], seconds=6)
    first = ask(client, {"probe_id": probe["id"]})
    for (_, colour), tracklet in archive.tracklets.items():
        mark(client, f"/v1/searches/{first['id']}/marks/{tracklet}", "match" if colour == RED else "not")
    assert client.get(f"/v1/searches/{first['id']}/judge").json()["items"] == [], "all are marked"
    second = post(client, f"/v1/searches/{first['id']}/refine")
    assert second["refined"]["method"] == "svm"
    assert {archive.tracklets[camera, RED] for camera in ("gate", "yard", "roof")} == set(ids(second)[:3])


def test_what_a_refinement_is_refused_for(
    client: TestClient, other: TestClient, archive: Archive, probe: Json
) -> None:
    first = ask(client, {"probe_id": probe["id"]})
    url = f"/v1/searches/{first['id']}"
    mark(client, f"{url}/marks/{archive.tracklets['gate', RED]}", "match")
    post(other, f"{url}/refine", 404)
    assert other.get(f"{url}/judge").status_code == 404
    post(client, f"/v1/searches/{'f' * 32}/refine", 404)
    too_many = [{"probe_id": probe["id"]}] * 20
    hostile: list[Json] = [{"limit": 0}, {"probes": too_many}, {"marks": []}, {"probes": [{}]}]
    for body in hostile:
        post(client, f"{url}/refine", 422, **body)
    for count in (0, 51, "x"):
        assert client.get(f"{url}/judge", params={"count": count}).status_code == 422
    client.delete(f"/v1/videos/{archive.videos['gate'].id}")
    post(client, f"{url}/refine", 409)
    mark(client, f"{url}/marks/{archive.tracklets['yard', RED]}", "match")
    post(client, f"{url}/refine")
    client.delete(f"/v1/probes/{probe['id']}")
    assert "must be kept" in post(client, f"{url}/refine", 404)["detail"]


def test_what_to_judge_comes_from_all_cameras_without_what_is_judged(
    client: TestClient, archive: Archive, probe: Json
) -> None:
    first = ask(client, {"probe_id": probe["id"]})
    url = f"/v1/searches/{first['id']}"
    asked = client.get(f"{url}/judge", params={"count": 2}).json()["items"]
    assert {hit["camera"]["name"] for hit in asked} == {"gate", "yard"}
    mark(client, f"{url}/marks/{asked[0]['tracklet_id']}", "match")
    rest = client.get(f"{url}/judge", params={"count": 50}).json()["items"]
    assert {hit["tracklet_id"] for hit in rest} == set(ids(first)) - {asked[0]["tracklet_id"]}
    assert rest[0]["rank"] == first["hits"][ids(first).index(rest[0]["tracklet_id"])]["rank"]


def test_refined_hits_have_no_probability(make_app: Any, secret: str, archive: Archive) -> None:
    app = make_app()
    with TestClient(app, headers={"X-API-Key": secret}) as client:
        client.app.state.sightline.networks.embedder.card = calibrated().card  # type: ignore[attr-defined]
        probe = upload(client, scene((RED, 100, 60)))
        first = ask(client, {"probe_id": probe["id"]})
        assert first["calibration"]["calibrated"]
        mark(client, f"/v1/searches/{first['id']}/marks/{archive.tracklets['gate', RED]}", "match")
        second = post(client, f"/v1/searches/{first['id']}/refine")
    assert not second["calibration"]["calibrated"]
    assert "marks have moved" in second["calibration"]["reason"]
    assert {hit["probability"] for hit in second["hits"]} == {None}
