"""Cases over HTTP: own ones only, their journey, and their evidence."""

import io
import json
import zipfile
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from starlette.testclient import TestClient

from gallery import Verdict
from service.evidence import verifier
from tests.service.conftest import NOON, Archive, index, upload
from tests.service.videos import BLUE, GREEN, RED, scene

Json = dict[str, Any]
HOSTILE = "<script>x</script> & ="


def ask(client: TestClient, method: str, url: str, expect: int = 200, **options: Any) -> Any:
    answer = client.request(method, url, **options)
    assert answer.status_code == expect, answer.text
    return answer.json() if answer.content else None


@pytest.fixture
def case(client: TestClient) -> Json:
    """An open case."""
    wanted = {"title": HOSTILE, "number": "2026/17", "purpose": "To find red"}
    opened: Json = ask(client, "POST", "/v1/cases", 201, json=wanted)
    return opened


def searched(client: TestClient) -> Json:
    probe = upload(client, scene((RED, 100, 60)))
    answer: Json = ask(client, "POST", "/v1/searches", 201, json={"probes": [{"probe_id": probe["id"]}]})
    return answer


def test_a_case_is_filled_changed_and_deleted(client: TestClient, case: Json) -> None:
    url = f"/v1/cases/{case['id']}"
    search, probe = searched(client), upload(client, scene((BLUE, 100, 60)))
    ask(client, "POST", f"{url}/items", json={"search_id": search["id"]})
    ask(client, "POST", f"{url}/items", json={"probe_id": probe["id"]})
    ask(client, "POST", f"{url}/notes", 201, json={"text": "A note"})
    ask(client, "PATCH", url, json={"title": "Red", "number": None})
    found = ask(client, "GET", url)
    assert (found["title"], found["number"], found["purpose"]) == ("Red", None, "To find red")
    assert [item["kind"] for item in found["items"]] == ["search", "photo", "photo"]
    assert [note["text"] for note in found["notes"] if note["kind"] == "note"] == ["A note"]
    (edited,) = [note for note in found["notes"] if note["kind"] == "edited"]
    assert edited["text"].startswith(f"title was: {case['title']}")
    taken = ask(client, "DELETE", f"{url}/items/{probe['id']}")
    assert len(taken["items"]) == 2
    assert client.head(url).status_code == 200
    ask(client, "DELETE", url, 204)
    ask(client, "GET", url, 404)
    ask(client, "GET", f"/v1/searches/{search['id']}")


def test_for_another_key_a_case_does_not_exist(
    client: TestClient, other: TestClient, archive: Archive, case: Json
) -> None:
    url = f"/v1/cases/{case['id']}"
    theirs = ask(other, "POST", "/v1/cases", 201, json={"title": "theirs"})
    search = searched(other)
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"title": "x"}),
        ("DELETE", "", None),
        ("POST", "/items", {"search_id": search["id"]}),
        ("DELETE", f"/items/{'0' * 32}", None),
        ("POST", "/notes", {"text": "x"}),
        ("GET", "/journey", None),
        ("GET", "/journey/map", None),
        ("GET", "/journey/timeline", None),
        ("GET", "/evidence", None),
        ("GET", "/evidence/made", None),
    ):
        ask(other, method, url + path, 404, json=body)
    ask(client, "POST", f"{url}/items", 404, json={"search_id": search["id"]})
    ask(client, "POST", f"{url}/items", 404, json={"probe_id": search["probe"]["id"]})
    ask(client, "GET", "/v1/cases", 422, params={"cursor": theirs["id"]})
    assert [one["id"] for one in ask(client, "GET", "/v1/cases")["items"]] == [case["id"]]
    assert [one["id"] for one in ask(other, "GET", "/v1/cases")["items"]] == [theirs["id"]]
    assert not archive.gallery.audit.events(action="case.read", limit=10)


def test_lists_come_in_pages(client: TestClient) -> None:
    made = [ask(client, "POST", "/v1/cases", 201, json={"title": str(n)})["id"] for n in range(3)]
    first = ask(client, "GET", "/v1/cases", params={"limit": 2})
    last = ask(client, "GET", "/v1/cases", params={"cursor": first["next_cursor"]})
    assert [one["id"] for one in first["items"] + last["items"]] == made[::-1]
    assert last["next_cursor"] is None


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", {"title": " "}),
        ("", {"title": "x" * 201}),
        ("", {"titel": "x"}),
        ("", {"title": "a\0b"}),
        ("", {"title": "x", "purpose": ""}),
        ("/ID/items", {}),
        ("/ID/items", {"probe_id": "a", "search_id": "b"}),
        ("/ID/notes", {"text": ""}),
        ("/ID/notes", {"text": "x" * 10_001}),
    ],
)
def test_what_cannot_be_is_refused(client: TestClient, case: Json, path: str, body: Json) -> None:
    ask(client, "POST", "/v1/cases" + path.replace("ID", case["id"]), 422, json=body)


@pytest.fixture
def travelled(client: TestClient, archive: Archive, case: Json) -> str:
    """Red: at the gate at noon, then far away on the roof, in the yard an hour later; green: not."""
    gallery = archive.gallery
    positions = {"gate": (52.0, 13.0), "yard": (52.001, 13.0), "roof": (52.1, 13.0)}
    for name, (north, east) in positions.items():
        known = gallery.catalogue.camera_named(name)
        gallery.catalogue.update_camera(known.id, latitude=north, longitude=east)
    index(archive, "roof", NOON + timedelta(seconds=10), [RED], 6)
    search = searched(client)
    marked = [("gate", RED, Verdict.MATCH), ("yard", RED, Verdict.MATCH), ("roof", RED, Verdict.MATCH)]
    for camera, colour, verdict in [*marked, ("gate", GREEN, Verdict.NOT)]:
        gallery.marks.set(search["id"], archive.tracklets[camera, colour], verdict)
    ask(client, "POST", f"/v1/cases/{case['id']}/items", json={"search_id": search["id"]})
    return f"/v1/cases/{case['id']}"


def test_the_journey_flags_what_is_impossible_and_says_what_was_not_recorded(
    client: TestClient, archive: Archive, travelled: str
) -> None:
    found = ask(client, "GET", f"{travelled}/journey")
    seen = found["sightings"]
    assert [(one["number"], one["camera"]["name"]) for one in seen] == [(1, "gate"), (2, "roof"), (3, "yard")]
    assert [one["start_local"] for one in seen] == [
        "2026-03-01 13:00:00+01:00",
        "2026-03-01 12:00:10+00:00",
        "2026-03-01 13:00:00+00:00",
    ]
    first, second = found["transitions"]
    assert (first["before"], first["after"], first["flag"], first["seconds"]) == (1, 2, "too_fast", 6.0)
    assert first["metres"] == pytest.approx(11_119.5, abs=1)
    assert "m/s" in first["reason"]
    assert (second["flag"], round(second["speed"], 2)) == (None, 3.06)
    assert [(one["before"], one["after"]) for one in found["conflicts"]] == [(1, 2)]
    gaps = {(gap["camera"], gap["reason"]) for gap in found["gaps"]}
    assert {("gate", "not_recorded"), ("yard", "not_recorded"), ("roof", "not_recorded")} <= gaps
    gate = next(gap for gap in found["gaps"] if gap["camera"] == "gate")
    assert gate["start_local"] == "2026-03-01 13:00:05+01:00"
    for picture in ("timeline", "map"):
        answer = client.get(f"{travelled}/journey/{picture}")
        assert answer.headers["content-type"] == "image/svg+xml"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        ElementTree.fromstring(answer.content)
    assert archive.gallery.audit.events(action="case.journey", limit=10)


def test_contested_marks_are_shown_and_erased_ones_are_noted(
    client: TestClient, archive: Archive, travelled: str
) -> None:
    second = searched(client)
    gate = archive.tracklets["gate", RED]
    archive.gallery.marks.set(second["id"], gate, Verdict.NOT)
    ask(client, "POST", f"{travelled}/items", json={"search_id": second["id"]})
    seen = ask(client, "GET", f"{travelled}/journey")["sightings"]
    assert (seen[0]["tracklet_id"], seen[0]["doubted"]) == (gate, [second["id"]])
    assert seen[0]["confirmations"] == []
    for search in seen[0]["searches"]:
        archive.gallery.marks.confirm(search, gate, agrees=True, key_id="another")
    seen = ask(client, "GET", f"{travelled}/journey")["sightings"]
    assert {said["key_id"] for said in seen[0]["confirmations"]} == {"another"}
    archive.gallery.erase_video(archive.videos["gate"].id)
    assert [one["number"] for one in ask(client, "GET", f"{travelled}/journey")["sightings"]] == [1, 2]
    notes = ask(client, "GET", travelled)["notes"]
    assert [note["kind"] for note in notes] == ["erased", "erased"]


def test_an_empty_case_has_an_empty_journey(client: TestClient, case: Json) -> None:
    found = ask(client, "GET", f"/v1/cases/{case['id']}/journey")
    assert (found["sightings"], found["transitions"], found["gaps"]) == ([], [], [])
    package = client.get(f"/v1/cases/{case['id']}/evidence").content
    assert verifier.verify(io.BytesIO(package)).manifest["subject"]["kind"] == "case"


def test_its_package_holds_searches_marked_hits_notes_and_journey(
    client: TestClient, archive: Archive, travelled: str, case: Json
) -> None:
    ask(client, "POST", f"{travelled}/notes", 201, json={"text": HOSTILE})
    content = client.get(f"{travelled}/evidence").content
    manifest = verifier.verify(io.BytesIO(content)).manifest
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        names = package.namelist()
        told = json.loads(package.read("case.json"))
        journey = json.loads(package.read("journey/journey.json"))
        report = package.read("report.html").decode()
        trail = {event["action"] for event in json.loads(package.read("audit.json"))}
    assert told["notes"][0]["text"] == HOSTILE
    assert journey == ask(client, "GET", f"{travelled}/journey")
    clips = {name.split("/")[1] for name in names if name.endswith("preview.mp4")}
    assert clips == {
        archive.tracklets[one] for one in (("gate", RED), ("yard", RED), ("roof", RED), ("gate", GREEN))
    }
    assert {"journey/timeline.svg", "journey/map.svg"} <= set(names)
    assert HOSTILE not in report
    assert "at least" in report
    assert {"case.add", "case.put", "case.note", "mark.set", "search", "evidence.begin"} <= trail
    made = ask(client, "GET", f"{travelled}/evidence/made")["items"]
    assert [one["manifest_sha256"] for one in made] == [verifier.verify(io.BytesIO(content)).digest]
    assert manifest["subject"]["title"] == f"Case 2026/17: {HOSTILE}"


def test_marks_of_a_search_and_its_refinement_are_listed_once(
    client: TestClient, archive: Archive, case: Json
) -> None:
    url, search = f"/v1/cases/{case['id']}", searched(client)
    hit = archive.tracklets["gate", RED]
    ask(client, "PUT", f"/v1/searches/{search['id']}/marks/{hit}", json={"verdict": "match"})
    refined = ask(client, "POST", f"/v1/searches/{search['id']}/refine", 201, json={})
    other = archive.tracklets["yard", RED]
    ask(client, "PUT", f"/v1/searches/{refined['id']}/marks/{other}", json={"verdict": "match"})
    for one in (search, refined):
        ask(client, "POST", f"{url}/items", json={"search_id": one["id"]})
    journey = ask(client, "GET", f"{url}/journey")
    assert [one["searches"] for one in journey["sightings"]] == [[search["id"]], [refined["id"]]]
    with zipfile.ZipFile(io.BytesIO(client.get(f"{url}/evidence").content)) as files:
        changes = [
            [change["tracklet_id"] for change in json.loads(files.read(f"searches/{one['id']}/marks.json"))]
            for one in (search, refined)
        ]
    assert changes == [[hit], [other]]
