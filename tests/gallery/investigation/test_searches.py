import json
import math
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import func, select, text

from gallery.errors import InvalidInput, NotFound
from gallery.gallery import Gallery
from gallery.records.notices import Notice, NoticeCode
from gallery.records.searches import (
    IgnoredFor,
    IgnoredPerson,
    NewSearch,
    QueriedFilters,
    QueriedProbe,
    RecordedHit,
    SearchCalibration,
    SearchInfo,
    SearchQuery,
    SelectedBy,
    Selection,
)
from gallery.sql.tables import Search

MODEL = "e" * 64
HITS = [RecordedHit(f"{'a' * 32}-{number}", 0.9 - number / 10, number) for number in range(3)]
START = datetime(2024, 5, 1, 12, tzinfo=UTC)
QUERY = SearchQuery(
    QueriedProbe("p", None, (1.0, 2.0, 3.0, 4.5), taken_at=START),
    QueriedFilters(["door"], None, START, None),
    limit=20,
    more=[],
)
SEARCH = NewSearch(
    key_id="k",
    query=QUERY,
    model_id=MODEL,
    model_name="net",
    model_warning=None,
    change=7,
    coverage={"cameras": [], "tracklets_compared": 3},
    calibration=SearchCalibration(
        calibrated=True, learnt_from="some", line=0.5, credible=1, wrong_expected=0.1
    ),
    warnings=["blurred"],
    hits=HITS,
    selections=[
        Selection(
            SelectedBy.BOX,
            2,
            [IgnoredPerson(1, (1.0, 2.0, 3.0, 4.0), IgnoredFor.NOT_CHOSEN)],
            [Notice(NoticeCode.OWN_BOX, "It was drawn.", warns=False)],
        )
    ],
    notices=[Notice(NoticeCode.CLOTHES, "It was days ago.")],
)


def add(gallery: Gallery, **changes: Any) -> SearchInfo:
    return gallery.searches.add(replace(SEARCH, **changes))


def test_a_search_can_be_read_again(gallery: Gallery) -> None:
    search = add(gallery)
    assert gallery.searches.get(search.id) == search
    assert {name: getattr(search, name) for name in NewSearch.__slots__} == {
        name: getattr(SEARCH, name) for name in NewSearch.__slots__
    }


def test_an_empty_gallery_can_be_searched(gallery: Gallery) -> None:
    search = add(gallery, key_id=None, change=0, hits=[], coverage={})
    assert gallery.searches.get(search.id).hits == []


def test_what_was_answered_does_not_change_with_what_was_passed_in(gallery: Gallery) -> None:
    hits = [*HITS]
    search = add(gallery, hits=hits)
    hits.clear()
    assert gallery.searches.get(search.id).hits == HITS


def test_every_search_is_recorded(gallery: Gallery) -> None:
    search = add(gallery)
    (event,) = gallery.audit.events()
    assert (event.action, event.key_id, event.subject) == ("search", "k", search.id)
    asked = event.detail.pop("query")  # type: ignore[attr-defined]
    assert asked["filters"] == {
        "cameras": ["door"],
        "sites": None,
        "start": "2024-05-01T12:00:00+00:00",
        "end": None,
        "camera_ids": None,
    }
    said = json.dumps([[hit.tracklet_id, hit.score] for hit in search.hits], separators=(",", ":"))
    assert event.detail == {
        "model_id": MODEL,
        "change": 7,
        "cameras": None,
        "hits": 3,
        "answer": sha256(said.encode()).hexdigest(),
        "photos": {},
    }
    add(gallery, hits=HITS[::-1])
    assert gallery.audit.events(limit=1)[0].detail["answer"] != event.detail["answer"], "the order counts"
    assert gallery.audit.verify().broken_at is None


def test_no_answer_without_its_audit_event(gallery: Gallery) -> None:
    with gallery._database.write() as session:
        session.execute(text("DROP TABLE audit_event"))
    with pytest.raises(Exception, match="audit_event"):
        add(gallery)
    with gallery._database.read() as session:
        assert session.scalar(select(func.count()).select_from(Search)) == 0


def test_values_that_cannot_be_stored(gallery: Gallery, subtests: pytest.Subtests) -> None:
    hostile: list[dict[str, Any]] = [
        {"key_id": "x" * 33},
        {"query": replace(QUERY, probe=QueriedProbe("\0", None, None))},
        {"query": replace(QUERY, probe=QueriedProbe("p", None, (0.0, 0.0, math.nan, 1.0)))},
        {"model_id": ""},
        {"model_id": "x" * 65},
        {"model_id": "\0"},
        {"change": -1},
        {"change": 2**63},
        {"coverage": {"seconds": math.inf}},
        {"warnings": ["\0"]},
        {"model_name": ""},
        {"hits": [RecordedHit("a", math.nan, 0)]},
        {"hits": [RecordedHit("\ud800", 0.5, 0)]},
    ]
    for values in hostile:
        with subtests.test(values=values), pytest.raises(InvalidInput):
            add(gallery, **values)
    with gallery._database.read() as session:
        assert session.scalar(select(func.count()).select_from(Search)) == 0
    assert gallery.audit.events() == []


def test_ids_of_nothing(gallery: Gallery, subtests: pytest.Subtests) -> None:
    for search_id in ["", "f" * 32, "\0" * 32, "../x", "\ud800", "x" * 10_000]:
        with subtests.test(search_id=search_id), pytest.raises(NotFound):
            gallery.searches.get(search_id)
