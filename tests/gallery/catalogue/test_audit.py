import math
from datetime import UTC, datetime
from typing import Any

import pytest

from gallery.catalogue.audit import MAX_EVENTS
from gallery.errors import InvalidInput
from gallery.gallery import Gallery
from gallery.sql.chain import add_event


def test_events_come_newest_first(gallery: Gallery) -> None:
    before = datetime.now(UTC)
    gallery.audit.record("first")
    gallery.audit.record("second", key_id="k", subject="s", detail={"n": [1, {"x": None}]})
    second, first = gallery.audit.events()
    assert (first.action, first.key_id, first.subject, first.detail) == ("first", None, None, {})
    assert (second.action, second.key_id, second.subject) == ("second", "k", "s")
    assert second.detail == {"n": [1, {"x": None}]}
    assert before <= first.at <= second.at <= datetime.now(UTC)
    assert first.id < second.id


def test_filters_and_pages(gallery: Gallery) -> None:
    for number in range(5):
        gallery.audit.record("odd" if number % 2 else "even", key_id=f"k{number % 3}", subject=str(number))
    assert [event.subject for event in gallery.audit.events(action="even")] == ["4", "2", "0"]
    assert [event.subject for event in gallery.audit.events(key_id="k1")] == ["4", "1"]
    assert [event.subject for event in gallery.audit.events(subject="3", action="odd")] == ["3"]
    page = gallery.audit.events(limit=2)
    rest = gallery.audit.events(limit=2, before=page[-1].id)
    assert [event.subject for event in (*page, *rest)] == ["4", "3", "2", "1"]


def test_an_event_stands_and_falls_with_the_callers_transaction(gallery: Gallery) -> None:
    def record_and_break() -> None:
        with gallery._database.write() as session:
            add_event(session, "lost")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        record_and_break()
    with gallery._database.write() as session:
        add_event(session, "kept")
    assert [event.action for event in gallery.audit.events()] == ["kept"]


def test_there_is_no_way_to_change_an_event(gallery: Gallery) -> None:
    reading = {"events", "about", "trail", "anchor", "anchor_at", "verify", "prunable"}
    assert {name for name in dir(gallery.audit) if not name.startswith("_")} == {"record", "prune", *reading}


def test_values_that_cannot_be_stored(gallery: Gallery, subtests: pytest.Subtests) -> None:
    hostile: list[dict[str, Any]] = [
        {"action": ""},
        {"action": "a\0"},
        {"action": "x" * 101},
        {"key_id": "x" * 33},
        {"subject": "\ud800"},
        {"subject": "x" * 1001},
        {"detail": {"a": math.nan}},
        {"detail": {"a": object()}},
        {"detail": {"a": "\0"}},
        {"detail": ["a"]},
    ]
    for values in hostile:
        with subtests.test(values=values), pytest.raises(InvalidInput):
            gallery.audit.record(**{"action": "hostile", **values})
    assert gallery.audit.events() == []


def test_text_is_data(gallery: Gallery) -> None:
    subject = "'); DELETE FROM audit_event; -- \\u0000 %s 北门"
    gallery.audit.record("search", subject=subject, detail={subject: subject})
    (event,) = gallery.audit.events(subject=subject)
    assert event.detail == {subject: subject}


def test_questions_that_cannot_be_asked(gallery: Gallery, subtests: pytest.Subtests) -> None:
    hostile: list[dict[str, Any]] = [
        {"limit": 0},
        {"limit": -1},
        {"limit": MAX_EVENTS + 1},
        {"before": -1},
        {"before": 2**70},
        {"subject": "\0"},
        {"action": "\ud800"},
        {"key_id": ""},
    ]
    for values in hostile:
        with subtests.test(values=values), pytest.raises(InvalidInput):
            gallery.audit.events(**values)
