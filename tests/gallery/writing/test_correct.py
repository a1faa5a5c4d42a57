"""Correcting a video: every search that begins afterwards finds it as if it had been right from the start."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gallery.errors import Conflict, CorruptSegment, InvalidInput, NotFound
from gallery.gallery import Gallery
from gallery.records.searching import Filters
from gallery.records.videos import FileStamp, VideoInfo
from gallery.settings import GallerySettings
from gallery.writing import correct
from tests.gallery.making import MODEL, START, content_hash, make_tracklets, store

OTHER = replace(MODEL, id="b" * 64)
QUERY = make_tracklets(99, 1)[0].feature
LATER = START + timedelta(days=1)


def found(gallery: Gallery, model_id: str = MODEL.id, **filters: Any) -> list[str]:
    """Ids of the tracklets that pass, best first."""
    ranking = gallery.snapshot(model_id).search(QUERY, limit=1000, filters=Filters(**filters))
    return [hit.tracklet_id for hit in ranking.hits]


def of(video: VideoInfo, ids: Sequence[str]) -> list[str]:
    return [tracklet_id for tracklet_id in ids if tracklet_id.startswith(video.id)]


@pytest.mark.parametrize("compacted", [False, True])
def test_a_wrong_start_time(gallery: Gallery, compacted: bool) -> None:
    wrong = store(
        gallery, "wrong", make_tracklets(1, 3), intervals=[(0, 10_000_000), (20_000_000, 60_000_000)]
    )
    other = store(gallery, "other", make_tracklets(2, 3))
    if compacted:
        gallery.compact()
    before = found(gallery)
    held = gallery.snapshot(MODEL.id)

    right = gallery.correct_video(wrong.id, start_time=LATER, key_id="k")

    assert right == replace(wrong, start_time=LATER, end_time=LATER + timedelta(minutes=1))
    assert gallery.catalogue.video(wrong.id) == right
    assert found(gallery) == before
    assert found(gallery, end=LATER) == of(other, before)
    assert found(gallery, start=LATER) == of(wrong, before)
    assert gallery.catalogue.tracklet(f"{wrong.id}-1").start_time == LATER + timedelta(seconds=10)
    (camera,) = gallery.catalogue.coverage(Filters(start=LATER), MODEL.id).cameras
    assert camera.seconds_indexed == 50
    assert [gap.start for gap in camera.missing] == [LATER + timedelta(seconds=10)]
    assert [hit.tracklet_id for hit in held.search(QUERY, limit=10).hits] == before
    (event,) = gallery.audit.events(action="video.edit")
    assert (event.key_id, event.subject) == ("k", wrong.id)
    assert event.detail["start_time"] == [START.isoformat(), LATER.isoformat()]
    assert gallery.verify().problems == ()
    gallery.compact()
    assert found(gallery) == before
    assert found(gallery, start=LATER) == of(wrong, before)


def test_a_shift_that_intervals_meet_on(gallery: Gallery) -> None:
    """Each interval begins where the next one was."""
    intervals = [(second * 1_000_000, second * 1_000_000 + 500_000) for second in range(5)]
    video = store(gallery, "v", [], intervals=intervals)
    gallery.correct_video(video.id, start_time=START + timedelta(seconds=1))
    (camera,) = gallery.catalogue.coverage(Filters(), MODEL.id).cameras
    assert (camera.seconds_indexed, camera.first) == (2.5, START + timedelta(seconds=1))


def test_a_wrong_camera(gallery: Gallery) -> None:
    video = store(gallery, "v", make_tracklets(1, 3))
    stays = store(gallery, "w", make_tracklets(2, 3))
    gallery.compact()
    yard = gallery.catalogue.add_camera("yard")
    ids = found(gallery)

    gallery.correct_video(video.id, camera_id=yard.id)

    assert found(gallery, camera_ids=frozenset({yard.id})) == of(video, ids)
    assert found(gallery, camera_ids=frozenset({stays.camera_id})) == of(stays, ids)
    assert gallery.catalogue.tracklet(f"{video.id}-0").camera_id == yard.id
    assert [v.id for v in gallery.catalogue.videos(camera_id=yard.id)] == [video.id]
    with pytest.raises(NotFound):
        gallery.correct_video(video.id, camera_id=99)
    with pytest.raises(Conflict):
        gallery.catalogue.remove_camera(yard.id)


def test_all_models_follow(gallery: Gallery) -> None:
    tracklets = make_tracklets(1, 3)
    video = store(gallery, "v", tracklets)
    store(gallery, "v", tracklets, model=OTHER)
    gallery.correct_video(video.id, start_time=LATER)
    for model in (MODEL, OTHER):
        assert len(found(gallery, model.id, start=LATER)) == 3
        assert found(gallery, model.id, end=LATER) == []


def test_a_path_changes_no_segment(gallery: Gallery) -> None:
    video = store(gallery, "v", make_tracklets(1, 2))
    segments = sorted((gallery.data_dir / "segments").iterdir())
    stamp = FileStamp(1, 2, 2**63 - 1)
    moved = gallery.correct_video(video.id, path="/new/x.mp4", file_name="y.mp4", stamp=stamp)
    assert moved == replace(video, path="/new/x.mp4", file_name="y.mp4", stamp=stamp)
    assert sorted((gallery.data_dir / "segments").iterdir()) == segments


def test_what_cannot_be_right_is_refused(gallery: Gallery, subtests: pytest.Subtests) -> None:
    video = store(gallery, "v", make_tracklets(1, 2))
    hostile: list[dict[str, Any]] = [
        {"start_time": datetime(2024, 5, 1)},
        {"start_time": datetime(1969, 5, 1, tzinfo=START.tzinfo)},
        {"start_time": datetime(2199, 12, 31, 23, 59, 59, tzinfo=START.tzinfo)},
        {"path": "\0"},
        {"file_name": ""},
    ]
    for values in hostile:
        with subtests.test(values=values), pytest.raises(InvalidInput):
            gallery.correct_video(video.id, **values)
    for missing in ("f" * 32, "../x", ""):
        with pytest.raises(NotFound):
            gallery.correct_video(missing, path="/y")
    assert gallery.catalogue.video(video.id) == video
    assert gallery.audit.events(action="video.edit") == []


def test_an_uploaded_recording_stays_where_it_is(gallery: Gallery) -> None:
    video = store(gallery, "v", [], path="/uploads/v", owned=True)
    with pytest.raises(Conflict, match="uploaded"):
        gallery.correct_video(video.id, path="/home/somebody/v.mp4")


def test_a_damaged_segment_gets_no_new_checksum(sqlite_gallery: Gallery) -> None:
    video = store(sqlite_gallery, "v", make_tracklets(1, 2))
    (file,) = (sqlite_gallery.data_dir / "segments").glob("*/clips.f16")
    content = bytearray(file.read_bytes())
    content[3] ^= 64
    file.write_bytes(content)
    with pytest.raises(CorruptSegment):
        sqlite_gallery.correct_video(video.id, start_time=LATER)
    assert sqlite_gallery.catalogue.video(video.id) == video
    assert len(list((sqlite_gallery.data_dir / "segments").iterdir())) == 1
    assert list((sqlite_gallery.data_dir / "staging").iterdir()) == []


def test_compaction_in_between(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy is made from a segment that is gone when it becomes visible."""
    videos = [store(gallery, number, make_tracklets(number, 2)) for number in range(3)]
    before = found(gallery)
    copy = correct._copy

    def copy_then_compact(*arguments: Any) -> Any:
        made = copy(*arguments)
        gallery.compact()
        return made

    monkeypatch.setattr(correct, "_copy", copy_then_compact)
    gallery.correct_video(videos[0].id, start_time=LATER)
    assert found(gallery) == before
    assert found(gallery, start=LATER) == of(videos[0], before)
    assert gallery.verify().problems == ()
    gallery.compact()
    assert found(gallery, start=LATER) == of(videos[0], before)


@pytest.mark.parametrize("seed", range(4))
def test_any_history_answers_like_a_gallery_that_was_always_right(
    sqlite_gallery: Gallery, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    gallery = sqlite_gallery
    cameras = [gallery.catalogue.add_camera(name).id for name in "ab"]
    truth: dict[int, tuple[datetime, int]] = {}
    for step in range(25):
        action = chance.choice(["store", "store", "correct", "correct", "erase", "compact", "search"])
        start = START + timedelta(seconds=chance.randrange(100))
        camera = chance.choice(cameras)
        if action == "store":
            truth[step] = (START, cameras[0])
            store(gallery, step, make_tracklets(step, 3), camera=gallery.catalogue.camera(cameras[0]))
        elif action == "compact":
            gallery.compact()
        elif action == "search":
            found(gallery)
        elif truth and action == "erase":
            gallery.erase_video(content_hash(number := chance.choice(list(truth)))[:32])
            del truth[number]
        elif truth:
            number = chance.choice(list(truth))
            gallery.correct_video(content_hash(number)[:32], start_time=start, camera_id=camera)
            truth[number] = (start, camera)
    with Gallery.open(GallerySettings(data_dir=tmp_path / "right"), create=True) as right:
        for name in "ab":
            right.catalogue.add_camera(name)
        for number, (start, camera) in truth.items():
            where = right.catalogue.camera(camera)
            store(right, number, make_tracklets(number, 3), camera=where, start=start)
        for first in range(0, 130, 10):
            for camera_ids in (None, frozenset({cameras[0]}), frozenset({cameras[1]})):
                filters: dict[str, Any] = {
                    "start": START + timedelta(seconds=first),
                    "end": START + timedelta(seconds=first + 15),
                    "camera_ids": camera_ids,
                }
                assert found(gallery, **filters) == found(right, **filters)
    assert gallery.verify().problems == ()
