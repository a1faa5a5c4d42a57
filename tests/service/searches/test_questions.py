"""What a search may ask, and what it refuses."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.probes.notices import NOBODY
from tests.service.conftest import Archive, upload
from tests.service.searches.asking import Json, ids, search
from tests.service.videos import GREEN, RED, scene

BY_BOX: dict[str, Any] = {
    "id": None,
    "person": None,
    "box": None,
    "tracklet_id": None,
    "gone": None,
    "taken_at": None,
    "found": None,
    "ignored": [],
}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"cameras": ["gate"]}, {"gate"}),
        ({"cameras": ["gate", "yard", "roof"]}, {"gate", "yard"}),
        ({"cameras": ["roof"]}, set()),
        ({"cameras": []}, set()),
        ({"sites": ["south"]}, {"yard"}),
        ({"sites": ["north", "south"]}, {"gate", "yard"}),
        ({"sites": ["north"], "cameras": ["yard"]}, set()),
        ({"start": "2026-03-01T12:30:00Z"}, {"yard"}),
        ({"end": "2026-03-01T13:30:00+01:00"}, {"gate"}),
        ({"start": "2026-03-01T13:00:04+01:00", "end": "2026-03-01T12:00:05Z"}, {"gate"}),
        ({"start": "2026-03-01T12:00:05Z", "end": "2026-03-01T12:59:00Z"}, set()),
        ({"start": "2026-03-01t12:00:00.123456789z"}, {"gate", "yard"}),
    ],
)
def test_filters(shared_client: TestClient, shared_probe: Json, query: Json, found: set[str]) -> None:
    answer = search(shared_client, shared_probe, **query)
    assert {hit["camera"]["name"] for hit in answer["hits"]} == found
    assert answer["coverage"]["tracklets_compared"] == 2 * len(found)


@pytest.mark.parametrize(
    ("query", "pointer", "word"),
    [
        ({"cameras": ["gate", "cellar"]}, "/cameras/1", "'cellar'"),
        ({"sites": ["west"]}, "/sites/0", "'west'"),
        ({"start": "2026-03-01T12:00:00"}, "/start", "offset"),
        ({"start": "2026-03-01"}, "/start", "offset"),
        ({"start": "yesterday"}, "/start", "offset"),
        ({"start": 1772366400}, "/start", "offset"),
        ({"start": "2026-13-01T12:00:00Z"}, "/start", "month"),
        ({"start": "0001-01-01T00:00:00+10:00"}, "/start", "range"),
        ({"start": "1850-01-01T00:00:00Z"}, None, "1970"),
        ({"start": "2026-03-02T00:00:00Z", "end": "2026-03-01T00:00:00Z"}, "/", "before"),
        ({"start": "2026-03-01T00:00:00Z", "end": "2026-03-01T01:00:00+01:00"}, "/", "before"),
        ({"limit": 0}, "/limit", ""),
        ({"limit": 1001}, "/limit", ""),
        ({"keep": 0}, "/keep", ""),
        ({"keep": 5001}, "/keep", ""),
        ({"keep": None}, "/keep", ""),
        ({"limit": "many"}, "/limit", ""),
        ({"camera": ["gate"]}, "/camera", "xtra"),
        ({"cameras": "gate"}, "/cameras", "list"),
        ({"cameras": [""]}, "/cameras/0", ""),
        ({"cameras": ["\0"]}, "/cameras/0", "no camera"),
        ({"probes": []}, "/probes", ""),
        ({"probes": None}, "/probes", ""),
        ({"probes": [{}]}, "/probes/0", "either"),
        ({"probes": [{"probe_id": "PROBE"}] * 21}, "/probes", ""),
        ({"probes": [{"probe_id": "PROBE", "tracklet_id": "x"}]}, "/probes/0", "either"),
        ({"probes": [{"probe_id": "PROBE", "person": 7}]}, "/probes/0/person", "no person 7"),
        ({"probes": [{"probe_id": "PROBE", "person": -1}]}, "/probes/0/person", ""),
        ({"probes": [{"probe_id": "PROBE", "person": 0, "box": [0, 0, 50, 50]}]}, "/probes/0", "either"),
        ({"probes": [{"probe_id": "PROBE", "box": [0, 0, 50]}]}, "/probes/0/box/3", ""),
        ({"probes": [{"probe_id": "PROBE", "box": [0, 0, -50, 50]}]}, "/probes/0/box/2", ""),
        ({"probes": [{"probe_id": "PROBE", "box": [900, 0, 50, 50]}]}, "/probes/0/box", "pixels"),
        ({"probes": [{"probe_id": "PROBE", "box": [0, 0, 2, 2]}]}, "/probes/0/box", "pixels"),
    ],
)
def test_refuses_what_makes_no_sense(
    shared_client: TestClient, shared_probe: Json, query: Json, pointer: str | None, word: str
) -> None:
    body = {"probes": [{"probe_id": shared_probe["id"]}], **query}
    sent = json.dumps(body).replace("PROBE", shared_probe["id"])
    answer = shared_client.post("/v1/searches", content=sent, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert word in problem["detail"]
    if pointer is not None:
        assert problem["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    "sent", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"probes": NaN}', b"[" * 5000, b'{"a":' * 5000, b'"x"']
)
def test_refuses_what_is_no_query(shared_client: TestClient, sent: bytes) -> None:
    answer = shared_client.post("/v1/searches", content=sent, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:sightline:problem:invalid-request"


def test_takes_another_person_a_box_or_the_whole_photo(client: TestClient, archive: Archive) -> None:
    probe = upload(client, scene((RED, 20, 60), (GREEN, 200, 60)))
    first, second = probe["persons"]
    colour = {20: RED, 200: GREEN}

    def best(**choice: Any) -> str:
        found = search(client, probe, probes=[{"probe_id": probe["id"], **choice}], cameras=["gate"])
        return ids(found)[0]

    assert best() == best(person=0) == archive.tracklets["gate", colour[round(first["box"][0])]]
    assert best(person=1) == archive.tracklets["gate", colour[round(second["box"][0])]]
    assert best(box=[200, 60, 40, 100]) == archive.tracklets["gate", GREEN]
    assert best(box=[20.5, 61, 39, 98]) == archive.tracklets["gate", RED]
    whole = search(client, probe, probes=[{"probe_id": probe["id"], "box": [-5, -5, 999, 999]}])
    assert 0 < whole["probe"].pop("weight") <= 1
    assert whole["probe"].pop("notices") != []
    assert whole["probe"] == BY_BOX | {
        "id": probe["id"],
        "box": [0, 0, 320, 240],
        "selected_by": "box",
        "found": 2,
        "ignored": whole["probe"]["ignored"],
    }


def test_takes_the_whole_photo_when_nobody_is_on_it(shared_client: TestClient) -> None:
    answer = search(shared_client, upload(shared_client, scene()))
    assert answer["probe"]["box"] == [0, 0, 320, 240]
    assert NOBODY in answer["warnings"]


def test_passes_on_what_spoils_the_probe(shared_client: TestClient) -> None:
    answer = search(shared_client, upload(shared_client, scene((RED, 0, 60))))
    assert "The person is cut off at the left of the photo." in answer["warnings"]


def test_searches_with_a_hit(client: TestClient, archive: Archive) -> None:
    seed = archive.tracklets["gate", RED]
    answer = client.post("/v1/searches", json={"probes": [{"tracklet_id": seed}]}).json()
    assert ids(answer)[0] == archive.tracklets["yard", RED]
    assert seed not in ids(answer)
    assert 0 < answer["probe"].pop("weight") <= 1
    assert answer["probe"] == BY_BOX | {
        "tracklet_id": seed,
        "selected_by": "tracklet",
        "notices": [],
        "taken_at": answer["probe"]["taken_at"],
    }
    for unknown in ("0" * 32 + "-0", "nonsense", seed + "9"):
        missing = client.post("/v1/searches", json={"probes": [{"tracklet_id": unknown}]})
        assert missing.status_code == 404
