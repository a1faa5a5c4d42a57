"""A video that replaces itself: in one transaction, with its vectors, rows and thumbnails."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gallery.errors import LeaseLost
from gallery.gallery import Gallery
from gallery.records.jobs import Completion, NewRecording
from gallery.records.searching import Filters
from gallery.records.videos import VideoInfo
from tests.gallery.dump import dump
from tests.gallery.making import MODEL, START, content_hash, make_tracklets, make_video, store

OTHER = replace(MODEL, id="b" * 64)
QUERY = make_tracklets(99, 1)[0].feature


def found(gallery: Gallery, model_id: str = MODEL.id) -> list[tuple[str, float]]:
    hits = gallery.snapshot(model_id).search(QUERY, limit=99).hits
    return sorted((hit.tracklet_id, round(hit.score, 5)) for hit in hits)


def thumbnails(gallery: Gallery, video: VideoInfo) -> list[bytes]:
    return [
        gallery.catalogue.thumbnail_path(f"{video.id}-{number}").read_bytes()
        for number in range(video.tracklet_count)
    ]


@pytest.mark.parametrize("merged", [False, True])
def test_other_tracklets_replace_all(gallery: Gallery, merged: bool) -> None:
    old = make_tracklets(1, 4)
    store(gallery, "v", old)
    store(gallery, "v", old, model=OTHER)
    store(gallery, "w", make_tracklets(2, 2))
    if merged:
        gallery.compact()
    new = make_tracklets(3, 2)
    cut = gallery.data_dir / "cache" / content_hash("v")[:32]
    cut.mkdir(parents=True)

    video = store(gallery, "v", new, replace=True)

    assert video.tracklet_count == 2
    assert thumbnails(gallery, video) == [tracklet.thumbnail for tracklet in new]
    hits = dict(found(gallery))
    assert len(hits) == 4
    for number, tracklet in enumerate(new):
        assert hits[f"{video.id}-{number}"] == pytest.approx(float(tracklet.feature @ QUERY), abs=2e-3)
    assert found(gallery, OTHER.id) == []  # they were of other tracklets
    assert not cut.exists()
    report = gallery.verify()
    assert report.problems == ()
    before = found(gallery)
    gallery.compact()
    assert found(gallery) == before


def test_the_same_tracklets_keep_other_models(gallery: Gallery) -> None:
    tracklets = make_tracklets(1, 3)
    store(gallery, "v", tracklets)
    store(gallery, "v", tracklets, model=OTHER)
    before, others = found(gallery), found(gallery, OTHER.id)
    store(gallery, "v", tracklets, replace=True)
    assert (found(gallery), found(gallery, OTHER.id)) == (before, others)
    assert len(list((gallery.data_dir / "segments").iterdir())) == 2
    assert gallery.verify().problems == ()


@pytest.mark.parametrize("dies", ["before its commit", "after it"])
def test_strips_are_those_of_the_rows_also_before_they_are_in_their_place(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    """The writer ends between the two steps: the strips of the new tracklets wait beside the old ones."""
    old, new = make_tracklets(1, 2), make_tracklets(2, 2)
    video = store(gallery, "v", old)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    if dies == "after it":
        monkeypatch.setattr("gallery.writing.writer.settle_thumbnails", die)
    else:
        monkeypatch.setattr("gallery.writing.writer.writer_rows.insert_segment", die)
        monkeypatch.setattr("gallery.writing.writer.discard_tree", lambda *_: True)
    with pytest.raises(KeyboardInterrupt):
        store(gallery, "v", new, replace=True)
    there = new if dies == "after it" else old
    assert thumbnails(gallery, video) == [tracklet.thumbnail for tracklet in there]
    gallery.sweep()
    assert thumbnails(gallery, video) == [tracklet.thumbnail for tracklet in there]


def test_a_video_that_is_not_there_is_just_stored(gallery: Gallery) -> None:
    video = store(gallery, "v", make_tracklets(1, 2), replace=True)
    assert len(found(gallery)) == video.tracklet_count == 2


def test_another_start_and_camera(gallery: Gallery) -> None:
    store(gallery, "v", make_tracklets(1, 2))
    yard = gallery.catalogue.add_camera("yard")
    later = START + timedelta(days=1)
    store(gallery, "v", make_tracklets(1, 2), replace=True, camera=yard, start=later)
    ranking = gallery.snapshot(MODEL.id).search(
        QUERY, limit=9, filters=Filters(start=later, camera_ids=frozenset({yard.id}))
    )
    assert ranking.compared == 2


def test_it_replaces_damage(gallery: Gallery) -> None:
    tracklets = make_tracklets(1, 3)
    store(gallery, "v", tracklets)
    right = found(gallery)
    for file in (
        *gallery.data_dir.glob("segments/*/tracklets.faiss"),
        *gallery.data_dir.glob("thumbnails/*/1.jpg"),
    ):
        file.write_bytes(file.read_bytes()[:-1] + b"x")
    (damaged,) = gallery.verify().damaged
    assert damaged.video_id == content_hash("v")[:32]
    store(gallery, "v", tracklets, replace=True)
    assert gallery.verify().problems == ()
    assert found(gallery) == right
    assert gallery.snapshot(MODEL.id).damaged == ()


def test_a_lost_lease_replaces_nothing(gallery: Gallery) -> None:
    video = store(gallery, "v", make_tracklets(1, 3))
    gallery.jobs.file([NewRecording(video.camera_id, "/v", "v", owned=False, start_time=START)])
    claim = gallery.jobs.claim("worker", lease_seconds=60)
    assert claim is not None
    before = dump(gallery)
    with gallery.writer(video.content_hash, MODEL) as writer:
        writer.add(make_tracklets(2, 1)[0])
        with pytest.raises(LeaseLost):
            writer.commit(
                make_video(video.content_hash, video.camera_id),
                Completion(replace(claim, worker="another"), None, {}),
                replace=True,
            )
    assert dump(gallery) == before
