"""Searches over HTTP: right answers, honest statements, nothing without a record."""

import json
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

import gallery.sql.database
from gallery import NewRecording, RankBy
from service import children, coverage, images
from service.app import create_app
from service.persons import NOBODY
from service.settings import ServiceSettings
from tests.service.conftest import NOON, Archive, index, upload
from tests.service.fakes import ColourEmbedder, ContrastDetector
from tests.service.videos import BLUE, GREEN, RED, encoded, person, scene

Json = dict[str, Any]


def search(client: TestClient, probe: Json, expect: int = 201, **query: Any) -> Json:
    body = {"probes": [{"probe_id": probe["id"]}], **query}
    answer = client.post("/v1/searches", json=body)
    assert answer.status_code == expect, answer.text
    found: Json = answer.json()
    return found


def ids(answer: Json) -> list[str]:
    return [hit["tracklet_id"] for hit in answer["hits"]]


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


def test_searches_recorded_without_standard_scores_stay_readable(
    client: TestClient, archive: Archive, probe: Json
) -> None:
    answer = search(client, probe)
    with closing(sqlite3.connect(archive.gallery.data_dir / "gallery.sqlite3")) as database, database:
        database.execute(
            "UPDATE search SET query = json_remove(query, '$.by'), hits = "
            "(SELECT json_group_array(json_remove(value, '$.standard_score')) FROM json_each(hits))"
        )
    again = client.get(f"/v1/searches/{answer['id']}").json()
    assert again["ranked_by"] == "cosine"
    assert {hit["standard_score"] for hit in again["hits"]} == {None}


def test_says_what_a_hit_is(client: TestClient, archive: Archive, probe: Json) -> None:
    hit = search(client, probe, cameras=["gate"])["hits"][0]
    tracklet = archive.tracklets["gate", RED]
    url = f"/v1/tracklets/{tracklet}"
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
        "best_moment": hit["best_moment"],
        "thumbnail_url": f"{url}/thumbnail",
        "clip_url": f"{url}/clip?moment=0",
        "tracklet_url": url,
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
    assert "not probabilities" in answer["calibration"]["reason"]


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
    assert whole["probe"] == {"id": probe["id"], "person": None, "box": [0, 0, 320, 240], "tracklet_id": None}


def test_takes_the_whole_photo_when_nobody_is_on_it(shared_client: TestClient) -> None:
    answer = search(shared_client, upload(shared_client, scene()))
    assert answer["probe"]["box"] == [0, 0, 320, 240]
    assert NOBODY in answer["warnings"]


def test_passes_on_what_spoils_the_probe(shared_client: TestClient) -> None:
    answer = search(shared_client, upload(shared_client, scene((RED, 0, 60))))
    assert "The person is cut off at the left of the photo." in answer["warnings"]


def test_takes_a_photo_along(client: TestClient, archive: Archive) -> None:
    files = {"file": ("photo.png", encoded(scene((BLUE, 100, 60))), "image/png")}
    query = {"query": json.dumps({"limit": 2, "cameras": ["yard"]})}
    answer = client.post("/v1/searches/by-photo", files=files, data=query)
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert ids(found)[0] == archive.tracklets["yard", BLUE]
    assert found["filters"]["cameras"] == ["yard"]
    assert client.get(f"/v1/probes/{found['probe']['id']}").status_code == 200
    assert answer.headers["location"] == f"/v1/searches/{found['id']}"
    same = search(client, {"id": found["probe"]["id"]}, cameras=["yard"])
    assert same["hits"] == found["hits"]
    as_before = client.post("/v1/searches", files=files, data=query)
    assert as_before.json()["hits"] == found["hits"]


@pytest.mark.parametrize(
    ("files", "data", "status"),
    [
        ({}, {"query": "{}"}, 422),
        ({"file": b"no photo"}, {}, 415),
        ({"file": b""}, {}, 422),
        ({"file": encoded(scene())}, {"query": "{"}, 422),
        ({"file": encoded(scene())}, {"query": '{"cameras": ["cellar"]}'}, 422),
        ({"file": encoded(scene())}, {"query": '{"probes": []}'}, 422),
        ({"file": encoded(scene())}, {"query": '{"person": 3}'}, 422),
        ({"file": encoded(scene())}, {"query": "{}", "more": "fields"}, 400),
        ({"file": encoded(scene())}, {"query": '{"cameras": ["' + "x" * 300_000 + '"]}'}, 400),
        ({"file": encoded(scene()), "second": b"x"}, {}, 400),
    ],
)
def test_refuses_bad_forms(shared_client: TestClient, files: Json, data: Json, status: int) -> None:
    for path in ("/v1/searches/by-photo", "/v1/searches"):
        answer = shared_client.post(path, files=files or {"other": b"x"}, data=data)
        assert answer.status_code == status, answer.text
        assert answer.json()["status"] == status
        if status == 400:
            assert "one field, `query`" in answer.json()["detail"]


def test_takes_json_and_forms_only(shared_client: TestClient) -> None:
    form = {"Content-Type": "multipart/form-data"}
    for path in ("/v1/searches", "/v1/searches/by-photo"):
        answer = shared_client.post(path, content=b"{}", headers={"Content-Type": "text/plain"})
        assert answer.status_code == 422
        assert shared_client.post(path, content=b"x", headers=form).status_code == 400
    assert shared_client.post("/v1/searches/by-photo", json={"probes": []}).status_code == 422
    assert shared_client.get("/v1/searches/by-photo").status_code == 404


def test_a_photo_without_a_file_name_is_asked_for_as_a_file(shared_client: TestClient) -> None:
    photo = encoded(scene())
    for content in (photo, photo + bytes(300_000)):
        parts = b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + content + b"\r\n--x--\r\n"
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        answer = shared_client.post("/v1/searches/by-photo", content=parts, headers=headers)
        assert answer.status_code in {400, 422}
        assert "with a file name" in answer.json()["detail"]


def test_searches_with_a_hit(client: TestClient, archive: Archive) -> None:
    seed = archive.tracklets["gate", RED]
    answer = client.post("/v1/searches", json={"probes": [{"tracklet_id": seed}]}).json()
    assert ids(answer)[0] == archive.tracklets["yard", RED]
    assert seed not in ids(answer)
    assert 0 < answer["probe"].pop("weight") <= 1
    assert answer["probe"] == {"id": None, "person": None, "box": None, "tracklet_id": seed}
    for unknown in ("0" * 32 + "-0", "nonsense", seed + "9"):
        missing = client.post("/v1/searches", json={"probes": [{"tracklet_id": unknown}]})
        assert missing.status_code == 404


def test_pages_do_not_shift(client: TestClient, archive: Archive, probe: Json) -> None:
    first = search(client, probe, limit=2)
    index(archive, "roof", NOON + timedelta(hours=2), [RED])
    second = client.get(f"/v1/searches/{first['id']}", params={"cursor": first["next_cursor"]}).json()
    assert second["next_cursor"] is None
    assert ids(first) + ids(second) == ids(search(client, probe, cameras=["gate", "yard"]))
    assert [hit["rank"] for hit in second["hits"]] == [3, 4]
    again = client.get(f"/v1/searches/{first['id']}").json()
    assert again == first
    one = client.get(f"/v1/searches/{first['id']}", params={"limit": 1}).json()
    assert ids(one) == ids(first)[:1]
    assert len(ids(search(client, probe))) == 5


def test_refuses_cursors_of_other_searches(shared_client: TestClient, shared_probe: Json) -> None:
    first, second = search(shared_client, shared_probe, limit=1), search(shared_client, shared_probe, limit=1)
    for cursor in (second["next_cursor"], "nonsense", "", "é" * 10, first["next_cursor"][:-1]):
        answer = shared_client.get(f"/v1/searches/{first['id']}", params={"cursor": cursor})
        assert answer.status_code == 422, cursor
    assert shared_client.get(f"/v1/searches/{first['id']}", params={"limit": 0}).status_code == 422
    assert shared_client.get("/v1/searches/" + "0" * 32).status_code == 404
    assert shared_client.get("/v1/searches/nonsense").status_code == 404


def test_belongs_to_the_key_that_asked(client: TestClient, other: TestClient, probe: Json) -> None:
    assert other.get(f"/v1/searches/{search(client, probe)['id']}").status_code == 404


def test_states_what_was_searched(client: TestClient, probe: Json) -> None:
    answer = search(client, probe, sites=["north"], start="2026-03-01T12:00:01Z", end="2026-03-01T12:00:11Z")
    coverage = answer["coverage"]
    assert coverage["cameras"] == [
        {
            "camera": "gate",
            "site": "north",
            "time_zone": "Europe/Berlin",
            "videos": 1,
            "seconds": 4.0,
            "first": "2026-03-01T12:00:01Z",
            "last": "2026-03-01T12:00:05Z",
            "tracklets": 2,
            "intervals": [{"start": "2026-03-01T12:00:01Z", "end": "2026-03-01T12:00:05Z"}],
            "more_intervals": 0,
            "missing": [
                {
                    "start": "2026-03-01T12:00:05Z",
                    "end": "2026-03-01T12:00:11Z",
                    "reason": "not_recorded",
                    "at_most": False,
                }
            ],
            "more_missing": 0,
            "unindexed": [],
            "more_unindexed": 0,
        }
    ]
    assert (coverage["exact"], coverage["recall"], coverage["tracklets_compared"]) == (True, 1.0, 2)
    assert {(gap["what"], gap["reason"]) for gap in coverage["not_searched"]} == {
        ("6 s (2026-03-01 13:00:05 to 13:00:11) of gate", "no video is indexed"),
        ("yard", "left out by the filter"),
        ("roof", "left out by the filter"),
    }


def test_states_what_could_not_be_searched(client: TestClient, archive: Archive, probe: Json) -> None:
    catalogue, jobs = archive.gallery.catalogue, archive.gallery.jobs
    yard, roof = catalogue.camera_named("yard"), catalogue.camera_named("roof")
    jobs.file([NewRecording(roof.id, "/a", "waits.mp4", False, NOON)])
    jobs.file([NewRecording(yard.id, "/b", "broken.mp4", False, NOON)])
    for _ in range(2):
        claim = jobs.claim("worker", lease_seconds=100)
        assert claim is not None
        if claim.recording.file_name == "broken.mp4":
            jobs.finish(claim, state="failed", reason="no picture in it")
        else:
            jobs.renew(claim, lease_seconds=100, stage="detect", progress=0.42)
    answer = search(client, probe)
    assert gaps(answer) == {
        ("roof", "nothing is indexed for this time"),
        ("waits.mp4 of roof (from 2026-03-01 12:00:00)", "being indexed, 42% done"),
        ("broken.mp4 of yard (within 2026-03-01 12:00:00 to 13:00:00)", "indexing failed: no picture in it"),
    }
    there = next(one for one in answer["coverage"]["cameras"] if one["camera"] == "yard")
    hour = {"start": "2026-03-01T12:00:00Z", "end": "2026-03-01T13:00:00Z"}
    assert there["missing"] == [{**hour, "reason": "failed", "at_most": True}]
    assert there["unindexed"] == [
        {**hour, "file_name": "broken.mp4", "exact": False, "state": "failed", "reason": "no picture in it"}
    ]
    later = search(client, probe, end="2026-03-01T11:00:00Z")["coverage"]["not_searched"]
    assert not [gap for gap in later if "mp4" in gap["what"]]


def gaps(answer: Json) -> set[tuple[str, str]]:
    return {(gap["what"], gap["reason"]) for gap in answer["coverage"]["not_searched"]}


def test_overlaps_and_holes_are_no_coverage(client: TestClient, archive: Archive, probe: Json) -> None:
    """The gate's second video begins within the first; the roof's has no pictures for a while."""
    index(archive, "gate", NOON + timedelta(seconds=3), [BLUE], name="late")
    hole = [(0, 1_000_000), (4_000_000, 5_000_000)]
    index(archive, "roof", NOON, [], seconds=5, intervals=hole)
    start, end = "2026-03-01T12:00:00Z", "2026-03-01T12:00:08Z"
    answer = search(client, probe, cameras=["gate", "roof"], start=start, end=end)
    assert [camera["seconds"] for camera in answer["coverage"]["cameras"]] == [8.0, 2.0]
    assert gaps(answer) == {
        ("yard", "left out by the filter"),
        ("3 s (2026-03-01 12:00:01 to 12:00:04) of roof", "the video has no pictures there"),
        ("3 s (2026-03-01 12:00:05 to 12:00:08) of roof", "no video is indexed"),
    }


def test_another_model_is_the_only_reason_where_it_is_the_true_one(
    archive: Archive, settings: ServiceSettings, secret: str
) -> None:
    other = ColourEmbedder()
    other.id = "d" * 64
    app = create_app(settings, gallery=archive.gallery, embedder=other, detector=ContrastDetector())
    with TestClient(app, headers={"X-API-Key": secret}) as client:
        probe = upload(client, scene((RED, 100, 60)))
        answer = search(client, probe)
        start, end = "2026-03-01T11:59:55Z", "2026-03-01T12:00:05Z"
        partly = search(client, probe, cameras=["gate"], start=start, end=end)
    assert gaps(answer) == {
        ("gate", "indexed with another model only"),
        ("yard", "indexed with another model only"),
        ("roof", "nothing is indexed for this time"),
    }
    there = "5 s (2026-03-01 13:00:00 to 13:00:05) of gate"
    assert (there, "indexed with another model only") in gaps(partly)


def test_a_form_search_decodes_its_photo_once_and_asks_once_for_cameras(
    client: TestClient, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def count(owner: object, name: str) -> None:
        real = getattr(owner, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            calls.append(name)
            return real(*args, **kwargs)

        monkeypatch.setattr(owner, name, counted)

    count(children, "run")
    count(images, "decode_stored")
    count(archive.gallery.catalogue, "cameras")
    photo = scene((RED, 700, 60), width=1600, height=900)
    client.post("/v1/searches", files={"file": encoded(photo)}).raise_for_status()
    # The photo as sent, once; the JPEG that is stored of it, once: what is searched is what is stored.
    assert sorted(calls) == ["cameras", "decode_stored", "run"]


def test_a_damaged_segment_is_said_and_stops_no_other(
    make_app: Callable[..., FastAPI], archive: Archive, secret: str
) -> None:
    for file in sorted((archive.gallery.data_dir / "segments").iterdir())[0].glob("tracklets*"):
        content = bytearray(file.read_bytes())
        content[-1] ^= 0x40
        file.write_bytes(content)
    with TestClient(make_app(), headers={"X-API-Key": secret}) as client:
        answer = search(client, upload(client, scene((RED, 100, 60))))
        ready = client.get("/readyz")
    assert (ready.status_code, "without 1 damaged segment" in ready.text) == (200, True)
    assert len(answer["hits"]) == 2
    assert all(abs(hit["score"]) < 1.01 for hit in answer["hits"])
    (damaged,) = [gap for gap in answer["coverage"]["not_searched"] if gap["cause"] == "damaged"]
    assert "repair" in damaged["reason"]
    assert str(archive.gallery.data_dir) not in str(answer)


def test_counts_the_rest_by_reason(client: TestClient, archive: Archive, probe: Json) -> None:
    roof = archive.gallery.catalogue.camera_named("roof")
    filed = [NewRecording(roof.id, f"/m/{i}", f"{i}.mp4", False, NOON) for i in range(50)]
    archive.gallery.jobs.file(filed)
    for i in range(12):
        claim = archive.gallery.jobs.claim("worker", lease_seconds=100)
        assert claim is not None
        archive.gallery.jobs.finish(claim, state="failed", reason="empty" if i % 2 else "no video")
    rest = {gap for gap in gaps(search(client, probe)) if "more" in gap[0]}
    assert sum(int(what.split()[0]) for what, _ in rest) == 30
    assert {reason for _, reason in rest} <= {
        "waiting to be indexed", "indexing failed: empty", "indexing failed: no video",
    }  # fmt: skip


def test_lists_many_stretches_up_to_a_limit_and_counts_the_rest(
    client: TestClient, archive: Archive, probe: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverage, "_LISTED", 0)
    monkeypatch.setattr(coverage, "_LEAST", 2)
    parts = [(2_000_000 * i, 2_000_000 * i + 500_000) for i in range(5)]
    index(archive, "roof", NOON, [], seconds=9, intervals=parts)
    (roof,) = search(client, probe, cameras=["roof"])["coverage"]["cameras"]
    assert [one["start"] for one in roof["intervals"]] == ["2026-03-01T12:00:00Z", "2026-03-01T12:00:02Z"]
    assert [len(roof[name]) for name in ("missing", "unindexed")] == [2, 0]
    assert [roof[f"more_{name}"] for name in ("intervals", "missing", "unindexed")] == [3, 2, 0]


def test_searches_recorded_before_stretches_were_told_stay_readable(
    client: TestClient, archive: Archive, probe: Json
) -> None:
    answer = search(client, probe, cameras=["gate"])
    with closing(sqlite3.connect(archive.gallery.data_dir / "gallery.sqlite3")) as database, database:
        for name in ("intervals", "more_intervals", "time_zone", "unindexed", "more_unindexed"):
            path = f"$.cameras[0].{name}"
            database.execute("UPDATE search SET coverage = json_remove(coverage, ?)", [path])
    (gate,) = client.get(f"/v1/searches/{answer['id']}").json()["coverage"]["cameras"]
    assert (gate["intervals"], gate["unindexed"], gate["seconds"]) == (None, [], 5.0)


def test_an_empty_gallery_answers_that_it_is_empty(client: TestClient, archive: Archive, probe: Json) -> None:
    for video in archive.videos.values():
        archive.gallery.erase_video(video.id)
    answer = search(client, probe)
    assert answer["hits"] == []
    assert answer["coverage"]["tracklets_compared"] == 0
    assert all(camera["videos"] == 0 for camera in answer["coverage"]["cameras"])


def test_leaves_out_what_was_erased_since(client: TestClient, archive: Archive, probe: Json) -> None:
    answer = search(client, probe)
    archive.gallery.erase_video(archive.videos["yard"].id)
    again = client.get(f"/v1/searches/{answer['id']}").json()
    assert {hit["camera"]["name"] for hit in again["hits"]} == {"gate"}
    assert "2 hits of this page were erased since the search." in again["warnings"]


def test_writes_down_who_asked_what(client: TestClient, archive: Archive, probe: Json) -> None:
    answer = search(client, probe, cameras=["gate"], limit=7)
    (event,) = archive.gallery.audit.events(action="search")
    assert event.subject == answer["id"]
    assert event.key_id == archive.gallery.keys.list()[0].id
    assert event.detail["query"]["filters"]["cameras"] == ["gate"]
    assert event.detail["query"]["probe"]["id"] == probe["id"]
    client.get(f"/v1/searches/{answer['id']}")
    assert archive.gallery.audit.events(limit=1)[0].action == "search.read"


def test_no_answer_leaves_without_its_record(client: TestClient, archive: Archive, probe: Json) -> None:
    file = archive.gallery.data_dir / "gallery.sqlite3"
    with sqlite3.connect(file) as database:
        database.execute(
            "CREATE TRIGGER full BEFORE INSERT ON audit_event BEGIN SELECT RAISE(FAIL, 'full'); END"
        )
    answer = client.post("/v1/searches", json={"probes": [{"probe_id": probe["id"]}]})
    assert answer.status_code in {500, 503}
    assert "hits" not in answer.json()
    with sqlite3.connect(file) as database:
        assert database.execute("SELECT count(*) FROM search").fetchone() == (0,)


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
