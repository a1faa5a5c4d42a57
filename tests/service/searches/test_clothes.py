"""Clothes change with days: the answer marks hits of other days, and never drops them."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from gallery import QueriedFilters, QueriedProbe, SearchQuery
from service.searches import clothes
from tests.service.conftest import NOON, Archive, upload
from tests.service.searches.asking import Json, ids, search
from tests.service.videos import GREEN, RED, scene

FILTERS = QueriedFilters(None, None, None, None)
hours = st.floats(-1000, 1000)


@pytest.fixture
def narrow(make_app: Callable[..., FastAPI], secret: str) -> Iterator[TestClient]:
    """A service whose horizon is half an hour: the yard saw people an hour after the gate."""
    app = make_app(clothes_horizon_hours=0.5)
    with TestClient(app, headers={"X-API-Key": secret}) as opened:
        yield opened


def at(client: TestClient, probe: Json, hours_after: float) -> Json:
    taken = (NOON + timedelta(hours=hours_after)).isoformat()
    return search(client, probe, probes=[{"probe_id": probe["id"], "taken_at": taken}])


def far(answer: Json) -> dict[str, bool]:
    return {hit["camera"]["name"]: hit["beyond_horizon"] for hit in answer["hits"]}


def test_hits_of_other_days_are_marked_and_stay(narrow: TestClient) -> None:
    probe = upload(narrow, scene((RED, 100, 60)))
    plain, dated, later = search(narrow, probe), at(narrow, probe, 0), at(narrow, probe, 24)

    assert far(dated) == {"gate": False, "yard": True}
    assert far(later) == {"gate": True, "yard": True}
    assert set(far(plain).values()) == {False}
    assert ids(plain) == ids(dated) == ids(later)
    (notice,) = dated["notices"]
    assert (notice["code"], notice["warns"], dated["horizon_hours"]) == ("clothes", True, 0.5)
    assert notice["text"] in dated["warnings"]
    assert notice["text"].startswith("2 of the hits were recorded more than 30 min")
    assert dated["probe"]["taken_at"].startswith("2026-03-01T12:00:00")
    assert narrow.get(f"/v1/searches/{dated['id']}").json() == dated


def test_without_a_time_the_span_that_was_searched_is_told(narrow: TestClient) -> None:
    probe = upload(narrow, scene((RED, 100, 60)))
    (notice,) = search(narrow, probe)["notices"]
    assert "span 1 h" in notice["text"]
    assert search(narrow, probe, cameras=["gate"])["notices"] == []
    assert search(narrow, probe, cameras=["roof"])["notices"] == []


def test_a_tracklet_has_its_own_time(narrow: TestClient, archive: Archive) -> None:
    seed = archive.tracklets["gate", RED]
    answer = narrow.post("/v1/searches", json={"probes": [{"tracklet_id": seed}]}).json()
    assert far(answer)["yard"]
    assert answer["probe"]["taken_at"].startswith("2026-03-01T12:00:00")


def test_several_photos_of_different_days_cover_each_its_own(narrow: TestClient) -> None:
    probes = [
        {"probe_id": upload(narrow, picture)["id"], "taken_at": (NOON + timedelta(hours=n)).isoformat()}
        for n, picture in enumerate((scene((RED, 100, 60)), scene((GREEN, 10, 60))))
    ]
    answer = narrow.post("/v1/searches", json={"probes": probes}).json()
    assert far(answer) == {"gate": False, "yard": False}
    assert answer["notices"] == []


def test_asked_again_the_time_and_the_setting_of_then_are_kept(narrow: TestClient) -> None:
    dated = at(narrow, upload(narrow, scene((RED, 100, 60))), 0)
    again = narrow.post(f"/v1/searches/{dated['id']}/again").json()
    assert far(again) == far(dated)
    assert again["probe"]["taken_at"] == dated["probe"]["taken_at"]


def test_it_can_be_switched_off(make_app: Callable[..., FastAPI], secret: str) -> None:
    with TestClient(make_app(clothes_horizon_hours=0), headers={"X-API-Key": secret}) as client:
        answer = at(client, upload(client, scene((RED, 100, 60))), 9999)
    assert (set(far(answer).values()), answer["notices"], answer["horizon_hours"]) == ({False}, [], None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"taken_at": "yesterday"},
        {"taken_at": "2026-03-01T12:00:00"},
        {"taken_at": 12},
        {"taken_at": "9999-12-31T23:59:59-23:00"},
    ],
)
def test_refuses_times_that_are_none(shared_client: TestClient, shared_probe: Json, wrong: Json) -> None:
    search(shared_client, shared_probe, 422, probes=[{"probe_id": shared_probe["id"], **wrong}])


def test_a_tracklet_cannot_be_given_another_time(shared_client: TestClient) -> None:
    wrong: dict[str, Any] = {"tracklet_id": "a" * 32 + "-0", "taken_at": NOON.isoformat()}
    answer = shared_client.post("/v1/searches", json={"probes": [wrong]})
    assert (answer.status_code, "belongs to a photo" in answer.text) == (422, True)


@given(taken=st.lists(hours, max_size=4), start=hours, length=st.floats(0, 50), horizon=st.floats(0, 100))
def test_far_is_far_from_every_photo(taken: list[float], start: float, length: float, horizon: float) -> None:
    """Against a plain count of each photo's distance."""
    first, *more = [QueriedProbe("p", 0, None, taken_at=NOON + timedelta(hours=one)) for one in taken] or [
        QueriedProbe("p", 0, None)
    ]
    begin = NOON + timedelta(hours=start)
    query = SearchQuery(first, FILTERS, 5, more=more, horizon_hours=horizon)
    begin_end = begin, begin + timedelta(hours=length)
    times = [one.taken_at for one in query.probes if one.taken_at]
    apart = [
        begin_end[0] - one if one < begin_end[0] else max(one - begin_end[1], timedelta()) for one in times
    ]
    expected = bool(times) and bool(horizon) and all(gap > timedelta(hours=horizon) for gap in apart)
    assert clothes.beyond(query, *begin_end) is expected
