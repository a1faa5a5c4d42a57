"""Features of another model beside those that are there: all of them, or none."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from gallery.errors import AlreadyIndexed, Conflict, InvalidInput, NotFound
from gallery.gallery import Gallery
from gallery.records.tracklets import TrackletInfo
from gallery.records.videos import ModelInfo, VideoInfo
from tests.gallery.making import MODEL, make_tracklets, store, unit

OTHER = ModelInfo(id="b" * 64, name="other", dimension=8, card={"name": "other"})
Feature = NDArray[np.float32]


def features(gallery: Gallery, video: VideoInfo) -> Iterator[tuple[TrackletInfo, Feature, Feature]]:
    random = np.random.default_rng(5)
    for tracklet in gallery.catalogue.tracklets_of(video.id, with_boxes=True):
        assert tracklet.boxes is not None
        clips = unit(random.standard_normal((len(tracklet.clips), OTHER.dimension)))
        yield tracklet, unit(random.standard_normal(OTHER.dimension)), clips


def write(gallery: Gallery, video: VideoInfo) -> VideoInfo:
    with gallery.feature_writer(video, OTHER) as writer:
        for tracklet, feature, clips in features(gallery, video):
            writer.add(tracklet, feature, clips)
        return writer.commit()


def test_both_models_find_the_video(gallery: Gallery) -> None:
    video = store(gallery, "a", make_tracklets(1, 3))
    assert write(gallery, video) == video
    for number, (tracklet, feature, _) in enumerate(features(gallery, video)):
        (hit,) = gallery.snapshot(OTHER.id).search(feature, limit=1).hits
        assert (hit.tracklet_id, tracklet.number) == (f"{video.id}-{number}", number)
    assert gallery.snapshot(MODEL.id).tracklet_count == 3
    with pytest.raises(AlreadyIndexed):
        write(gallery, video)
    assert not gallery.verify().problems
    gallery.compact()
    gallery.erase_video(video.id)
    assert [gallery.snapshot(model.id).tracklet_count for model in (MODEL, OTHER)] == [0, 0]
    with gallery.feature_writer(video, OTHER) as writer, pytest.raises(NotFound):
        writer.commit()


def test_what_cannot_be_stored_leaves_nothing(sqlite_gallery: Gallery) -> None:
    video = store(sqlite_gallery, "a", make_tracklets(1, 3))
    (first, feature, clips), (second, *_), _ = features(sqlite_gallery, video)
    with sqlite_gallery.feature_writer(video, OTHER) as writer:
        with pytest.raises(InvalidInput, match="clips of tracklet"):
            writer.add(first, feature, clips[:0])
        for wrong in (feature * 2, feature[:-1], np.full_like(feature, np.nan)):
            with pytest.raises(InvalidInput):
                writer.add(first, wrong, clips)
        writer.add(second, feature, clips)
        with pytest.raises(InvalidInput, match="after number 1 of video"):
            writer.add(first, feature, clips)
        with pytest.raises(Conflict, match="1 of the 3"):
            writer.commit()
    with pytest.raises(InvalidInput, match="not open"):
        writer.add(first, feature, clips)
    assert sqlite_gallery.snapshot(OTHER.id).tracklet_count == 0
    assert list(sqlite_gallery.data_dir.glob("staging/*")) == []
    assert len(list(sqlite_gallery.data_dir.glob("segments/*"))) == 1
