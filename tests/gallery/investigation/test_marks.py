"""Marks: the last verdict counts, every change is kept, and they go with their recordings."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from gallery.errors import Conflict, InvalidInput, NotFound
from gallery.gallery import Gallery
from gallery.investigation import marks
from gallery.records.marks import Verdict
from gallery.records.searches import RecordedHit, SearchInfo
from gallery.records.videos import VideoInfo
from tests.gallery.investigation.test_searches import SEARCH
from tests.gallery.making import MODEL, make_tracklets, store
from tests.waiting import until

MATCH, NOT = Verdict.MATCH, Verdict.NOT


def search_for(gallery: Gallery, *videos: VideoInfo) -> SearchInfo:
    """A search whose answer are the first three tracklets of each video."""
    hits = [RecordedHit(f"{video.id}-{number}", 0.5, 0) for video in videos for number in range(3)]
    change = gallery.snapshot(MODEL.id).change
    return gallery.searches.add(replace(SEARCH, hits=hits, change=change))


def verdicts(gallery: Gallery, search: SearchInfo) -> dict[str, Verdict]:
    return {mark.tracklet_id: mark.verdict for mark in gallery.marks.of(search.id)}


def test_the_last_verdict_counts_and_the_history_keeps_all(gallery: Gallery) -> None:
    search = search_for(gallery, store(gallery, 1, make_tracklets(1, 3)))
    first, second, _ = (hit.tracklet_id for hit in search.hits)
    made = gallery.marks.set(search.id, first, MATCH, key_id="k")
    assert (made.search_id, made.tracklet_id, made.verdict, made.key_id) == (search.id, first, MATCH, "k")
    assert gallery.marks.set(search.id, first, MATCH, key_id="another") == made, "who said it first stays"
    gallery.marks.set(search.id, second, NOT, key_id="k")
    gallery.marks.set(search.id, first, NOT)
    assert verdicts(gallery, search) == {first: NOT, second: NOT}
    gallery.marks.remove(search.id, second, key_id="k")
    assert verdicts(gallery, search) == {first: NOT}
    changes = gallery.marks.history(search.id)
    assert [(c.tracklet_id, c.verdict, c.key_id) for c in changes] == [
        (second, None, "k"),
        (first, NOT, None),
        (second, NOT, "k"),
        (first, MATCH, "k"),
    ]
    assert gallery.marks.history(search.id, before=changes[1].id, limit=1) == changes[2:3]
    assert [(e.action, e.subject, e.key_id, e.detail) for e in gallery.audit.events()[:2]] == [
        ("mark.remove", search.id, "k", {"tracklet_id": second, "verdict": None, "was": "not"}),
        ("mark.set", search.id, None, {"tracklet_id": first, "verdict": "not", "was": "match"}),
    ]


def test_undoing_goes_back_step_by_step(gallery: Gallery) -> None:
    search = search_for(gallery, store(gallery, 1, make_tracklets(1, 3)))
    first, second, _ = (hit.tracklet_id for hit in search.hits)
    gallery.marks.set(search.id, first, MATCH)
    gallery.marks.set(search.id, second, MATCH)
    gallery.marks.remove(search.id, first)
    undone = gallery.marks.undo(search.id, key_id="u")
    assert (undone.tracklet_id, undone.verdict, undone.undone_by) == (first, None, "u")
    assert verdicts(gallery, search) == {first: MATCH, second: MATCH}
    assert gallery.marks.undo(search.id).tracklet_id == second
    gallery.marks.set(search.id, first, NOT)  # the undone change stays undone
    assert verdicts(gallery, search) == {first: NOT}
    for left in ({first: MATCH}, {}):
        gallery.marks.undo(search.id)
        assert verdicts(gallery, search) == left
    with pytest.raises(Conflict, match="to undo"):
        gallery.marks.undo(search.id)
    assert [change.undone_at is None for change in gallery.marks.history(search.id)] == [False] * 4


def test_only_hits_that_are_there_can_be_marked(gallery: Gallery, subtests: pytest.Subtests) -> None:
    video = store(gallery, 1, make_tracklets(1, 4))
    search = search_for(gallery, video)
    strange = [f"{video.id}-3", f"{'f' * 32}-0", "", "\0", "\ud800", "x" * 10_000, "%", f"{video.id}-0 "]
    for tracklet_id in strange:
        with subtests.test(tracklet_id=tracklet_id[:50]):
            with pytest.raises(NotFound):
                gallery.marks.set(search.id, tracklet_id, MATCH)
            with pytest.raises(NotFound):
                gallery.marks.remove(search.id, tracklet_id)
    for search_id in ["", "f" * 32, "\0", "../x", "x" * 10_000]:
        with subtests.test(search_id=search_id[:50]):
            for ask in (gallery.marks.of, gallery.marks.undo, gallery.marks.history):
                with pytest.raises(NotFound):
                    ask(search_id)
            with pytest.raises(NotFound):
                gallery.marks.set(search_id, f"{video.id}-0", MATCH)
    with pytest.raises(NotFound, match="no mark"):
        gallery.marks.remove(search.id, f"{video.id}-0")
    for verdict in ("", "maybe", "MATCH", ["match"]):
        with pytest.raises(InvalidInput, match="verdict"):
            gallery.marks.set(search.id, f"{video.id}-0", verdict)  # type: ignore[arg-type]
    for changes in ({"limit": 0}, {"limit": 10**9}, {"before": -1}, {"before": 2**63}):
        with pytest.raises(InvalidInput):
            gallery.marks.history(search.id, **changes)
    assert gallery.marks.history(search.id) == []


def test_erasing_a_recording_takes_its_marks_along_and_says_so(gallery: Gallery) -> None:
    one, two = store(gallery, 1, make_tracklets(1, 3)), store(gallery, 2, make_tracklets(2, 3))
    search, other = search_for(gallery, one, two), search_for(gallery, one)
    for marked, number in ((search, 0), (search, 1), (search, 3), (other, 0)):
        gallery.marks.set(marked.id, marked.hits[number].tracklet_id, MATCH)
    gallery.marks.remove(search.id, search.hits[1].tracklet_id)
    assert gallery.erase_video(one.id) == 2
    assert verdicts(gallery, search) == {f"{two.id}-0": MATCH}
    assert verdicts(gallery, other) == {}
    assert {change.tracklet_id for change in gallery.marks.history(search.id)} == {f"{two.id}-0"}
    assert [gallery.searches.get(s.id).marks_erased for s in (search, other)] == [1, 1]
    (event,) = gallery.audit.events(action="marks.erase")
    assert (event.subject, event.detail) == (
        one.id,
        {"marks": 2, "searches": sorted([search.id, other.id])},
    )
    with pytest.raises(NotFound):
        gallery.marks.set(search.id, f"{one.id}-0", MATCH)
    assert gallery.erase_video(two.id) == 1
    assert len(gallery.audit.events(action="marks.erase")) == 2


def test_marks_stay_where_a_recording_is_written_anew_with_the_same_people(gallery: Gallery) -> None:
    video = store(gallery, 1, make_tracklets(1, 3))
    search = search_for(gallery, video)
    marked = search.hits[1].tracklet_id
    made = gallery.marks.set(search.id, marked, MATCH, key_id="k")
    history = gallery.marks.history(search.id)
    store(gallery, 1, make_tracklets(1, 3), replace=True)
    assert gallery.marks.of(search.id) == [made]
    assert gallery.marks.history(search.id) == history
    store(gallery, 1, make_tracklets(2, 3), replace=True)
    assert gallery.marks.of(search.id) == []
    assert gallery.searches.get(search.id).marks_erased == 1
    with pytest.raises(Conflict, match="indexed anew"):
        gallery.marks.set(search.id, marked, NOT)
    later = search_for(gallery, video)
    gallery.marks.set(later.id, marked, NOT)  # numbers go on after those that were put back


def test_marks_at_the_same_time_come_one_after_the_other(gallery: Gallery) -> None:
    search = search_for(gallery, store(gallery, 1, make_tracklets(1, 3)))

    def mark(verdicts: Sequence[Verdict]) -> None:
        for verdict in verdicts:
            for hit in search.hits:
                gallery.marks.set(search.id, hit.tracklet_id, verdict)

    threads = [threading.Thread(target=mark, args=([MATCH, NOT] * 3,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for hit in search.hits:
        changes = [c for c in gallery.marks.history(search.id) if c.tracklet_id == hit.tracklet_id]
        alternating = [change.verdict for change in reversed(changes)]
        assert all(before != after for before, after in pairwise(alternating))


def waits_for_a_lock(gallery: Gallery) -> bool:
    """Whether somebody waits for a row; SQLite lets nobody begin, so that there is nothing to see."""
    if gallery.database_kind == "sqlite":
        return True
    with gallery._database.read() as session:
        return bool(session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


@pytest.mark.parametrize("how", ["erased", "replaced"])
def test_a_mark_and_the_end_of_its_recording_come_one_after_the_other(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """The recording is about to go while a hit of it is marked: the mark goes with it, and is counted."""
    video = store(gallery, 1, make_tracklets(1, 3))
    search = search_for(gallery, video)
    real, ended = marks._add, threading.Event()

    def end() -> None:
        if how == "erased":
            gallery.erase_video(video.id)
        else:
            store(gallery, 1, make_tracklets(2, 3), replace=True)
        ended.set()

    ending = threading.Thread(target=end)

    def add(*args: Any, **kwargs: Any) -> Any:
        ending.start()
        until(lambda: ended.is_set() or waits_for_a_lock(gallery))
        return real(*args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(marks, "_add", add)
        gallery.marks.set(search.id, search.hits[0].tracklet_id, MATCH)
    ending.join()
    assert ended.is_set()
    assert gallery.marks.history(search.id) == []
    assert gallery.searches.get(search.id).marks_erased == 1
    with pytest.raises((NotFound, Conflict)):
        gallery.marks.set(search.id, search.hits[0].tracklet_id, MATCH)


def test_marking_while_recordings_go_never_ends_in_a_deadlock(gallery: Gallery) -> None:
    videos = [store(gallery, number, make_tracklets(number, 3)) for number in range(3)]
    searches = [search_for(gallery, *videos), search_for(gallery, *reversed(videos))]

    def mark(search: SearchInfo) -> None:
        for hit in [*search.hits] * 2:
            with suppress(NotFound, Conflict):
                gallery.marks.set(search.id, hit.tracklet_id, MATCH)
                gallery.marks.undo(search.id)
                gallery.marks.set(search.id, hit.tracklet_id, NOT)

    with ThreadPoolExecutor(5) as pool:
        marking = [pool.submit(mark, search) for search in searches]
        erasing = [pool.submit(gallery.erase_video, video.id) for video in videos]
    assert [one.exception() for one in marking] + [one.exception() for one in erasing] == [None] * 5
    assert [gallery.marks.history(search.id) for search in searches] == [[], []]


def test_the_newest_marks_of_all_searches(gallery: Gallery) -> None:
    """Each on the search it was made on, as it is now; of a refined search those of its own only."""
    video = store(gallery, 1, make_tracklets(1, 3))
    one, two = search_for(gallery, video), search_for(gallery, video)
    first, second, third = (hit.tracklet_id for hit in one.hits)
    gallery.marks.set(one.id, first, MATCH)
    gallery.marks.set(one.id, first, NOT)
    gallery.marks.set(two.id, second, MATCH)
    gallery.marks.set(two.id, third, MATCH)
    gallery.marks.remove(two.id, third)
    gallery.marks.set(one.id, second, MATCH)
    gallery.marks.undo(one.id)
    found = gallery.marks.newest(10)
    assert [(m.search_id, m.tracklet_id, m.verdict) for m in found] == [
        (two.id, second, MATCH),
        (one.id, first, NOT),
    ]
    assert gallery.marks.newest(1) == found[:1]


ACTIONS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([MATCH, NOT, "remove", "undo"])), max_size=15)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS)
def test_any_sequence_of_changes(sqlite_gallery: Gallery, actions: list[tuple[int, str]]) -> None:
    """Against a stack of changes, folded."""
    known = sqlite_gallery.catalogue.videos()
    video = known[0] if known else store(sqlite_gallery, 1, make_tracklets(1, 3))
    search, stack = search_for(sqlite_gallery, video), list[tuple[str, Verdict | None]]()
    for number, action in actions:
        hit = search.hits[number].tracklet_id
        now = {t: v for t, v in dict(stack).items() if v is not None}
        if action == "undo" and stack:
            assert sqlite_gallery.marks.undo(search.id).tracklet_id == stack.pop()[0]
        elif action == "remove" and hit in now:
            sqlite_gallery.marks.remove(search.id, hit)
            stack.append((hit, None))
        elif isinstance(action, Verdict):
            sqlite_gallery.marks.set(search.id, hit, action)
            stack += [(hit, action)] if now.get(hit) != action else []
        assert verdicts(sqlite_gallery, search) == {t: v for t, v in dict(stack).items() if v is not None}


def test_a_confirmation_is_of_one_mark_and_by_somebody_else(gallery: Gallery) -> None:
    search = search_for(gallery, store(gallery, 1, make_tracklets(1, 3)))
    first, second, _ = (hit.tracklet_id for hit in search.hits)
    gallery.marks.set(search.id, first, MATCH, key_id="a")
    with pytest.raises(NotFound, match="no mark"):
        gallery.marks.confirm(search.id, second, agrees=True, key_id="b")
    for key, why in (("a", "that made a mark"), (None, "with a key")):
        with pytest.raises(Conflict, match=why):
            gallery.marks.confirm(search.id, first, agrees=True, key_id=key)

    def said() -> tuple[bool, str] | None:
        (mark,) = gallery.marks.of(search.id)
        return None if mark.confirmation is None else (mark.confirmation.agrees, mark.confirmation.key_id)

    for _ in range(2):  # said again, it is one event
        gallery.marks.confirm(search.id, first, agrees=True, key_id="b")
    assert said() == (True, "b")
    gallery.marks.set(search.id, first, MATCH, key_id="c")  # changes nothing
    assert said() == (True, "b")
    gallery.marks.set(search.id, first, NOT, key_id="a")
    assert said() is None
    gallery.marks.undo(search.id)
    assert said() == (True, "b"), "the mark that was confirmed is there again"
    gallery.marks.confirm(search.id, first, agrees=False, key_id="c")
    assert said() == (False, "c"), "the last word counts"
    actions = [event.action for event in gallery.audit.trail() if event.action.startswith("mark.")]
    assert actions == ["mark.set", "mark.confirm", "mark.set", "mark.undo", "mark.dispute"]
