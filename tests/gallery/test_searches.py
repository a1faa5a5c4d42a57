import math
from typing import Any

import pytest
from sqlalchemy import func, select, text

from gallery.errors import InvalidInput, NotFound
from gallery.gallery import Gallery
from gallery.records.searches import SearchInfo
from gallery.sql.tables import Search

MODEL = "e" * 64
HITS = [{"tracklet_id": f"{'a' * 32}-{number}", "score": 0.9 - number / 10} for number in range(3)]


def add(gallery: Gallery, **changes: Any) -> SearchInfo:
    values: dict[str, Any] = {
        "key_id": "k",
        "query": {"probe": "p", "filters": {"cameras": ["door"], "start": None}},
        "model_id": MODEL,
        "change": 7,
        "coverage": {"cameras": [], "tracklets_compared": 3},
        "hits": HITS,
    }
    return gallery.searches.add(**{**values, **changes})


def test_a_search_can_be_read_again(gallery: Gallery) -> None:
    search = add(gallery)
    assert gallery.searches.get(search.id) == search
    assert (search.key_id, search.model_id, search.change) == ("k", MODEL, 7)
    assert search.query == {"probe": "p", "filters": {"cameras": ["door"], "start": None}}
    assert list(search.hits) == HITS
    assert search.coverage == {"cameras": [], "tracklets_compared": 3}


def test_an_empty_gallery_can_be_searched(gallery: Gallery) -> None:
    search = add(gallery, key_id=None, change=0, hits=[], coverage={})
    assert gallery.searches.get(search.id).hits == []


def test_what_was_answered_does_not_change_with_what_was_passed_in(gallery: Gallery) -> None:
    hits = [dict(hit) for hit in HITS]
    search = add(gallery, hits=hits)
    hits[0]["score"] = 0.0
    hits.clear()
    assert gallery.searches.get(search.id).hits == HITS


def test_every_search_is_recorded(gallery: Gallery) -> None:
    search = add(gallery)
    (event,) = gallery.audit.events()
    assert (event.action, event.key_id, event.subject) == ("search", "k", search.id)
    assert event.detail == {"query": search.query, "model_id": MODEL, "change": 7, "hits": 3}


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
        {"query": {"a": math.nan}},
        {"query": {"a": "\0"}},
        {"query": ["a"]},
        {"model_id": ""},
        {"model_id": "x" * 65},
        {"model_id": "\0"},
        {"change": -1},
        {"change": 2**63},
        {"coverage": {"seconds": math.inf}},
        {"hits": {}},
        {"hits": [{"score": math.nan}]},
        {"hits": [{"id": "\ud800"}]},
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
