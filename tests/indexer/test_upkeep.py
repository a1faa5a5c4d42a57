"""What a worker does for its gallery between recordings, where no recording is needed to see it."""

import numpy as np
import pytest

from gallery import Gallery
from gallery.errors import StorageFull
from gallery.writing import cluster
from gallery.writing.cluster import Clustering
from indexer import upkeep
from indexer.upkeep import Upkeep
from tests.gallery.making import make_tracklet, store


def look_after(gallery: Gallery) -> Upkeep:
    return Upkeep(gallery, "worker", lambda action: action(), lambda: False, None)


@pytest.fixture
def large(sqlite_gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> Gallery:
    """Two cameras with a large segment each."""
    monkeypatch.setattr(cluster, "MAPPED_FROM", 40)
    random = np.random.default_rng(1)
    for name in ("gate", "yard"):
        tracklets = [make_tracklet(random, count=1, clips=1) for _ in range(80)]
        store(sqlite_gallery, name, tracklets, camera=sqlite_gallery.catalogue.add_camera(name))
    return sqlite_gallery


def made(gallery: Gallery) -> int:
    return len([*(gallery.data_dir / "clusters").glob("*")])


def test_clusters_are_made_segment_by_segment(large: Gallery) -> None:
    worker = look_after(large)
    worker.cluster()
    assert made(large) == 0  # it is a small gallery
    large._clustering = Clustering(from_tracklets=100)
    worker.cluster()
    assert made(large) == 0  # it was looked a moment ago
    worker = look_after(large)
    worker.cluster()
    assert made(large) == 1
    worker.cluster()
    assert made(large) == 2
    large._clustering = Clustering()
    worker.cluster()
    assert made(large) == 0


def test_a_full_disk_is_no_reason_to_stop(large: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_arguments: object) -> None:
        raise StorageFull("no room")

    large._clustering = Clustering(from_tracklets=100)
    worker = look_after(large)
    with monkeypatch.context() as patched:
        patched.setattr(cluster, "make_clusters", full)
        worker.cluster()
    assert not any((large.data_dir / "staging").iterdir())
    monkeypatch.setattr(upkeep, "CLUSTER_SECONDS", 0.0)
    worker = look_after(large)
    worker.cluster()
    assert made(large) == 1
