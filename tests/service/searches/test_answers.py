"""Recorded answers: pages that never shift, nothing without a record."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from hashlib import sha256

import pytest
from starlette.testclient import TestClient

from service.searches import questions
from tests.service.conftest import NOON, Archive, index
from tests.service.searches.asking import Json, ids, search
from tests.service.videos import RED


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


def test_keeps_as_many_hits_as_asked_for(
    client: TestClient, archive: Archive, probe: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "KEPT", 1)  # of a search that is asked again, unless it has more
    first = search(client, probe, limit=1, keep=3)
    url, cursor, found = f"/v1/searches/{first['id']}", first["next_cursor"], ids(first)
    while cursor:
        page = client.get(url, params={"cursor": cursor}).json()
        cursor, found = page["next_cursor"], found + ids(page)
    assert found == ids(search(client, probe))[:3]
    assert search(client, probe, limit=3, keep=1)["next_cursor"] is None
    again = client.post(f"{url}/again").json()
    assert ids(client.get(f"/v1/searches/{again['id']}", params={"limit": 10}).json()) == found


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


def test_leaves_out_what_was_erased_since(client: TestClient, archive: Archive, probe: Json) -> None:
    answer = search(client, probe)
    archive.gallery.erase_video(archive.videos["yard"].id)
    again = client.get(f"/v1/searches/{answer['id']}").json()
    assert {hit["camera"]["name"] for hit in again["hits"]} == {"gate"}
    assert "2 hits of this page were erased since the search." in again["warnings"]
    assert "hits_erased" in {notice["code"] for notice in again["notices"]}


def test_writes_down_who_asked_what(client: TestClient, archive: Archive, probe: Json) -> None:
    answer = search(client, probe, cameras=["gate"], limit=7)
    (event,) = archive.gallery.audit.events(action="search")
    assert event.subject == answer["id"]
    assert event.key_id == archive.gallery.keys.list()[0].id
    assert event.detail["query"]["filters"]["cameras"] == ["gate"]
    assert event.detail["query"]["probe"]["id"] == probe["id"]
    photo = client.get(f"/v1/probes/{probe['id']}/image").content
    assert event.detail["photos"] == {probe["id"]: sha256(photo).hexdigest()}
    client.get(f"/v1/searches/{answer['id']}")
    client.get(f"/v1/searches/{answer['id']}", params={"limit": 1})
    small, read = archive.gallery.audit.events(action="search.read", limit=2)
    assert (read.detail, small.detail) == (
        {"offset": 0, "hits": len(answer["hits"])},
        {"offset": 0, "hits": 1},
    )


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
