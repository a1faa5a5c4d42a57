"""Rules of retention: what they take, what they leave, and whose clock they go by."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gallery.erasure import retention
from gallery.errors import InvalidInput, NotFound
from gallery.gallery import Gallery
from gallery.records.erasure import ErasureKind, ErasureTarget, HoldKind, RetentionKind
from tests.gallery.erasure.test_erasure import searched, visible
from tests.gallery.making import START, make_tracklets, store


def test_rules_take_the_oldest_leave_what_is_held_and_say_so(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    yard = gallery.catalogue.add_camera("yard")
    held, old, older, of_yard, young = (
        store(gallery, name, make_tracklets(place, 1), camera=camera, start=now - timedelta(days=days))
        for place, (name, days, camera) in enumerate(
            [
                ("held", 50, None),
                ("old", 20, None),
                ("older", 30, None),
                ("yard", 20, yard),
                ("young", 2, None),
            ]
        )
    )
    search = searched(gallery, [f"{young.id}-0"])
    hold = gallery.holds.put(HoldKind.RECORDING, video_id=held.id, reason="court")
    rules = gallery.retention
    assert gallery.erasures.follow_rules() is None
    rules.set(RetentionKind.RECORDINGS, 10)
    rules.set(RetentionKind.RECORDINGS, 25, camera_id=yard.id)
    rules.set(RetentionKind.SEARCHES, 1)
    monkeypatch.setattr(retention, "AT_ONCE", 1)
    planned = gallery.erasures.plan(ErasureTarget(kind=ErasureKind.RETENTION))
    assert [one.id for one in planned.recordings] == [older.id]
    assert [one.id for one in planned.held] == [held.id]
    first, second = gallery.erasures.follow_rules(), gallery.erasures.follow_rules()
    assert first is not None
    assert second is not None
    assert [one["id"] for one in second.certificate["erased"]["recordings"]] == [old.id]
    assert second.certificate["held"][0]["hold"] == hold.id
    assert second.certificate["rule"]["by"] == "rules of retention"
    assert gallery.erasures.follow_rules() is None  # the held one is due for ever, and writes nothing
    assert {name.partition("-")[0] for name in visible(gallery)} == {held.id, of_yard.id, young.id}
    assert gallery.searches.get(search.id)  # made today

    def later(_session: Any) -> datetime:
        return now + timedelta(days=3)

    monkeypatch.setattr(retention, "current_time", later)  # the database's clock decides, not ours
    gallery.holds.lift(hold.id, reason="over")
    done = gallery.erasures.follow_rules()
    assert done is not None
    assert done.certificate["erased"]["searches"] == [search.id]
    events = [event.action for event in gallery.audit.events(subject=search.id)]
    assert events[0] == "search.erase"


def test_rules_are_changed_on_record_and_nonsense_is_refused(sqlite_gallery: Gallery) -> None:
    rules = sqlite_gallery.retention
    rules.set(RetentionKind.PROBES, 30, key_id="k")
    changed = rules.set(RetentionKind.PROBES, 7)
    assert [(rule.kind, rule.days, rule.key_id) for rule in rules.list()] == [("probes", 7, None)]
    event = sqlite_gallery.audit.events(action="retention.set")[0]
    assert (event.detail["days"], event.detail["was"]) == (changed.days, 30)
    rules.remove(RetentionKind.PROBES)
    with pytest.raises(NotFound):
        rules.remove(RetentionKind.PROBES)
    with pytest.raises(NotFound):
        rules.set(RetentionKind.RECORDINGS, 3, camera_id=99)
    for kind, days, camera in (
        ("probes", 0, None),
        ("probes", 3, 1),
        ("cases", 3, None),
        ("probes", 10**9, None),
    ):
        with pytest.raises(InvalidInput):
            rules.set(kind, days, camera_id=camera)  # type: ignore[arg-type]
    tried = {"kind": "recordings", "camera_id": None, "days": 1}
    target = ErasureTarget(kind=ErasureKind.RETENTION, about={"rule": tried})
    with pytest.raises(InvalidInput, match="only be tried"):
        sqlite_gallery.erasures.erase(target)
    store(sqlite_gallery, 1, make_tracklets(1, 1), start=START)
    plan = sqlite_gallery.erasures.plan(target)
    assert len(plan.recordings) == 1
    assert sqlite_gallery.retention.list() == []
