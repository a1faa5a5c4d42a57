"""The oldest events can be removed once they were noted elsewhere, and that is told; no other way is open."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from gallery import because
from gallery.catalogue.pruning import prunable
from gallery.errors import Conflict, Held
from gallery.gallery import Gallery
from gallery.records.access import Anchor
from gallery.records.erasure import HoldKind
from tests.gallery.catalogue.test_chain import drop_triggers, execute

SOON = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def recorded(gallery: Gallery) -> Gallery:
    for number in range(6):
        gallery.audit.record(f"action-{number}", subject=f"s{number}")
    return gallery


def ids(gallery: Gallery) -> list[int]:
    return [event.id for event in gallery.audit.trail()]


def test_what_was_noted_can_go_and_the_rest_is_still_a_chain(recorded: Gallery) -> None:
    audit = recorded.audit
    older, noted, end = audit.anchor_at(2), audit.anchor_at(4), audit.anchor()
    assert audit.prunable(noted, SOON).events == 4
    assert len(ids(recorded)) == 6, "nothing is removed by looking"
    with because(purpose="a year is over"):
        gone = audit.prune(noted, SOON, key_id="k", exported="ab" * 32)
    assert (gone.events, gone.up_to, ids(recorded)) == (4, noted, [5, 6, 7])
    (told,) = audit.events(action="audit.prune")
    assert told.key_id == "k"
    assert told.detail == {
        "after": 0,
        "up_to": 4,
        "digest": noted.digest,
        "events": 4,
        "first_at": gone.first_at and gone.first_at.isoformat(),
        "last_at": gone.last_at and gone.last_at.isoformat(),
        "anchor": {"event": 4, "digest": noted.digest},
        "exported_sha256": "ab" * 32,
        "reason": {"purpose": "a year is over"},
    }
    report = audit.verify([older, noted, end, audit.anchor()])
    assert (report.events, report.broken_at) == (3, None)
    assert audit.verify([Anchor(4, "f" * 64)]).broken_at == 4, "what is hashed with is what was noted"
    assert audit.anchor_at(0) == audit.anchor_at(4) == noted
    assert audit.prune(noted, SOON).events == 0, "again, and nothing is left to go"
    assert len(audit.events(action="audit.prune")) == 1
    audit.record("later")
    assert audit.prune(audit.anchor_at(8), SOON).events == 4
    assert (ids(recorded), audit.verify().broken_at) == ([9], None)
    assert recorded.verify().problems == ()


def test_only_old_events_and_none_that_follow_a_young_one(recorded: Gallery) -> None:
    """Clocks are put back: what was recorded after a young event stays, however old it says it is."""
    drop_triggers(recorded)
    execute(recorded, "UPDATE audit_event SET at = :at WHERE id <> 3", at="2020-01-01 00:00:00+00:00")
    with pytest.raises(Conflict, match="broken at event 1"):
        recorded.audit.prunable(recorded.audit.anchor(), SOON)
    with recorded._database.read() as session:
        found = prunable(session, recorded.audit.anchor(), datetime(2021, 1, 1, tzinfo=UTC))
    assert (found.events, found.up_to.event) == (2, 2)


def test_nothing_goes_without_an_anchor_that_holds_or_under_a_legal_hold(recorded: Gallery) -> None:
    audit = recorded.audit
    for wrong in (Anchor(4, "f" * 64), Anchor(99, "f" * 64)):
        with pytest.raises(Conflict, match="is broken"):
            audit.prune(wrong, SOON)
    assert audit.prune(audit.anchor(), datetime(2020, 1, 1, tzinfo=UTC)).events == 0
    camera = recorded.catalogue.add_camera("gate")
    hold = recorded.holds.put(HoldKind.CAMERA, camera_id=camera.id, reason="a court")
    noted = audit.anchor()
    with pytest.raises(Held, match="legal hold"):
        audit.prune(noted, SOON)
    recorded.holds.lift(hold.id, reason="it ended")
    assert len(ids(recorded)) == 9
    assert audit.prune(noted, SOON).events == 8


def test_the_database_lets_go_of_nothing_else(recorded: Gallery) -> None:
    recorded.audit.prune(recorded.audit.anchor_at(3), SOON)
    for statement in (
        "DELETE FROM audit_event WHERE id = 5",
        "UPDATE audit_event SET subject = 'x'",
        "UPDATE audit_base SET event_id = 2",
        "UPDATE audit_base SET digest = 'x'",
        "DELETE FROM audit_base",
    ):
        with pytest.raises(DBAPIError, match=r"are kept as they are|only moves on"):
            execute(recorded, statement)
    assert recorded.verify().problems == ()


def test_events_that_went_without_being_told_are_missed(recorded: Gallery) -> None:
    """Who owns the database can move the beginning: the trail that is left has to tell of it."""
    digest = recorded.audit.anchor_at(2).digest
    execute(recorded, "INSERT INTO audit_base (id, event_id, digest) VALUES (1, 2, :d)", d=digest)
    execute(recorded, "DELETE FROM audit_event WHERE id <= 2")
    report = recorded.audit.verify()
    assert (report.broken_at, "no event tells" in str(report.reason)) == (2, True)
    assert any("audit trail is broken" in problem for problem in recorded.verify().problems)
