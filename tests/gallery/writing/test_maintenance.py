"""Erasing, compacting and sweeping, one after the other and in each other's way."""

import errno
import json
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from gallery.disk.locks import Staging, is_live, sweep_staging, video_lock
from gallery.disk.reserve import RESERVE_BYTES, Reserve
from gallery.errors import InvalidInput, NotFound, StorageFull
from gallery.gallery import Gallery
from gallery.records.jobs import NewRecording
from gallery.records.videos import VideoInfo
from gallery.settings import GallerySettings
from gallery.sql.database import WRITES
from gallery.writing import compact as compact_module
from gallery.writing import copying, erase, rows
from gallery.writing.compact import CompactionReport
from gallery.writing.rows import insert_segment
from tests.gallery.dump import dump, hashes
from tests.gallery.making import MODEL, START, content_hash, make_tracklets, make_video, store, unit

QUERY = unit(np.arange(1.0, 17.0))


def searchable(gallery: Gallery) -> set[str]:
    hits = gallery.snapshot(MODEL.id).search(QUERY, limit=1000).hits
    return {hit.tracklet_id.partition("-")[0] for hit in hits}


def segments(gallery: Gallery) -> list[Path]:
    return sorted((gallery.data_dir / "segments").iterdir())


def leftovers(gallery: Gallery) -> list[Path]:
    return [p for name in ("staging", "erasing", "cache") for p in (gallery.data_dir / name).glob("*")]


def three(gallery: Gallery) -> list[VideoInfo]:
    return [store(gallery, name, make_tracklets(name, 4)) for name in range(3)]


@pytest.mark.parametrize("merged", [False, True])
def test_erasing_leaves_nothing_of_a_video(gallery: Gallery, merged: bool, tmp_path: Path) -> None:
    upload = tmp_path / "upload.mp4"
    upload.write_bytes(b"film")
    kept = store(gallery, "kept", make_tracklets(1, 3))
    only_kept = dump(gallery)
    video = store(gallery, "v", make_tracklets(2, 5), path=str(upload), owned=True)
    vector = make_tracklets(2, 5)[3].feature.astype(np.float16).tobytes()
    cut = gallery.data_dir / "cache" / video.id / "clip.mp4"
    cut.parent.mkdir(parents=True)
    cut.write_bytes(b"cut")
    if merged:
        gallery.compact()
    assert any(vector in path.read_bytes() for path in gallery.data_dir.rglob("tracklets.faiss"))
    gallery.erase_video(video.id)
    assert searchable(gallery) == {kept.id}
    assert not upload.exists()
    assert leftovers(gallery) == []
    assert gallery.catalogue.find_video(video.content_hash) is None
    assert gallery.catalogue.tracklets([f"{video.id}-0"]) == {}
    with pytest.raises(NotFound):
        gallery.catalogue.thumbnail_path(f"{video.id}-0")
    with pytest.raises(NotFound):
        gallery.erase_video(video.id)
    assert gallery.compact().tracklets_removed == (5 if merged else 0)
    assert not any(vector in path.read_bytes() for path in gallery.data_dir.rglob("*") if path.is_file())
    assert dump(gallery) == only_kept


def test_a_recording_that_is_not_ours_is_never_removed(gallery: Gallery, tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"film")
    gallery.erase_video(store(gallery, "v", make_tracklets(1, 1), path=str(film)).id)
    assert film.exists()


def test_erasing_leaves_jobs_and_probes(gallery: Gallery) -> None:
    camera = gallery.catalogue.add_camera("gate")
    job = gallery.jobs.file([NewRecording(camera.id, "/x.mp4", "x.mp4", owned=False, start_time=START)])
    probe = gallery.probes.add(b"image", "image/png", 10, 10, [])
    gallery.erase_video(store(gallery, "v", make_tracklets(1, 1), camera=camera).id)
    assert gallery.jobs.get(job.id) == job
    assert gallery.probes.get(probe.id) == probe


def test_what_was_erased_can_be_indexed_again(gallery: Gallery) -> None:
    video = store(gallery, "v", make_tracklets(1, 3))
    before = dump(gallery)
    gallery.erase_video(video.id)
    assert store(gallery, "v", make_tracklets(1, 3)).id == video.id
    assert dump(gallery) == before


@pytest.mark.parametrize("video_id", ["", "..", "../../x", "0" * 32, "A" * 32])
def test_what_is_no_video_cannot_be_erased(sqlite_gallery: Gallery, video_id: str) -> None:
    with pytest.raises(NotFound):
        sqlite_gallery.erase_video(video_id)


def test_compaction_merges_and_changes_no_answer(gallery: Gallery) -> None:
    videos = [store(gallery, name, make_tracklets(name, name)) for name in range(6)]
    before = gallery.snapshot(MODEL.id).search(QUERY, limit=99).hits
    assert gallery.compact() == CompactionReport(segments_before=6, segments_after=1)
    assert len(segments(gallery)) == 1
    assert gallery.snapshot(MODEL.id).search(QUERY, limit=99).hits == before
    assert gallery.compact() == CompactionReport()
    assert gallery.verify().problems == ()
    assert all(gallery.catalogue.is_indexed(video.content_hash, MODEL.id) for video in videos)


def test_merged_bytes_depend_on_the_videos_alone(gallery: Gallery) -> None:
    three(gallery)
    gallery.compact()
    merged = dump(gallery)["segments"]
    for video in gallery.catalogue.videos():
        gallery.erase_video(video.id)
    for name in (2, 0, 1):
        store(gallery, name, make_tracklets(name, 4))
        gallery.compact()
    assert dump(gallery)["segments"] == merged


def test_compaction_respects_the_size_limit(gallery: Gallery) -> None:
    for name in range(7):
        store(gallery, name, make_tracklets(name, 4))
    gallery.compact(max_tracklets=10)
    assert sorted(block["tracklets"] for block in manifests(gallery)) == [4, 8, 8, 8]
    gallery.compact(max_tracklets=10)
    assert len(segments(gallery)) == 4  # those of eight are more than half full
    gallery.compact()
    assert len(segments(gallery)) == 1
    with pytest.raises(InvalidInput):
        gallery.compact(max_tracklets=0)


def manifests(gallery: Gallery) -> list[dict[str, Any]]:
    return [json.loads((path / "manifest.json").read_text()) for path in segments(gallery)]


def test_a_long_video_is_copied_piece_by_piece(
    sqlite_gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "_COPIED_ROWS", 3)
    store(sqlite_gallery, "long", make_tracklets(1, 11))
    store(sqlite_gallery, "short", make_tracklets(2, 2))
    before = sqlite_gallery.snapshot(MODEL.id).search(QUERY, limit=99).hits
    sqlite_gallery.compact()
    assert sqlite_gallery.snapshot(MODEL.id).search(QUERY, limit=99).hits == before


def test_a_segment_with_nothing_left_is_dropped(gallery: Gallery) -> None:
    videos = three(gallery)
    gallery.compact()
    for video in videos:
        gallery.erase_video(video.id)
    assert segments(gallery) == []  # the last to go was alone in it
    assert gallery.compact() == CompactionReport(settled=3)
    assert gallery.snapshot(MODEL.id).tracklet_count == 0


def during_the_copy(monkeypatch: pytest.MonkeyPatch, action: Callable[[], object]) -> None:
    """Let something happen after a compactor has copied, and before it commits."""
    copy = compact_module._copy

    def copy_then_act(*arguments: Any) -> Any:
        made = copy(*arguments)
        monkeypatch.setattr(compact_module, "_copy", copy)
        action()
        return made

    monkeypatch.setattr(compact_module, "_copy", copy_then_act)


def test_erasing_from_a_merged_segment_while_it_is_copied(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    videos = three(gallery)
    gallery.compact()
    store(gallery, "later", make_tracklets(7, 2))
    during_the_copy(monkeypatch, lambda: gallery.erase_video(videos[1].id))
    assert gallery.compact().segments_after == 1
    assert searchable(gallery) == {video.id for video in gallery.catalogue.videos()}
    assert len(searchable(gallery)) == 3
    assert gallery.compact().tracklets_removed == 4
    assert gallery.verify().problems == ()


def test_erasing_a_lone_video_while_it_is_copied(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    videos = three(gallery)
    during_the_copy(monkeypatch, lambda: gallery.erase_video(videos[1].id))
    assert gallery.compact().abandoned == 1
    assert searchable(gallery) == {videos[0].id, videos[2].id}
    assert leftovers(gallery) == []
    assert gallery.compact().segments_after == 1


def test_two_compactors_at_once(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    three(gallery)
    before = gallery.snapshot(MODEL.id).search(QUERY, limit=99).hits
    during_the_copy(monkeypatch, gallery.compact)
    assert gallery.compact() == CompactionReport(abandoned=1)
    assert len(segments(gallery)) == 1
    assert gallery.snapshot(MODEL.id).search(QUERY, limit=99).hits == before


def test_segments_that_go_away_before_they_are_copied(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    three(gallery)
    sources = compact_module.sources(gallery._database)
    gallery.compact()
    monkeypatch.setattr(compact_module, "sources", lambda _database: sources)
    assert gallery.compact() == CompactionReport(abandoned=1)
    assert leftovers(gallery) == []


def test_sweeping_leaves_living_writers_alone(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    camera = gallery.catalogue.add_camera("gate")
    hash_ = content_hash("v")

    def sweep_now(*arguments: Any) -> int:  # everything is renamed, nothing is committed
        assert sweep_staging(gallery.data_dir) == 0
        assert all(is_live(gallery.data_dir, path.name) for path in segments(gallery))
        return insert_segment(*arguments)

    with gallery.writer(hash_, MODEL) as writer:
        writer.add(make_tracklets(1, 1)[0])
        report = gallery.sweep()
        assert (report.unfinished, report.segments, report.media) == (0, 0, 0)
        writer.add(make_tracklets(2, 1)[0])
        monkeypatch.setattr(rows, "insert_segment", sweep_now)
        writer.commit(make_video(hash_, camera.id))
    assert gallery.verify().problems == ()
    assert gallery.snapshot(MODEL.id).tracklet_count == 2


def test_sweeping_removes_what_the_dead_left(gallery: Gallery) -> None:
    video = store(gallery, "v", make_tracklets(1, 2))
    before = hashes(gallery.data_dir / "segments") | hashes(gallery.data_dir / "thumbnails")
    staging = Staging(gallery.data_dir)
    (staging.directory / "file").write_bytes(b"half")
    staging.release(keep=True)  # what a death does: the kernel lets go of the lock
    for orphan in (
        f"segments/{staging.id}",
        f"thumbnails/{'0' * 32}",
        f"cache/{'1' * 32}",
        "staging/trash-1",
    ):
        (gallery.data_dir / orphan).mkdir(parents=True)
        (gallery.data_dir / orphan / "file").write_bytes(b"x")
    (gallery.data_dir / "cache" / video.id).mkdir()
    report = gallery.sweep()
    assert (report.unfinished, report.segments, report.media) == (2, 1, 2)
    assert list((gallery.data_dir / "staging").iterdir()) == []
    assert [path.name for path in (gallery.data_dir / "cache").iterdir()] == [video.id]
    assert hashes(gallery.data_dir / "segments") | hashes(gallery.data_dir / "thumbnails") == before
    report = gallery.sweep()
    assert (report.unfinished, report.segments, report.media) == (0, 0, 0)


def test_opening_with_create_sweeps(sqlite_gallery: Gallery) -> None:
    (sqlite_gallery.data_dir / "segments" / "orphan").mkdir(parents=True)
    url = str(sqlite_gallery._database.engine.url)
    Gallery.open(GallerySettings(data_dir=sqlite_gallery.data_dir, database_url=url), create=True).close()
    assert segments(sqlite_gallery) == []


def test_a_video_is_locked_by_one_at_a_time(tmp_path: Path) -> None:
    inside = threading.Event()
    order = []

    def other() -> None:
        inside.wait()
        with video_lock(tmp_path, "ab" * 16):
            order.append("other")

    thread = threading.Thread(target=other)
    thread.start()
    with video_lock(tmp_path, "ab" * 16):
        inside.set()
        with video_lock(tmp_path, "cd" * 16):
            thread.join(0.05)
        order.append("first")
    thread.join()
    assert order == ["first", "other"]


def test_a_lock_dies_with_its_process(tmp_path: Path) -> None:
    child = os.posix_spawn(
        "/bin/sh",
        ["sh", "-c", f"mkdir -p {tmp_path}/staging/x && : > {tmp_path}/staging/x.lock && exec sleep 0"],
        os.environ,
    )
    os.waitpid(child, 0)
    assert not is_live(tmp_path, "x")
    assert sweep_staging(tmp_path) == 1
    assert list((tmp_path / "staging").iterdir()) == []


def test_writing_and_erasing_a_video_wait_for_its_lock(gallery: Gallery) -> None:
    video = store(gallery, "v", make_tracklets(1, 1))
    threads = [
        threading.Thread(target=gallery.erase_video, args=(video.id,)),
        threading.Thread(target=store, args=(gallery, "w", make_tracklets(2, 1))),
    ]
    for thread, video_id in zip(threads, (video.id, content_hash("w")[:32]), strict=True):
        with video_lock(gallery.data_dir, video_id):
            thread.start()
            thread.join(0.3)
            assert thread.is_alive()
        thread.join()
    assert searchable(gallery) == {content_hash("w")[:32]}


def test_a_writer_replaces_thumbnails_that_a_death_left(gallery: Gallery) -> None:
    left = gallery.data_dir / "thumbnails" / content_hash("v")[:32]
    left.mkdir(parents=True)
    (left / "7.jpg").write_bytes(b"of a video that never was")
    store(gallery, "v", make_tracklets(1, 2))
    assert sorted(path.name for path in left.iterdir()) == ["0.jpg", "1.jpg"]


def fill_the_disk(gallery: Gallery) -> None:
    """Let the database fail like one on a full disk, as long as the reserve takes up the room."""

    def full(connection: Connection) -> None:
        if connection.get_execution_options().get(WRITES) and (gallery.data_dir / "reserve").exists():
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise OperationalError("COMMIT", {}, error)

    event.listen(gallery._database.engine, "commit", full)


def test_erasing_works_on_a_full_disk(sqlite_gallery: Gallery) -> None:
    video = store(sqlite_gallery, "v", make_tracklets(1, 2))
    reserve = Reserve(sqlite_gallery.data_dir)
    reserve.keep()
    fill_the_disk(sqlite_gallery)
    with pytest.raises(StorageFull):
        sqlite_gallery.catalogue.add_camera("one more")
    sqlite_gallery.erase_video(video.id)
    assert sqlite_gallery.catalogue.videos() == []
    assert leftovers(sqlite_gallery) == []
    assert (sqlite_gallery.data_dir / "reserve").stat().st_size == RESERVE_BYTES


def test_a_full_disk_without_a_reserve_says_so(
    sqlite_gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = store(sqlite_gallery, "v", make_tracklets(1, 2), path="/x", owned=True)

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(erase, "write_durably", full)
    with pytest.raises(StorageFull, match="nothing was erased"):
        sqlite_gallery.erase_video(video.id)
    assert sqlite_gallery.catalogue.video(video.id) == video
