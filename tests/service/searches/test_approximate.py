"""Answers of galleries so large that clusters are looked at: here they miss the best of each camera."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from gallery.vectors.block import Rows
from service.answer_schemas import CoverageOut
from service.evidence.report import _compared
from service.searches.searching import _percent
from tests.service.searches.asking import ids, search

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def clusters(monkeypatch: pytest.MonkeyPatch) -> None:
    def miss(rows: Rows, query: Any, count: int, mask: Any, _marked: int) -> Any:
        found = rows.nearest_each(query, count, mask)
        return {camera: (scores[1:], places[1:]) for camera, (scores, places) in found.items()}, 0.9785

    monkeypatch.setattr(Rows, "nearest_about", miss)


def test_the_answer_says_what_it_may_miss(client: TestClient, probe: Json) -> None:
    exact, near = search(client, probe, exact=True), search(client, probe)

    assert ids(near) == [one for one in ids(exact) if one in ids(near)]
    assert len(near["hits"]) < len(exact["hits"])
    told = {key: near["coverage"][key] for key in ("exact", "recall", "tracklets_approximate")}
    assert told == {"exact": False, "recall": 0.9785, "tracklets_approximate": len(exact["hits"])}
    (notice,) = [one for one in near["notices"] if one["code"] == "approximate"]
    assert "97.8 % of the best" in notice["text"]
    assert notice["text"] in near["warnings"]
    told = {key: exact["coverage"][key] for key in told}
    assert told == {"exact": True, "recall": 1.0, "tracklets_approximate": 0}
    assert "approximate" not in {one["code"] for one in exact["notices"]}


def test_pages_are_those_of_one_answer(client: TestClient, probe: Json) -> None:
    whole = search(client, probe)
    first = search(client, probe, limit=1)
    rest = client.get(f"/v1/searches/{first['id']}?cursor={first['next_cursor']}&limit=100").json()
    assert ids(first) + ids(rest) == ids(whole)
    assert rest["coverage"] == first["coverage"]


def test_asked_again_on_its_snapshot_it_is_exact(client: TestClient, probe: Json) -> None:
    near, exact = search(client, probe), search(client, probe, exact=True)
    again = client.post(f"/v1/searches/{near['id']}/again", json={"on": "snapshot"}).json()
    assert ids(again) == ids(exact)
    assert again["coverage"]["exact"]
    assert again["coverage"]["recall"] == 1.0
    (notice,) = [one for one in again["notices"] if one["code"] == "order_changed"]
    assert "missed then" in notice["text"]
    same = client.post(f"/v1/searches/{exact['id']}/again", json={"on": "snapshot"}).json()
    assert same["repeats"]["same_ranking"]


def test_asked_again_now_it_is_as_exact_as_it_was(client: TestClient, probe: Json) -> None:
    for wanted in (False, True):
        first = search(client, probe, exact=wanted)
        again = client.post(f"/v1/searches/{first['id']}/again", json={"on": "now"}).json()
        assert again["coverage"]["exact"] is wanted
        assert ids(again) == ids(first)


def test_no_more_is_claimed_than_was_measured() -> None:
    assert [_percent(one) for one in (0.99, 0.99999, 0.9785, 0.5)] == ["99", "99.9", "97.8", "50"]


def test_a_package_says_it_too(client: TestClient, probe: Json) -> None:
    near, exact = search(client, probe), search(client, probe, exact=True)
    told = [_compared(CoverageOut.model_validate(one["coverage"])) for one in (near, exact)]
    assert told[0].endswith("approximately: measured, that finds at least 0.9785 of the best.")
    assert told[1] == f"{exact['coverage']['tracklets_compared']} tracklets were compared."
