"""Marks over HTTP: on hits of one's own searches only, with who and when, and undone again."""

import io
import json
import zipfile
from typing import Any

from PIL import Image
from starlette.testclient import TestClient

from gallery import Scope
from tests.service.conftest import Archive
from tests.service.searches.asking import search
from tests.service.videos import BLUE, RED

Json = dict[str, Any]


def mark(client: TestClient, url: str, verdict: object, expect: int = 200) -> Json:
    answer = client.put(url, json={"verdict": verdict})
    assert answer.status_code == expect, answer.text
    body: Json = answer.json()
    return body


def test_a_hit_carries_its_mark(client: TestClient, archive: Archive, probe: Json) -> None:
    found = search(client, probe)
    assert {hit["mark"] for hit in found["hits"]} == {None}
    marks = f"/v1/searches/{found['id']}/marks"
    red, blue = archive.tracklets["gate", RED], archive.tracklets["yard", BLUE]
    made = mark(client, f"{marks}/{red}", "match")
    (key,) = archive.gallery.keys.list()
    assert made == {
        "verdict": "match",
        "key_id": key.id,
        "created_at": made["created_at"],
        "search_id": found["id"],
        "tracklet_id": red,
        "confirmation": None,
    }
    mark(client, f"{marks}/{blue}", "match")
    mark(client, f"{marks}/{blue}", "not")
    hits = client.get(f"/v1/searches/{found['id']}").json()["hits"]
    assert {hit["tracklet_id"]: hit["mark"] and hit["mark"]["verdict"] for hit in hits} == {
        **dict.fromkeys(archive.tracklets.values()),
        red: "match",
        blue: "not",
    }
    listed = client.get(marks).json()
    assert ([(m["tracklet_id"], m["verdict"]) for m in listed["items"]], listed["erased"]) == (
        [(red, "match"), (blue, "not")],
        0,
    )
    undone = client.post(f"{marks}/undo").json()
    assert (undone["tracklet_id"], undone["verdict"], undone["undone_by"]) == (blue, "not", key.id)
    assert client.get(marks).json()["items"][1]["verdict"] == "match"
    assert client.delete(f"{marks}/{red}").status_code == 204
    assert client.delete(f"{marks}/{red}").status_code == 404
    page = client.get(f"{marks}/history", params={"limit": 3}).json()
    last = client.get(f"{marks}/history", params={"cursor": page["next_cursor"]}).json()
    assert last["next_cursor"] is None
    changes = page["items"] + last["items"]
    assert [(c["tracklet_id"], c["verdict"], c["undone_at"] is None) for c in changes] == [
        (red, None, True),
        (blue, "not", False),
        (blue, "match", True),
        (red, "match", True),
    ]


def test_marks_are_recorded_and_so_is_reading_them(client: TestClient, archive: Archive, probe: Json) -> None:
    found = search(client, probe)
    marks = f"/v1/searches/{found['id']}/marks"
    mark(client, f"{marks}/{found['hits'][0]['tracklet_id']}", "match")
    client.get(marks)
    client.post(f"{marks}/undo")
    (key,) = archive.gallery.keys.list()
    events = archive.gallery.audit.events(subject=found["id"])
    assert [(event.action, event.key_id) for event in events] == [
        ("mark.undo", key.id),
        ("mark.list", key.id),
        ("mark.set", key.id),
        ("search", key.id),
    ]


def test_what_cannot_be_marked(client: TestClient, other: TestClient, probe: Json, archive: Archive) -> None:
    found = search(client, probe, cameras=["gate"])
    marks = f"/v1/searches/{found['id']}/marks"
    hit, elsewhere = f"{marks}/{found['hits'][0]['tracklet_id']}", archive.tracklets["yard", RED]
    assert mark(client, f"{marks}/{elsewhere}", "match", 404)["detail"].startswith("search")
    for strange in ("undo", "history", "%00", "x" * 65, "..%2f..", "0"):
        assert client.put(f"{marks}/{strange}", json={"verdict": "not"}).status_code in {404, 422}
    hostile: list[object] = [
        {},
        {"verdict": "maybe"},
        {"verdict": None},
        {"verdict": ["match", "not"]},
        [],
        1,
    ]
    for body in hostile:
        assert client.put(hit, json=body).status_code == 422
    assert client.put(hit, json={"verdict": "match", "also": "not"}).status_code == 422
    assert client.put(hit, content=b'{"verdict": "match", "verdict": "not"}').status_code in {200, 422}
    assert client.put(hit, content=b"{").status_code == 422
    client.delete(hit)
    assert mark(client, f"/v1/searches/{'f' * 32}/marks/{elsewhere}", "match", 404)
    mark(client, hit, "match")
    for answer in (
        other.get(marks),
        other.get(f"{marks}/history"),
        other.put(hit, json={"verdict": "not"}),
        other.delete(hit),
        other.post(f"{marks}/undo"),
    ):
        assert answer.status_code == 404, "somebody else's search does not exist"
    assert client.get(marks).json()["items"][0]["verdict"] == "match"
    assert client.get(f"{marks}/history", params={"cursor": "x"}).status_code == 422


def test_an_erased_recording_takes_its_marks_along(client: TestClient, archive: Archive, probe: Json) -> None:
    found = search(client, probe)
    marks = f"/v1/searches/{found['id']}/marks"
    for camera in ("gate", "yard"):
        mark(client, f"{marks}/{archive.tracklets[camera, RED]}", "match")
    assert client.delete(f"/v1/videos/{archive.videos['gate'].id}").status_code == 204
    listed = client.get(marks).json()
    assert ([m["tracklet_id"] for m in listed["items"]], listed["erased"]) == (
        [archive.tracklets["yard", RED]],
        1,
    )
    warnings = client.get(f"/v1/searches/{found['id']}").json()["warnings"]
    assert "Marks erased with the recordings that they were on: 1." in warnings
    mark(client, f"{marks}/{archive.tracklets['gate', RED]}", "match", 404)
    assert client.post(f"{marks}/undo").status_code == 200
    assert client.post(f"{marks}/undo").json()["status"] == 409


def test_a_second_person_confirms_a_mark_and_never_the_one_who_made_it(
    client: TestClient, archive: Archive, probe: Json
) -> None:
    keys, found = archive.gallery.keys, search(client, probe)
    red = archive.tracklets["gate", RED]
    marked = f"/v1/searches/{found['id']}/marks/{red}"
    confirmed = f"{marked}/confirmation"
    maker = mark(client, marked, "match")["key_id"]
    own = client.put(confirmed, json={"agrees": True})
    assert (own.status_code, "second person" in own.json()["detail"]) == (409, True)
    second, secret = keys.create("second", scopes=[Scope.REVIEW])
    archive.gallery.groups.add("yard", ["yard"])
    others = {
        "no review": (keys.create("n", scopes=[Scope.SEARCH, Scope.VIEW])[1], 403),
        "other cameras": (keys.create("o", groups=["yard"])[1], 404),
    }
    with TestClient(client.app, headers={"X-API-Key": secret}) as colleague:
        for name, (other, status) in others.items():
            refused = colleague.put(confirmed, json={"agrees": True}, headers={"X-API-Key": other})
            assert refused.status_code == status, name
        wrong: list[Any] = [{}, {"agrees": None}, {"agrees": "yes"}, {"agrees": 1}, [], "x"]
        for bad in [*wrong, {"agrees": True, "key_id": "k"}]:
            assert colleague.put(confirmed, json=bad).status_code == 422, bad
        blue = archive.tracklets["yard", BLUE]
        for url in (
            confirmed.replace(red, blue),  # has no mark
            confirmed.replace(red, f"{'0' * 32}-0"),
            confirmed.replace(red, "%00"),
            confirmed.replace(found["id"], "0" * 32),
        ):
            assert colleague.put(url, json={"agrees": True}).status_code == 404, url
        assert archive.gallery.audit.events(action="mark.confirm") == []
        told = colleague.put(confirmed, json={"agrees": True}, headers={"X-Purpose": "four eyes"})
        assert told.status_code == 200, told.text
        said = told.json()["confirmation"]
        assert (told.json()["key_id"], said["agrees"], said["key_id"]) == (maker, True, second.id)
        assert colleague.get(f"/v1/searches/{found['id']}").status_code == 403, "it shows no search"
        assert colleague.get(f"/v1/searches/{found['id']}/marks").status_code == 404
        (event,) = archive.gallery.audit.events(action="mark.confirm")
        assert (event.key_id, event.subject) == (second.id, found["id"])
        assert event.detail["tracklet_id"] == red
        assert event.detail["reason"] == {"purpose": "four eyes"}
        hit = next(
            one
            for one in client.get(f"/v1/searches/{found['id']}").json()["hits"]
            if one["tracklet_id"] == red
        )
        assert hit["mark"]["confirmation"] == said
        assert client.get(f"/v1/searches/{found['id']}/marks").json()["items"][0]["confirmation"] == said

        assert client.delete(confirmed).status_code == 404, "only who said it takes it back"
        assert colleague.delete(confirmed).status_code == 204
        assert colleague.delete(confirmed).status_code == 404
        assert client.get(f"/v1/searches/{found['id']}/marks").json()["items"][0]["confirmation"] is None
        assert archive.gallery.audit.events(action="mark.withdraw")[0].key_id == second.id
        assert colleague.put(confirmed, json={"agrees": True}).status_code == 200

        mark(client, marked, "not")
        assert client.get(f"/v1/searches/{found['id']}/marks").json()["items"][0]["confirmation"] is None
        assert colleague.delete(confirmed).status_code == 404, "it was said of another mark"
        disputed = colleague.put(confirmed, json={"agrees": False}).json()
        assert (disputed["verdict"], disputed["confirmation"]["agrees"]) == ("not", False)
    changes = client.get(f"/v1/searches/{found['id']}/marks/history").json()["items"]
    assert [one["confirmation"]["agrees"] for one in changes] == [False, True]
    package = client.get(f"/v1/searches/{found['id']}/evidence")
    with zipfile.ZipFile(io.BytesIO(package.content)) as files:
        (kept,) = [name for name in files.namelist() if name.endswith("marks.json")]
        assert [one["confirmation"]["agrees"] for one in json.loads(files.read(kept))] == [True, False]
        report = files.read("report.html").decode()
    assert f"confirmed by {second.id}" in report
    assert f"disputed by {second.id}" in report


def test_a_second_person_sees_what_they_confirm_and_no_more_of_the_search(
    client: TestClient, archive: Archive, probe: Json
) -> None:
    keys, found = archive.gallery.keys, search(client, probe)
    red = archive.tracklets["gate", RED]
    review = f"/v1/searches/{found['id']}/marks/review"
    second, secret = keys.create("second", scopes=[Scope.REVIEW, Scope.VIEW])
    archive.gallery.groups.add("yard", ["yard"])
    with TestClient(client.app, headers={"X-API-Key": secret}) as colleague:
        assert colleague.get(review).status_code == 404, "nothing is marked: nobody was asked"
        assert colleague.get(f"{review}/photos/0").status_code == 404
        maker = mark(client, f"/v1/searches/{found['id']}/marks/{red}", "match")["key_id"]
        seen = colleague.get(review).json()
        assert (seen["search_id"], seen["key_id"]) == (found["id"], maker)
        (one,) = seen["items"]
        assert (one["tracklet_id"], one["camera"]["name"], one["key_id"]) == (red, "gate", maker)
        assert colleague.get(one["thumbnail_url"]).status_code == 200
        assert seen["persons"] == [f"{review}/photos/0"]
        shown = colleague.get(seen["persons"][0])
        assert shown.headers["content-type"] == "image/jpeg"
        with Image.open(io.BytesIO(shown.content)) as crop:
            assert crop.size == tuple(round(side) for side in found["probe"]["box"][2:]), "nobody beside"
        assert colleague.get(f"/v1/probes/{probe['id']}/image").status_code in {403, 404}
        for bad, status in {"1": 404, "19": 404, "20": 422, "-1": 422, "x": 422, "%00": 422}.items():
            assert colleague.get(f"{review}/photos/{bad}").status_code == status, bad
        assert colleague.get(review.replace(found["id"], "0" * 32)).status_code == 404
        for other, status in (
            (keys.create("o", groups=["yard"])[1], 404),
            (keys.create("s", scopes=[Scope.VIEW])[1], 403),
        ):
            assert colleague.get(review, headers={"X-API-Key": other}).status_code == status
            assert colleague.get(f"{review}/photos/0", headers={"X-API-Key": other}).status_code == status
        client.delete(f"/v1/probes/{probe['id']}")
        assert colleague.get(review).json()["persons"] == []
        assert colleague.get(f"{review}/photos/0").status_code == 404
    events = archive.gallery.audit.events(key_id=second.id)
    assert {event.action for event in events} >= {"mark.review", "probe.view"}
