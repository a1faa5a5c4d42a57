"""Snapshots: what is refused, what survives files that go away, and that a view never changes."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gallery.errors import InvalidInput, NotFound
from gallery.gallery import Gallery
from gallery.records.searching import Filters
from gallery.settings import GallerySettings
from gallery.sql.changes import current_change
from gallery.sql.tables import GalleryState
from gallery.vectors import segment, snapshots
from gallery.vectors.snapshots import join
from tests.gallery.making import MODEL, START, make_tracklet, make_tracklets, store, unit

QUERY = unit(np.arange(1.0, 17.0))


def test_an_empty_gallery_has_an_empty_answer(gallery: Gallery) -> None:
    snapshot = gallery.snapshot(MODEL.id)
    ranking = snapshot.search(QUERY, limit=5)
    assert (snapshot.tracklet_count, ranking.hits, ranking.compared) == (0, [], 0)


@pytest.mark.parametrize(
    "query",
    [
        QUERY * 2,
        QUERY[:8],
        QUERY[np.newaxis],
        np.full(16, np.nan, np.float32),
        np.zeros(16, np.float32),
        np.ones(16, np.int32),
        QUERY.tolist(),
    ],
)
def test_impossible_queries_are_refused(either_gallery: Gallery, query: NDArray[np.float32]) -> None:
    store(either_gallery, "v", make_tracklets(1, 3))
    with pytest.raises(InvalidInput):
        either_gallery.snapshot(MODEL.id).search(query, limit=1)


def test_impossible_filters_are_refused(either_gallery: Gallery) -> None:
    store(either_gallery, "v", make_tracklets(1, 3))
    snapshot = either_gallery.snapshot(MODEL.id)
    naive = datetime(2024, 1, 1)
    for filters in (
        Filters(start=naive),
        Filters(end=naive),
        Filters(start=START, end=START),
        Filters(start=datetime(1900, 1, 1, tzinfo=UTC)),
    ):
        with pytest.raises(InvalidInput):
            snapshot.search(QUERY, limit=1, filters=filters)
        with pytest.raises(InvalidInput):
            either_gallery.catalogue.coverage(filters, MODEL.id)
    with pytest.raises(InvalidInput):
        snapshot.search(QUERY, limit=0)


def test_changes_of_another_server_are_not_taken_for_those_of_this_one(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = store(gallery, "lost", make_tracklets(1, 3))
    store(gallery, "kept", make_tracklets(2, 2))
    assert gallery.snapshot(MODEL.id).tracklet_count == 5
    known = gallery.snapshot(MODEL.id)
    assert gallery.snapshot(MODEL.id) is known
    # A standby that has not had the last change takes over, and makes another one of that number.
    gallery.erase_video(lost.id)
    with gallery._database.write() as session:
        session.get_one(GalleryState, 1).change = known.change
    monkeypatch.setattr(snapshots, "standing", lambda session: (current_change(session), START))
    assert gallery.snapshot(MODEL.id).tracklet_count == 2


def test_nothing_passes_an_empty_set(either_gallery: Gallery) -> None:
    store(either_gallery, "v", make_tracklets(1, 3))
    snapshot = either_gallery.snapshot(MODEL.id)
    for filters in (
        Filters(camera_ids=frozenset()),
        Filters(video_ids=frozenset({"", "ü" * 16, "\0", "a" * 99})),
    ):
        assert snapshot.search(QUERY, limit=1, filters=filters).compared == 0


def test_equal_scores_are_ordered_by_id(either_gallery: Gallery) -> None:
    random = np.random.default_rng(0)
    ids = []
    for name in range(4):
        same = [make_tracklet(random, feature=QUERY, start_us=10**6 * n) for n in range(12)]
        video = store(either_gallery, name, same)
        ids += [f"{video.id}-{n}" for n in range(12)]
    for _ in range(2):
        for limit in (1, 5, 13, 47, 48, 60):
            hits = either_gallery.snapshot(MODEL.id).search(QUERY, limit=limit).hits
            assert [hit.tracklet_id for hit in hits] == sorted(ids)[:limit]
        either_gallery.compact()


def test_a_tracklet_is_seen_on_its_first_and_its_last_frame(either_gallery: Gallery) -> None:
    random = np.random.default_rng(0)
    tracklet = make_tracklet(random, start_us=2_000_000, count=11)  # 2 s to 3 s
    store(either_gallery, "v", [tracklet])
    snapshot = either_gallery.snapshot(MODEL.id)

    def passes(start: float | None, end: float | None) -> bool:
        times = [None if t is None else START + timedelta(seconds=t) for t in (start, end)]
        filters = Filters(start=times[0], end=times[1])
        found = snapshot.search(QUERY, limit=1, filters=filters).compared
        assert either_gallery.catalogue.coverage(filters, MODEL.id).cameras[0].tracklets == found
        return found == 1

    assert passes(3.0, None)
    assert not passes(3.000001, None)
    assert passes(None, 2.000001)
    assert not passes(None, 2.0)
    assert passes(2.4, 2.5)


def test_a_hit_is_the_next_probe(gallery: Gallery) -> None:
    video = store(gallery, "v", make_tracklets(1, 12))
    snapshot = gallery.snapshot(MODEL.id)
    vector = snapshot.vector(f"{video.id}-11")
    assert vector.dtype == np.float32
    assert snapshot.search(vector, limit=1).hits[0].tracklet_id == f"{video.id}-11"
    for unknown in (
        f"{video.id}-12",
        f"{video.id}-011",
        f"{video.id}--1",
        video.id,
        "",
        "x-1",
        f"{video.id}-²",
    ):
        with pytest.raises(NotFound):
            snapshot.vector(unknown)
    gallery.erase_video(video.id)
    with pytest.raises(NotFound):
        gallery.snapshot(MODEL.id).vector(f"{video.id}-11")


def test_a_snapshot_never_changes(gallery: Gallery) -> None:
    store(gallery, 1, make_tracklets(1, 5))
    old = gallery.snapshot(MODEL.id)
    assert gallery.snapshot(MODEL.id) is old
    before = old.search(QUERY, limit=9)
    store(gallery, 2, make_tracklets(2, 5))
    assert old.search(QUERY, limit=9) == before
    assert gallery.snapshot(MODEL.id).search(QUERY, limit=99).compared == 10
    assert gallery.snapshot(MODEL.id).change > old.change


def test_an_old_snapshot_answers_after_compaction_with_the_newest_state(gallery: Gallery) -> None:
    videos = [store(gallery, name, make_tracklets(name, 3)) for name in range(3)]
    old = gallery.snapshot(MODEL.id)
    before = old.search(QUERY, limit=99)
    gallery.compact()
    after = old.search(QUERY, limit=99)
    assert (after.hits, after.compared) == (before.hits, before.compared)
    assert after.change > before.change
    gallery.erase_video(videos[1].id)
    gallery.compact()
    assert not [hit for hit in old.search(QUERY, limit=99).hits if hit.tracklet_id.startswith(videos[1].id)]


def test_what_another_process_erased_is_gone_at_once(gallery_settings: GallerySettings) -> None:
    with Gallery.open(gallery_settings) as mine, Gallery.open(gallery_settings) as other:
        videos = [store(mine, name, make_tracklets(name, 3)) for name in range(3)]
        mine.compact()
        assert other.snapshot(MODEL.id).tracklet_count == 9
        mine.erase_video(videos[0].id)
        ranking = other.snapshot(MODEL.id).search(QUERY, limit=99)
        assert ranking.compared == 6
        assert not [hit for hit in ranking.hits if hit.tracklet_id.startswith(videos[0].id)]


def test_a_camera_whose_videos_are_all_erased(gallery: Gallery) -> None:
    """Its tracklets lie in memory beside those of others until the next reading."""
    cameras = [gallery.catalogue.add_camera(name) for name in "ab"]
    videos = [store(gallery, n, make_tracklets(n, 3), camera=camera) for n, camera in enumerate(cameras)]
    assert gallery.snapshot(MODEL.id).search(QUERY, limit=9).compared == 6
    gallery.erase_video(videos[1].id)
    hits = gallery.snapshot(MODEL.id).search(QUERY, limit=9).hits
    assert {hit.tracklet_id[:32] for hit in hits} == {videos[0].id}


def test_a_segment_that_is_missing_is_said_to_be(gallery: Gallery) -> None:
    lost = store(gallery, 1, make_tracklets(1, 3))
    held = gallery.snapshot(MODEL.id)
    (directory,) = (gallery.data_dir / "segments").iterdir()
    shutil.move(directory, gallery.data_dir / "elsewhere")
    ranking = held.search(QUERY, limit=1)
    assert (ranking.hits, ranking.compared) == ([], 0)
    assert [(one.segment_id, one.video_ids) for one in ranking.damaged] == [(directory.name, [lost.id])]
    kept = store(gallery, 2, make_tracklets(2, 3))
    for reader in (gallery, Gallery(gallery._database, gallery.data_dir)):
        ranking = reader.snapshot(MODEL.id).search(QUERY, limit=9)
        assert {hit.tracklet_id[:32] for hit in ranking.hits} == {kept.id}
        assert [one.video_ids for one in ranking.damaged] == [[lost.id]]
        assert "not there" in ranking.damaged[0].reason
    assert any("not there" in problem for problem in gallery.verify().problems)


def test_models_do_not_mix(gallery: Gallery) -> None:
    other = replace(MODEL, id="d" * 64, dimension=8)
    store(gallery, 1, make_tracklets(1, 3))
    store(gallery, 2, make_tracklets(1, 4, 8), model=other)
    assert gallery.snapshot(MODEL.id).search(QUERY, limit=99).compared == 3
    assert gallery.snapshot(other.id).search(unit(np.ones(8)), limit=99).compared == 4


def test_large_segments_are_mapped_and_small_ones_joined(
    sqlite_gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segment, "MAPPED_FROM", 20)
    monkeypatch.setattr(snapshots, "MAPPED_FROM", 20)
    for name in range(30):
        store(sqlite_gallery, name, make_tracklets(name, 2))
        sqlite_gallery.snapshot(MODEL.id)
    blocks = sqlite_gallery.snapshot(MODEL.id).blocks
    assert sum(len(block.rows) for block in blocks) == 60
    assert len(blocks) <= 6  # about log2(30)
    sqlite_gallery.compact()
    (block,) = sqlite_gallery.snapshot(MODEL.id).blocks
    (file,) = (sqlite_gallery.data_dir / "segments").glob("*/tracklets.faiss")
    assert str(file) in Path("/proc/self/maps").read_text()
    assert len(block.rows) == 60


def test_joining_copies_little(sqlite_gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in range(4):
        store(sqlite_gallery, name, make_tracklets(name, 4))
    directories = sorted((sqlite_gallery.data_dir / "segments").iterdir())
    monkeypatch.setattr(snapshots, "BLOCK_ROWS", 9)
    opened = [segment.open_segment(directory) for directory in directories]
    assert [len(rows) for rows in join([], opened)] == [8, 8]
    assert [len(rows) for rows in join(opened[:1], opened[1:2])] == [8]
    assert join(opened[:1], []) == opened[:1]
