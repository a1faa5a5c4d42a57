"""Writing a video: all of it or nothing, and nothing that cannot be."""

import math
import threading
import tracemalloc
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from gallery.errors import AlreadyIndexed, CatalogueUnavailable, Conflict, InvalidInput, LeaseLost, NotFound
from gallery.gallery import Gallery
from gallery.records.jobs import Completion, NewRecording
from gallery.records.tracklets import NewTracklet
from gallery.records.videos import VideoInfo, VideoReport
from gallery.settings import GallerySettings
from gallery.sql.database import WRITES
from tests.gallery.dump import dump, hashes
from tests.gallery.making import (
    MODEL,
    START,
    content_hash,
    make_tracklet,
    make_tracklets,
    make_video,
    store,
)

OTHER = replace(MODEL, id="c" * 64, dimension=8)


def test_what_was_written_is_there(gallery: Gallery) -> None:
    tracklets = make_tracklets(1, 4)
    camera = gallery.catalogue.add_camera("gate", site="north")
    video = store(gallery, "v", tracklets, camera=camera, path="/films/x.mp4")
    assert video.id == content_hash("v")[:32]
    assert video.tracklet_count == 4
    assert (video.start_time, video.end_time) == (START, START + timedelta(microseconds=video.duration_us))
    assert gallery.catalogue.video(video.id) == video
    found = gallery.catalogue.tracklets_of(video.id)
    assert [t.id for t in found] == [f"{video.id}-{n}" for n in range(4)]
    for info, made in zip(found, tracklets, strict=True):
        assert info == gallery.catalogue.tracklets([info.id])[info.id]
        assert info.start_time == START + timedelta(microseconds=int(made.boxes["time_us"][0]))
        assert (info.camera_id, info.frame_count, info.quality) == (camera.id, len(made.boxes), made.quality)
        assert [(c.start_us, c.frame_count) for c in info.clips] == [
            (c.start_us, c.frame_count) for c in made.clips
        ]
        detailed = gallery.catalogue.tracklet(info.id, with_boxes=True)
        np.testing.assert_array_equal(detailed.boxes, made.boxes)
        assert gallery.catalogue.thumbnail_path(info.id).read_bytes() == made.thumbnail
    assert gallery.catalogue.models() == [MODEL]
    assert gallery.snapshot(MODEL.id).tracklet_count == 4
    assert hashes(gallery.data_dir / "staging") == {}
    assert gallery.verify().problems == ()


def test_a_video_without_anybody_is_indexed_too(gallery: Gallery) -> None:
    video = store(gallery, "empty", [])
    assert gallery.catalogue.is_indexed(video.content_hash, MODEL.id) == video
    assert gallery.catalogue.tracklets_of(video.id) == []
    assert gallery.snapshot(MODEL.id).tracklet_count == 0
    assert gallery.verify().problems == ()


def test_the_same_tracklets_give_the_same_bytes(gallery: Gallery, tmp_path: Path) -> None:
    store(gallery, "v", make_tracklets(1, 6))
    other = Gallery.open(GallerySettings(data_dir=tmp_path / "other"), create=True)
    store(other, "v", make_tracklets(1, 6))
    assert dump(other) == dump(gallery)
    other.close()


def test_leaving_without_a_commit_discards_everything(gallery: Gallery) -> None:
    with gallery.writer(content_hash("v"), MODEL) as writer:
        writer.add(make_tracklets(1, 1)[0])
    interrupted = gallery.writer(content_hash("v"), MODEL)
    interrupted.__enter__()
    interrupted.add(make_tracklets(1, 1)[0])
    interrupted.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert gallery.catalogue.find_video(content_hash("v")) is None
    assert all(path.is_dir() for path in gallery.data_dir.glob("s*/*"))
    assert list((gallery.data_dir / "staging").iterdir()) == []


def test_a_second_writer_gives_up_and_harms_nothing(gallery: Gallery) -> None:
    video = store(gallery, "v", make_tracklets(1, 3))
    before = dump(gallery)
    with pytest.raises(AlreadyIndexed) as raised:
        store(gallery, "v", make_tracklets(2, 5))
    assert raised.value.video_id == video.id
    assert dump(gallery) == before


def test_of_many_writers_one_wins(gallery: Gallery) -> None:
    camera = gallery.catalogue.add_camera("gate")
    results: list[VideoInfo | AlreadyIndexed] = []
    barrier = threading.Barrier(4)

    def write(seed: int) -> None:
        hash_ = content_hash("v")
        with gallery.writer(hash_, MODEL) as writer:
            for tracklet in make_tracklets(seed, seed + 2):
                writer.add(tracklet)
            barrier.wait()
            try:
                results.append(writer.commit(make_video(hash_, camera.id)))
            except AlreadyIndexed as error:
                results.append(error)

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [result for result in results if isinstance(result, VideoInfo)]
    assert len(results) == 4
    assert len(list((gallery.data_dir / "thumbnails" / winner.id).iterdir())) == winner.tracklet_count
    assert gallery.verify().problems == ()
    assert len(list((gallery.data_dir / "segments").iterdir())) == 1
    assert list((gallery.data_dir / "staging").iterdir()) == []


def test_the_recording_of_a_job_succeeds_with_its_video(gallery: Gallery) -> None:
    camera = gallery.catalogue.add_camera("gate")
    job_id = gallery.jobs.file([NewRecording(camera.id, "/v.mp4", "v.mp4", owned=False, start_time=START)]).id
    claim = gallery.jobs.claim("worker", lease_seconds=60)
    assert claim is not None
    lost = replace(claim, worker="another")
    hash_ = content_hash("v")
    with gallery.writer(hash_, MODEL) as writer:
        writer.add(make_tracklets(1, 1)[0])
        with pytest.raises(LeaseLost):
            writer.commit(make_video(hash_, camera.id), Completion(lost, None, {}))
    assert gallery.jobs.get(job_id).state == "running"
    assert gallery.catalogue.find_video(hash_) is None
    assert [
        p for name in ("segments", "thumbnails", "staging") for p in (gallery.data_dir / name).iterdir()
    ] == []
    with gallery.writer(hash_, MODEL) as writer:
        video = writer.commit(make_video(hash_, camera.id), Completion(claim, "a warning", {"frames": 3}))
    (recording,) = gallery.jobs.get(job_id).recordings
    assert (recording.state, recording.video_id, recording.progress) == ("succeeded", video.id, 1.0)
    assert (recording.reason, recording.counters) == ("a warning", {"frames": 3})


def test_another_model_adds_its_embeddings(gallery: Gallery) -> None:
    tracklets = make_tracklets(1, 3)
    video = store(gallery, "v", tracklets)
    again = [reembedded(tracklet, OTHER.dimension) for tracklet in tracklets]
    assert store(gallery, "v", again, model=OTHER).id == video.id
    assert gallery.snapshot(OTHER.id).search(again[1].feature, limit=1).hits[0].tracklet_id == f"{video.id}-1"
    assert gallery.snapshot(MODEL.id).tracklet_count == 3
    with pytest.raises(AlreadyIndexed):
        store(gallery, "v", again, model=OTHER)
    gallery.erase_video(video.id)
    assert gallery.snapshot(OTHER.id).tracklet_count == gallery.snapshot(MODEL.id).tracklet_count == 0
    assert dump(gallery)["segments"] == {}


def reembedded(tracklet: NewTracklet, dimension: int) -> NewTracklet:
    vector = np.eye(dimension, dtype=np.float32)[len(tracklet.boxes) % dimension]
    return replace(tracklet, feature=vector, clips=[replace(clip, feature=vector) for clip in tracklet.clips])


def test_another_model_with_other_tracklets_is_a_conflict(gallery: Gallery) -> None:
    store(gallery, "v", make_tracklets(1, 3))
    before = dump(gallery)
    for seed, count in ((1, 2), (2, 3)):
        with pytest.raises(Conflict, match="other tracklets"):
            store(gallery, "v", make_tracklets(seed, count, OTHER.dimension), model=OTHER)
    with pytest.raises(Conflict, match="start time"):
        store(
            gallery,
            "v",
            make_tracklets(1, 3, OTHER.dimension),
            model=OTHER,
            start=START + timedelta(seconds=1),
        )
    assert dump(gallery) == before


def test_a_models_dimension_never_changes(gallery: Gallery) -> None:
    store(gallery, "v", make_tracklets(1, 1))
    with pytest.raises(InvalidInput, match="16 dimensions, not 8"):
        store(gallery, "w", make_tracklets(1, 1, 8), model=replace(MODEL, dimension=8))


RANDOM = np.random.default_rng(0)
GOOD = make_tracklet(RANDOM)
NAN = GOOD.feature.copy()
NAN[3] = np.nan


@pytest.mark.parametrize(
    "bad",
    [
        replace(GOOD, feature=NAN),
        replace(GOOD, feature=GOOD.feature * np.float32(np.inf)),
        replace(GOOD, feature=GOOD.feature * 2),
        replace(GOOD, feature=GOOD.feature[:-1]),
        replace(GOOD, feature=GOOD.feature[np.newaxis]),
        replace(GOOD, feature=np.ones(16, np.int64)),
        replace(GOOD, clips=[]),
        replace(GOOD, clips=[replace(GOOD.clips[0], feature=NAN)]),
        replace(GOOD, clips=[replace(GOOD.clips[0], feature=GOOD.feature[:8])]),
        replace(GOOD, clips=[replace(GOOD.clips[0], start_us=5, end_us=4)]),
        replace(GOOD, clips=[replace(GOOD.clips[0], start_us=-1)]),
        replace(GOOD, clips=[replace(GOOD.clips[0], frame_count=0)]),
        replace(GOOD, clips=[replace(GOOD.clips[0], start_us=1), GOOD.clips[1]]),
        replace(GOOD, boxes=GOOD.boxes[::-1]),
        replace(GOOD, boxes=GOOD.boxes[:0]),
        replace(GOOD, quality={"height": float("nan")}),
        replace(GOOD, thumbnail=b""),
        replace(GOOD, thumbnail=b"<html>"),
    ],
)
def test_what_cannot_be_is_refused_and_the_rest_kept(sqlite_gallery: Gallery, bad: NewTracklet) -> None:
    camera = sqlite_gallery.catalogue.add_camera("gate")
    hash_ = content_hash("v")
    with sqlite_gallery.writer(hash_, MODEL) as writer:
        assert writer.add(GOOD).endswith("-0")
        with pytest.raises(InvalidInput):
            writer.add(bad)
        assert writer.add(GOOD).endswith("-1")
        writer.commit(make_video(hash_, camera.id))
    assert sqlite_gallery.snapshot(MODEL.id).tracklet_count == 2
    assert sqlite_gallery.verify().problems == ()


HASH = content_hash("v")
VIDEO = make_video(HASH, 1)


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (replace(VIDEO, content_hash=content_hash("w")), InvalidInput),
        (replace(VIDEO, start_time=datetime(2024, 5, 1)), InvalidInput),
        (replace(VIDEO, duration_us=-1), InvalidInput),
        (replace(VIDEO, duration_us=2**63), InvalidInput),
        (replace(VIDEO, width=0), InvalidInput),
        (replace(VIDEO, frames_decoded=2**31), InvalidInput),
        (replace(VIDEO, file_name=""), InvalidInput),
        (replace(VIDEO, path="nul\0"), InvalidInput),
        (replace(VIDEO, path="\udc80"), InvalidInput),
        (replace(VIDEO, report=VideoReport(detector="\0")), InvalidInput),
        (replace(VIDEO, report=VideoReport(detector="d", detect_fps=math.nan)), InvalidInput),
        (replace(VIDEO, intervals=[(-1, 10)]), InvalidInput),
        (replace(VIDEO, intervals=[(10, 10)]), InvalidInput),
        (replace(VIDEO, intervals=[(0, 10), (10, 20)]), InvalidInput),
        (replace(VIDEO, intervals=[(20, 30), (0, 10)]), InvalidInput),
        (replace(VIDEO, intervals=[(0, VIDEO.duration_us + 1)]), InvalidInput),
        (replace(VIDEO, camera_id=99), NotFound),
        (replace(VIDEO, camera_id=2**40), NotFound),
    ],
)
def test_impossible_videos_are_refused(gallery: Gallery, bad: object, error: type[Exception]) -> None:
    gallery.catalogue.add_camera("gate")
    with gallery.writer(HASH, MODEL) as writer:
        writer.add(GOOD)
        with pytest.raises(error):
            writer.commit(bad)  # type: ignore[arg-type]
    assert gallery.catalogue.find_video(HASH) is None
    assert gallery.sweep().segments == 0
    assert [
        p for name in ("segments", "thumbnails", "staging") for p in (gallery.data_dir / name).glob("*")
    ] == []


@pytest.mark.parametrize("hash_", ["", "a" * 63, "A" * 64, "../" * 20 + "aaaa", "a" * 64 + "\n"])
def test_impossible_hashes_are_refused(sqlite_gallery: Gallery, hash_: str) -> None:
    with pytest.raises(InvalidInput):
        sqlite_gallery.writer(hash_, MODEL)
    assert sqlite_gallery.catalogue.find_video(hash_) is None
    assert sqlite_gallery.catalogue.is_indexed(hash_, MODEL.id) is None


@pytest.mark.parametrize(
    "bad", [replace(MODEL, dimension=0), replace(MODEL, id=""), replace(MODEL, id="a" * 65)]
)
def test_impossible_models_are_refused(sqlite_gallery: Gallery, bad: object) -> None:
    with pytest.raises(InvalidInput):
        sqlite_gallery.writer(HASH, bad)  # type: ignore[arg-type]


def test_a_writer_is_used_in_a_with_statement_and_once(sqlite_gallery: Gallery) -> None:
    camera = sqlite_gallery.catalogue.add_camera("gate")
    writer = sqlite_gallery.writer(HASH, MODEL)
    with pytest.raises(InvalidInput, match="with statement"):
        writer.add(GOOD)
    with writer:
        writer.add(GOOD)
        writer.commit(make_video(HASH, camera.id))
        with pytest.raises(InvalidInput, match="commit once"):
            writer.add(GOOD)


def lose_the_connection(gallery: Gallery, *, after_the_commit: bool) -> None:
    """Have the next writing commit end in an error, before or after the database has done it."""

    def lose(connection: Connection) -> None:
        if not connection.get_execution_options().get(WRITES):
            return
        event.remove(gallery._database.engine, "commit", lose)
        if after_the_commit:
            connection.connection.dbapi_connection.commit()  # type: ignore[union-attr]
        raise OperationalError("COMMIT", {}, ConnectionError("lost"))

    event.listen(gallery._database.engine, "commit", lose)


@pytest.mark.parametrize("after_the_commit", [False, True])
def test_a_commit_with_an_unknown_end_is_whole_or_gone(gallery: Gallery, after_the_commit: bool) -> None:
    camera = gallery.catalogue.add_camera("gate")
    hash_ = content_hash("v")
    with gallery.writer(hash_, MODEL) as writer:
        for tracklet in make_tracklets(1, 3):
            writer.add(tracklet)
        lose_the_connection(gallery, after_the_commit=after_the_commit)
        with pytest.raises(CatalogueUnavailable):
            writer.commit(make_video(hash_, camera.id))
    assert gallery.snapshot(MODEL.id).tracklet_count == (3 if after_the_commit else 0)
    assert gallery.sweep().segments == (0 if after_the_commit else 1)
    if not after_the_commit:
        assert dump(gallery)["segments"] == {}
        store(gallery, "v", make_tracklets(1, 3), camera=camera)
    assert gallery.snapshot(MODEL.id).tracklet_count == 3
    assert gallery.verify().problems == ()


def test_memory_does_not_grow_with_the_video(sqlite_gallery: Gallery) -> None:
    model = replace(MODEL, dimension=2048)
    tracklet = make_tracklet(RANDOM, dimension=2048, count=50, clips=4)
    sqlite_gallery.catalogue.add_camera("gate")
    with sqlite_gallery.writer(HASH, model) as writer:
        writer.add(tracklet)
        tracemalloc.start()
        for _ in range(500):  # 10 MB of vectors, 0.8 MB of boxes
            writer.add(tracklet)
        used, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert used < 500_000
