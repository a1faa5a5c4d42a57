"""Several processes write, compact, sweep and erase while one searches: every answer is whole and right."""

import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from gallery.gallery import Gallery
from gallery.records.searching import Filters
from gallery.settings import GallerySettings
from tests.gallery.making import MODEL, content_hash, make_tracklets
from tests.gallery.writing.crowd import erase_all, maintain, write
from tests.waiting import PATIENCE

SECONDS = PATIENCE  # at most


@pytest.mark.long
@pytest.mark.parametrize("maintained", [1.5, pytest.param(60.0, marks=pytest.mark.long)])
def test_everybody_at_once(gallery_settings: GallerySettings, maintained: float) -> None:
    names = [f"video {letter}" for letter in "abcdefghijklmnop"]
    doomed = {content_hash(name)[:32] for name in names[:4]}
    expected = {
        f"{content_hash(name)[:32]}-{number}": tracklet.feature.astype(np.float16).astype(np.float32)
        for name in names
        for number, tracklet in enumerate(make_tracklets(len(name) * 100 + ord(name[-1]), 4))
    }
    query = make_tracklets(1, 1)[0].feature
    scores = {key: float(vector @ query) for key, vector in expected.items()}
    with Gallery.open(gallery_settings) as gallery, ProcessPoolExecutor(5, get_context("spawn")) as pool:
        writers = [pool.submit(write, gallery_settings, who, names) for who in range(2)]
        compactors = [pool.submit(maintain, gallery_settings, maintained) for _ in range(2)]
        eraser = pool.submit(erase_all, gallery_settings, sorted(doomed), SECONDS)
        running = [*writers, *compactors, eraser]
        searches, changes = 0, [0]
        deadline = time.monotonic() + SECONDS
        while not all(job.done() for job in running) and time.monotonic() < deadline:
            ranking = gallery.snapshot(MODEL.id).search(query, limit=100)
            found = [hit.tracklet_id for hit in ranking.hits]
            assert len(set(found)) == len(found) == ranking.compared
            for video_id in {key.partition("-")[0] for key in found}:  # all of a video or nothing
                assert {f"{video_id}-{n}" for n in range(4)} <= set(found)
            assert found == sorted(found, key=lambda key: (-scores[key], key))
            few = gallery.snapshot(MODEL.id).search(
                query, limit=3, filters=Filters(video_ids=frozenset(doomed))
            )
            assert all(hit.tracklet_id.partition("-")[0] in doomed for hit in few.hits)
            searches += 1
            changes.append(ranking.change)
        assert changes == sorted(changes)
        firsts = [job.result() for job in writers]
        assert eraser.result() == 4
        assert sum(job.result() for job in compactors) > 0
        # An erased recording may be indexed again by the slower writer; everything else exactly once.
        assert 16 <= sum(firsts) <= 20
        assert searches > 10
        there = {video.id for video in gallery.catalogue.videos(limit=100)}
        hits = gallery.snapshot(MODEL.id).search(query, limit=100).hits
        assert {hit.tracklet_id for hit in hits} == {
            f"{video_id}-{n}" for video_id in there for n in range(4)
        }
        assert len(there | doomed) == 16
        assert gallery.verify().problems == ()
        assert list((gallery.data_dir / "staging").iterdir()) == []
