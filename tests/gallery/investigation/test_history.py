"""The history of searches: pages never shift, and nobody sees another's."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from gallery.errors import InvalidInput, NotFound
from gallery.gallery import Gallery
from gallery.investigation import searches
from gallery.records.searching import Hit
from tests.gallery.investigation.test_searches import MODEL as SEARCHED
from tests.gallery.investigation.test_searches import add
from tests.gallery.making import MODEL, make_tracklets, store


class Clock(datetime):
    """A clock that goes on when told to."""

    at = datetime(2026, 1, 1, tzinfo=UTC)

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        return cls.at


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searches, "datetime", Clock)


# What happens: a search of a key, or a page read; and whether time goes on before it.
STEPS = st.lists(st.tuples(st.sampled_from(["mine", "another's", "page"]), st.booleans()), max_size=25)


@given(before=st.integers(0, 8), steps=STEPS, size=st.integers(1, 4), key=st.sampled_from(["k", None]))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_never_shift(
    gallery: Gallery, before: int, steps: list[tuple[str, bool]], size: int, key: str | None
) -> None:
    with gallery._database.write() as session:
        session.execute(text("DELETE FROM search"))
    for _ in range(before):
        add(gallery, key_id=key)
        add(gallery, key_id="z")
    there = [search.id for search in gallery.searches.page(key, limit=100)]
    assert len(there) == before
    read: list[str] = []
    for step, later in steps + [("page", False)] * (before + len(steps) + 2):
        Clock.at += timedelta(seconds=later)
        if step == "page":
            page = gallery.searches.page(key, before=read[-1] if read else None, limit=size)
            assert len(page) <= size
            read += [search.id for search in page]
            if not read:
                break
        else:
            add(gallery, key_id=key if step == "mine" else "z")
    assert len(set(read)) == len(read), "nothing comes twice"
    if steps and steps[0][0] != "page":
        return  # what is asked before the first page is on it
    assert [one for one in read if one in there] == there, "nothing is left out, and the order stays"


def test_the_newest_come_first_and_only_ones_own(gallery: Gallery) -> None:
    made = []
    for key in ("a", "b", None, "a"):
        Clock.at += timedelta(seconds=1)
        made.append(add(gallery, key_id=key).id)
    assert [one.id for one in gallery.searches.page("a", limit=9)] == [made[3], made[0]]
    assert [one.id for one in gallery.searches.page(None, limit=9)] == [made[2]]
    assert [one.id for one in gallery.searches.page(None, everyones=True, limit=3)] == made[:0:-1]
    for foreign in (made[1], "0" * 32):
        with pytest.raises(NotFound):
            gallery.searches.page("a", before=foreign, limit=9)
    with pytest.raises((NotFound, InvalidInput)):
        gallery.searches.page("a", before="\0", limit=9)


def hits(gallery: Gallery, snapshot: Any) -> list[Hit]:
    query = make_tracklets(99, 1)[0].feature
    return list(snapshot.search(query, limit=50).hits)


def test_a_snapshot_can_be_asked_again(gallery: Gallery, tmp_path: Path) -> None:
    videos = [store(gallery, number, make_tracklets(number, 4)) for number in range(3)]
    snapshot = gallery.snapshot(MODEL.id)
    search = add(gallery, model_id=MODEL.id, change=snapshot.change)
    then = hits(gallery, snapshot)
    assert len(then) == 12
    for number in range(10, 20):
        store(gallery, number, make_tracklets(number, 4))
    assert len(hits(gallery, gallery.snapshot(MODEL.id))) == 50
    assert hits(gallery, gallery.snapshot_of(search)) == then
    gallery.compact()
    assert hits(gallery, gallery.snapshot_of(search)) == then, "compaction moves vectors, not changes"
    assert gallery.snapshot_of(search).change == snapshot.change

    gallery.correct_video(videos[1].id, start_time=videos[1].start_time + timedelta(hours=1))
    assert hits(gallery, gallery.snapshot_of(search)) == then, "a corrected video was there all the same"
    gallery.erase_video(videos[0].id)
    left = {hit.tracklet_id for hit in hits(gallery, gallery.snapshot_of(search))}
    assert left == {hit.tracklet_id for hit in then if not hit.tracklet_id.startswith(videos[0].id)}
    store(gallery, 0, make_tracklets(0, 4))
    assert {hit.tracklet_id for hit in hits(gallery, gallery.snapshot_of(search))} == left, "it came later"
    assert hits(gallery, gallery.snapshot_of(add(gallery, model_id=SEARCHED))) == []


def test_videos_of_before_this_was_recorded_go_by_their_time(gallery: Gallery) -> None:
    old = store(gallery, 0, make_tracklets(0, 2))
    Clock.at = datetime.now(UTC)
    search = add(gallery, model_id=MODEL.id, change=gallery.snapshot(MODEL.id).change)
    store(gallery, 1, make_tracklets(1, 2))
    with gallery._database.write() as session:
        session.execute(text("UPDATE segment_video SET change = NULL"))
    assert gallery.searched_videos(search) == {old.id}


def test_no_page_of_the_history_sorts_all_searches(sqlite_gallery: Gallery) -> None:
    """One's own and everybody's are read in the order of an index, however many there are."""
    asked: list[tuple[str, Any]] = []
    engine = sqlite_gallery._database.engine

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        asked.append((statement, parameters))

    last = add(sqlite_gallery, key_id="k").id
    event.listen(engine, "before_cursor_execute", note)
    sqlite_gallery.searches.page("k", limit=2)
    sqlite_gallery.searches.page("k", before=last, limit=2)
    sqlite_gallery.searches.page(None, everyones=True, limit=2)
    sqlite_gallery.searches.page(None, everyones=True, before=last, limit=2)
    sqlite_gallery.searches.recent(2)
    event.remove(engine, "before_cursor_execute", note)
    pages = [(statement, parameters) for statement, parameters in asked if "ORDER BY" in statement]
    assert len(pages) == 5
    with sqlite_gallery._database.read() as session:
        for statement, parameters in pages:
            rows = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plan = " ".join(str(row[-1]) for row in rows)
            assert "ix_search_" in plan, plan
            assert "TEMP B-TREE" not in plan, plan
