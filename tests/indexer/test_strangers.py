"""Photos from the gallery against people who were seen beside them."""

import numpy as np

from gallery import Gallery
from indexer.gallery_source import GallerySource, Range
from indexer.pipeline import index_video
from indexer.settings import IndexSettings
from indexer.strangers import evidence_of_strangers
from indexer.types import Recording
from models.adaptation.links import seen_together
from tests.indexer.fakes import ColourDetector, TinyEmbedder


def test_each_photo_is_compared_with_who_was_beside_it(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings
) -> None:
    embedder = TinyEmbedder()
    index_video(sqlite_gallery, embedder, ColourDetector(), recording, settings)
    source = GallerySource(sqlite_gallery, settings, Range(), embedder.preprocessing)
    apart = seen_together(source.sightings()).apart
    assert len(apart) == 3, "three people who walk at the same time"

    found = evidence_of_strangers(sqlite_gallery, embedder, settings)  # type: ignore[arg-type]

    assert [len(one.scores) for one in found] == [2, 2, 2]
    assert all(np.isfinite(one.matrix()).all() for one in found)
    assert max(one.cosines.max() for one in found) < 0.999, "nobody is compared with themselves"


def test_a_gallery_of_nobody_and_recordings_that_are_gone_give_nothing(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings
) -> None:
    embedder = TinyEmbedder()
    assert evidence_of_strangers(sqlite_gallery, embedder, settings) == []  # type: ignore[arg-type]
    index_video(sqlite_gallery, embedder, ColourDetector(), recording, settings)
    recording.path.rename(recording.path.with_suffix(".gone"))
    assert evidence_of_strangers(sqlite_gallery, embedder, settings) == []  # type: ignore[arg-type]
    other = TinyEmbedder(model="1")  # nothing is embedded with it
    recording.path.with_suffix(".gone").rename(recording.path)
    assert evidence_of_strangers(sqlite_gallery, other, settings) == []  # type: ignore[arg-type]
