"""Cases on both databases: what they gather, whose they are, and what they keep of what is erased."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gallery.errors import Conflict, InvalidInput, NotFound
from gallery.gallery import Gallery
from gallery.investigation.cases import digest_of
from gallery.records.cases import CaseInfo, ItemKind
from gallery.records.marks import Verdict
from gallery.records.probes import ProbeInfo
from gallery.records.searches import (
    QueriedFilters,
    QueriedProbe,
    RecordedHit,
    Refinement,
    SearchInfo,
    SearchQuery,
)
from tests.gallery.investigation.test_searches import SEARCH
from tests.gallery.making import make_tracklets, store


def photo(gallery: Gallery, key_id: str | None = "k") -> ProbeInfo:
    return gallery.probes.add(b"photo", "image/png", 10, 10, [], key_id)


def searched(
    gallery: Gallery,
    probe: ProbeInfo | None = None,
    hits: list[str] | None = None,
    key: str | None = "k",
    more: Sequence[str] = (),
) -> SearchInfo:
    queried = QueriedProbe(None if probe is None else probe.id, None, None)
    filters = QueriedFilters(None, None, None, None)
    query = SearchQuery(queried, filters, limit=20, more=[QueriedProbe(one, None, None) for one in more])
    found = [RecordedHit(one, 0.5, 0) for one in hits or []]
    return gallery.searches.add(replace(SEARCH, query=query, hits=found, key_id=key))


def actions(gallery: Gallery, case: CaseInfo) -> list[str]:
    return [event.action for event in reversed(gallery.audit.events(subject=case.id))]


def test_a_case_is_opened_changed_and_removed(gallery: Gallery) -> None:
    case = gallery.cases.add("Theft at the gate", number="2026/17", purpose="To find the bag", key_id="k")
    assert gallery.cases.get(case.id) == replace(case, items=[], notes=[])
    changed = gallery.cases.change(case.id, number=None, title="Theft", key_id="k")
    assert (changed.title, changed.number, changed.purpose) == ("Theft", None, "To find the bag")
    noted = gallery.cases.note(case.id, "Seen by the guard.\nTwice.", key_id="k")
    assert [(one.kind, one.text, one.key_id) for one in noted.notes] == [
        ("edited", "title was: Theft at the gate\nnumber was: 2026/17", "k"),
        ("note", "Seen by the guard.\nTwice.", "k"),
    ]
    assert gallery.cases.change(case.id, title="Theft").notes == noted.notes, "nothing was changed"
    gallery.cases.remove(case.id, key_id="k")
    with pytest.raises(NotFound):
        gallery.cases.get(case.id)
    assert actions(gallery, case) == ["case.add", "case.edit", "case.note", "case.edit", "case.delete"]
    added, edited, said, _, deleted = reversed(gallery.audit.events(subject=case.id))
    first = {"title": "Theft at the gate", "number": "2026/17", "purpose": "To find the bag"}
    then = {**first, "title": "Theft", "number": None}
    assert added.detail == {"sha256": digest_of(first)}, "who has the text can show that it was this"
    assert edited.detail == {
        "changed": ["title", "number"],
        "sha256_before": digest_of(first),
        "sha256": digest_of(then),
    }
    assert said.detail == {"sha256": digest_of("Seen by the guard.\nTwice.")}
    assert deleted.detail == {
        "sha256": digest_of(then),
        "notes_sha256": digest_of([one.text for one in noted.notes]),
    }
    assert "Theft" not in str([event.detail for event in gallery.audit.events(subject=case.id)])


@pytest.mark.parametrize(
    ("field", "value"),
    [("title", ""), ("title", "x" * 201), ("title", "a\0b"), ("number", "x" * 101), ("purpose", "\ud800")],
)
def test_what_cannot_be_stored_is_refused(gallery: Gallery, field: str, value: str) -> None:
    with pytest.raises(InvalidInput):
        gallery.cases.add(**{"title": "fine", field: value})
    case = gallery.cases.add("fine")
    with pytest.raises(InvalidInput):
        gallery.cases.change(case.id, **{field: value})
    with pytest.raises(InvalidInput):
        gallery.cases.note(case.id, value if len(value) < 100 else "x" * 10_001)
    with pytest.raises(InvalidInput):
        gallery.cases.change(case.id, key="k")  # type: ignore[call-arg]
    assert gallery.cases.get(case.id) == replace(case, items=[], notes=[])


def test_a_search_brings_its_photo_along_and_nothing_comes_twice(gallery: Gallery) -> None:
    case = gallery.cases.add("case", key_id="k")
    one, other = photo(gallery), photo(gallery)
    search = searched(gallery, one, more=[other.id, "0" * 32])
    gallery.cases.put(case.id, ItemKind.SEARCH, search.id, key_id="k")
    gallery.cases.put(case.id, ItemKind.PHOTO, one.id, key_id="k")
    found = gallery.cases.put(case.id, ItemKind.SEARCH, search.id, key_id="k")
    assert [(item.kind, item.subject_id) for item in found.items] == [
        (ItemKind.SEARCH, search.id),
        (ItemKind.PHOTO, one.id),
        (ItemKind.PHOTO, other.id),
    ]
    assert (found.of(ItemKind.SEARCH), found.of(ItemKind.PHOTO)) == ([search.id], [one.id, other.id])
    assert len(gallery.cases.take(case.id, one.id, key_id="k").items) == 2
    with pytest.raises(NotFound):
        gallery.cases.take(case.id, one.id)
    assert actions(gallery, case) == ["case.add", "case.put", "case.put", "case.put", "case.take"]


def test_nothing_of_another_key_comes_into_a_case(gallery: Gallery) -> None:
    case = gallery.cases.add("case", key_id="k")
    for kind, subject in (
        (ItemKind.SEARCH, searched(gallery, key="other").id),
        (ItemKind.SEARCH, searched(gallery, key=None).id),
        (ItemKind.PHOTO, photo(gallery, "other").id),
        (ItemKind.PHOTO, searched(gallery).id),
        (ItemKind.SEARCH, "0" * 32),
        (ItemKind.SEARCH, "../x"),
    ):
        with pytest.raises(NotFound):
            gallery.cases.put(case.id, kind, subject)
    with pytest.raises(NotFound):
        gallery.cases.put("0" * 32, ItemKind.PHOTO, photo(gallery).id)
    assert gallery.cases.get(case.id).items == []


def test_a_case_has_an_end(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gallery.investigation.cases.MAX_ITEMS", 1)
    monkeypatch.setattr("gallery.investigation.cases.MAX_NOTES", 1)
    case = gallery.cases.add("case", key_id="k")
    gallery.cases.put(case.id, ItemKind.PHOTO, photo(gallery).id)
    gallery.cases.note(case.id, "one")
    with pytest.raises(Conflict):
        gallery.cases.put(case.id, ItemKind.PHOTO, photo(gallery).id)
    with pytest.raises(Conflict):
        gallery.cases.note(case.id, "two")


def test_each_key_lists_its_own_and_pages_do_not_shift(gallery: Gallery) -> None:
    own = [gallery.cases.add(f"case {number}", key_id="k") for number in range(5)]
    gallery.cases.add("somebody else's", key_id="other")
    first = gallery.cases.list(key_id="k", limit=2)
    gallery.cases.add("newer", key_id="k")
    second = gallery.cases.list(key_id="k", after=first[-1].id, limit=10)
    assert [case.id for case in [*first, *second]] == [case.id for case in reversed(own)]
    assert len(gallery.cases.list(everybody=True, limit=100)) == 7
    assert gallery.cases.list(key_id=None) == []
    with pytest.raises(NotFound):
        gallery.cases.list(key_id="k", after="0" * 32)
    with pytest.raises(InvalidInput):
        gallery.cases.list(limit=0)


def test_a_case_keeps_a_note_that_something_was_erased(gallery: Gallery) -> None:
    """Photos deleted or expired, marked hits of recordings; the note does not say of which."""
    video = store(gallery, "recording", make_tracklets(1, 2))
    hits = [f"{video.id}-0", f"{video.id}-1"]
    deleted, expired = photo(gallery), photo(gallery)
    search, other = searched(gallery, deleted, hits), searched(gallery, None, hits)
    case, bystander = (gallery.cases.add(title, key_id="k") for title in ("case", "bystander"))
    gallery.cases.put(case.id, ItemKind.SEARCH, search.id)
    gallery.cases.put(case.id, ItemKind.PHOTO, expired.id)
    gallery.cases.put(bystander.id, ItemKind.SEARCH, other.id)
    gallery.marks.set(search.id, hits[0], Verdict.MATCH)

    gallery.probes.delete(deleted.id)
    gallery.probes.expire(datetime.now(UTC) + timedelta(days=1))
    gallery.erase_video(video.id)

    found = gallery.cases.get(case.id)
    assert [item.erased_at is not None for item in found.items] == [False, True, True]
    assert found.of(ItemKind.PHOTO) == []
    assert [(note.kind, note.text) for note in found.notes] == [
        ("erased", f"Photo {deleted.id} was erased: it was deleted."),
        ("erased", f"Photo {expired.id} was erased: photos are not kept for longer."),
        ("erased", f"A recording was erased, and with it 1 marked hit of search {search.id}."),
    ]
    assert video.id not in str(found.notes)
    assert gallery.cases.get(bystander.id).notes == []


def test_a_case_with_a_refined_search_only_keeps_a_note_of_marks_that_it_had_from_the_first(
    gallery: Gallery,
) -> None:
    """A case with both is told once, of the search on which the hit was marked."""
    video = store(gallery, "recording", make_tracklets(1, 2))
    first = searched(gallery, None, [f"{video.id}-0"])
    refined = replace(first.query, refined=Refinement(first.id, "rocchio", [f"{video.id}-0"], []))
    second = gallery.searches.add(replace(SEARCH, query=refined, hits=[], key_id="k", change=99))
    further = replace(refined, refined=Refinement(second.id, "rocchio", [], []))
    third = gallery.searches.add(replace(SEARCH, query=further, hits=[], key_id="k", change=99))
    cases = [gallery.cases.add(title, key_id="k") for title in ("last only", "all", "none")]
    for case, searches in zip(cases, ([third], [third, second, first], [searched(gallery)]), strict=True):
        for search in searches:
            gallery.cases.put(case.id, ItemKind.SEARCH, search.id)
    gallery.marks.set(first.id, f"{video.id}-0", Verdict.MATCH)
    gallery.erase_video(video.id)
    said = [[note.text for note in gallery.cases.get(case.id).notes] for case in cases]
    assert said == [
        [f"A recording was erased, and with it 1 marked hit of search {third.id}."],
        [f"A recording was erased, and with it 1 marked hit of search {first.id}."],
        [],
    ]


def test_the_audit_trail_is_found_by_what_it_is_about(gallery: Gallery) -> None:
    for number in range(4):
        gallery.audit.record("a", subject=f"s{number % 2}")
    gallery.audit.record("b", subject="other")
    subjects = [f"s{number}" for number in range(1200)]
    assert [event.subject for event in gallery.audit.about(subjects, limit=10)] == ["s0", "s1", "s0", "s1"]
    first = gallery.audit.about(subjects, limit=3)
    rest = gallery.audit.about(subjects, after=first[-1].id, limit=3)
    assert [*first, *rest] == gallery.audit.about(subjects, limit=10)
    assert gallery.audit.about([], limit=3) == []
