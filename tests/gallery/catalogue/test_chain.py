"""The audit trail is a chain: what is changed in it, taken out or put in is found."""

import ast
import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from gallery.errors import StorageFull
from gallery.gallery import Gallery
from gallery.records.access import Anchor
from gallery.sql.chain import add_event
from gallery.trail import FIRST, digest_of

ROOT = Path(__file__).parents[3]
HARD_DETAILS: list[dict[str, Any]] = [
    {},
    {"z": 1, "a": {"y": [1.5, None, True], "b": "北门 \u2028 é"}},
    {"large": 1e20, "small": 1e-7, "whole": 3.0, "exact": 2**53 + 1, "third": 1 / 3, "none": -0.0},
    {"deep": [[[[{"x": []}]]]], "": "", "long": "x" * 5000},
]


def execute(gallery: Gallery, statement: str, **values: Any) -> None:
    with gallery._database.engine.begin() as connection:
        connection.execute(text(statement), values)


def drop_triggers(gallery: Gallery) -> None:
    """What somebody does who means to change the trail."""
    on = " ON audit_event" if gallery._database.is_postgresql else ""
    for what in ("update", "delete", *(["truncate"] if on else [])):
        name = f"audit_event_no_{what.upper()}"
        execute(gallery, f"DROP TRIGGER {name.lower() if on else name}{on}")


@pytest.fixture
def recorded(gallery: Gallery) -> Gallery:
    for number in range(6):
        gallery.audit.record(f"action-{number}", key_id="k", subject=f"s{number}", detail={"n": number})
    return gallery


def test_hard_values_come_back_as_they_were_hashed(gallery: Gallery) -> None:
    for detail in HARD_DETAILS:
        gallery.audit.record("hard", detail=detail)
    report = gallery.audit.verify()
    assert (report.events, report.broken_at, report.reason) == (len(HARD_DETAILS), None, None)
    assert report.last == gallery.audit.anchor()
    before = FIRST
    for event in gallery.audit.trail():
        assert event.digest == digest_of(before, event.id, event)
        before = event.digest


def test_an_empty_trail_is_whole(gallery: Gallery) -> None:
    report = gallery.audit.verify()
    assert (report.events, report.last, report.broken_at) == (0, None, None)
    assert gallery.audit.anchor() == Anchor(0, FIRST)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET subject = 'nobody' WHERE id = 3",
        "DELETE FROM audit_event WHERE id = 3",
        "DELETE FROM audit_event",
    ],
)
def test_the_database_refuses_to_change_events(recorded: Gallery, statement: str) -> None:
    with pytest.raises(DBAPIError, match="audit events are kept as they are"):
        execute(recorded, statement)
    if recorded._database.is_postgresql:
        with pytest.raises(DBAPIError, match="audit events are kept as they are"):
            execute(recorded, "TRUNCATE audit_event")
    assert recorded.audit.verify().events == 6
    assert recorded.audit.verify().broken_at is None


@pytest.mark.parametrize(
    ("tamper", "broken_at"),
    [
        ("UPDATE audit_event SET at = '2020-01-01 00:00:00+00:00' WHERE id = 3", 3),
        ("UPDATE audit_event SET key_id = NULL WHERE id = 3", 3),
        ("UPDATE audit_event SET action = 'other' WHERE id = 1", 1),
        ("UPDATE audit_event SET subject = 's4' WHERE id = 6", 6),
        ("""UPDATE audit_event SET detail = '{"n":9}' WHERE id = 2""", 2),
        (f"UPDATE audit_event SET digest = '{'a' * 64}' WHERE id = 4", 4),
        ("DELETE FROM audit_event WHERE id = 3", 4),
        ("DELETE FROM audit_event WHERE id = 1", 2),
        ("DELETE FROM audit_event WHERE id > 4", 4),
        ("UPDATE audit_event SET id = 9 WHERE id = 6", 9),
        (
            "INSERT INTO audit_event (id, at, action, detail, digest) SELECT 7, at, action, detail, digest "
            "FROM audit_event WHERE id = 6",
            7,
        ),
    ],
)
def test_the_first_event_that_was_touched_is_named(recorded: Gallery, tamper: str, broken_at: int) -> None:
    drop_triggers(recorded)
    execute(recorded, tamper.replace(":", r"\:"))
    report = recorded.audit.verify()
    assert report.broken_at == broken_at, report
    assert report.reason


def test_a_trail_that_was_written_anew_is_found_by_what_was_noted(recorded: Gallery) -> None:
    noted = [recorded.audit.anchor_at(2), recorded.audit.anchor()]
    drop_triggers(recorded)
    execute(recorded, "UPDATE audit_event SET subject = 'somebody else' WHERE id = 5")
    before = FIRST
    for event in list(recorded.audit.trail()):
        before = digest_of(before, event.id, event)
        execute(recorded, "UPDATE audit_event SET digest = :d WHERE id = :i", d=before, i=event.id)
    execute(recorded, "UPDATE audit_head SET digest = :d", d=before)
    assert recorded.audit.verify().broken_at is None, "whole in itself"
    assert recorded.audit.verify(noted[:1]).broken_at is None, "what was noted is older than the change"
    report = recorded.audit.verify(noted)
    assert (report.broken_at, "written anew" in str(report.reason)) == (6, True)
    later = recorded.audit.verify([Anchor(8, "a" * 64)])
    assert (later.broken_at, "is not there" in str(later.reason)) == (8, True)


def test_many_at_once_make_one_chain(gallery: Gallery) -> None:
    def record(number: int) -> None:
        gallery.audit.record("crowd", subject=str(number))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(record, range(80)))
    events = list(gallery.audit.trail())
    assert [event.id for event in events] == list(range(1, 81))
    assert sorted(int(event.subject or "") for event in events) == list(range(80))
    assert gallery.audit.verify().broken_at is None


def test_those_that_come_while_one_is_written_share_a_transaction(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, first, go_on, transactions = gallery._database.write, Event(), Event(), []

    @contextmanager
    def slow() -> Iterator[Session]:
        transactions.append(1)
        with write() as session:
            yield session
            first.set()
            assert go_on.wait(30)

    monkeypatch.setattr(gallery._database, "write", slow)
    with ThreadPoolExecutor(10) as pool:
        leader = pool.submit(gallery.audit.record, "leader")
        assert first.wait(30)
        others = [pool.submit(gallery.audit.record, "other", subject=str(n)) for n in range(9)]
        while len(gallery.audit._waiting) < 9:
            assert not any(one.done() for one in others)
        go_on.set()
        for one in (leader, *others):
            one.result(30)
    assert len(transactions) == 2
    assert gallery.audit.verify().events == 10
    assert gallery.audit.verify().broken_at is None


def test_all_of_a_transaction_that_fails_are_told(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> Any:
        raise StorageFull("the disk of the database is full")

    with monkeypatch.context() as patch:
        patch.setattr(gallery._database, "write", full)
        for _ in range(2):
            with pytest.raises(StorageFull):
                gallery.audit.record("lost")
    gallery.audit.record("kept")
    assert [event.action for event in gallery.audit.trail()] == ["kept"]


def test_events_of_one_transaction_follow_each_other_and_fall_together(gallery: Gallery) -> None:
    def broken() -> None:
        with gallery._database.write() as session:
            add_event(session, "lost")
            add_event(session, "lost too")
            raise ZeroDivisionError

    gallery.audit.record("first")
    with pytest.raises(ZeroDivisionError):
        broken()
    with gallery._database.write() as session:
        add_event(session, "second")
        add_event(session, "third")
    assert [event.action for event in gallery.audit.trail()] == ["first", "second", "third"]
    assert gallery.audit.verify().broken_at is None


def test_there_is_one_way_to_write_an_event_of_a_transaction() -> None:
    """It adds the reason, and the event stands in the transaction of what it tells of."""
    used: dict[str, set[str]] = {}
    for folder in ("gallery", "indexer", "service", "sightline"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                module = node.module if isinstance(node, ast.ImportFrom) else None
                names = {alias.name for alias in getattr(node, "names", ()) if isinstance(alias, ast.alias)}
                if module == "gallery.sql":
                    names &= {"chain"}
                if module in {"gallery.sql", "gallery.sql.chain"} and names:
                    used.setdefault(file.relative_to(ROOT).as_posix(), set()).update(names)
    others = {file: names for file, names in used.items() if not names <= {"add_event", "base_of"}}
    assert others == {"gallery/catalogue/audit.py": {"chain"}, "gallery/sql/database.py": {"chain"}}
    assert {"gallery/jobs/jobs.py", "gallery/jobs/webhooks.py", "gallery/jobs/watching.py"} <= used.keys()


def test_what_cannot_be_stored_is_refused_before_it_waits(gallery: Gallery) -> None:
    refused: Callable[[], None] = lambda: gallery.audit.record("a", detail={"x": math.inf})  # noqa: E731
    with pytest.raises(Exception, match="detail"):
        refused()
    assert gallery.audit.verify().events == 0
