"""Recordings, and what one machine makes of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gallery import Gallery, GallerySettings
from indexer.pipeline import index_video
from indexer.settings import IndexSettings
from indexer.types import Recording
from tests.indexer.cluster.fakes import ChangesDetector
from tests.indexer.conftest import START
from tests.indexer.contents import contents
from tests.indexer.fakes import TinyEmbedder
from tests.indexer.videos import make_video

INDEXED = ("camera", "model", "video", "tracklet", "clip", "segments", "thumbnails")
SETTINGS = IndexSettings(clip_frames=8, embed_batch=16, renew_seconds=0.05, poll_seconds=0.05)


def indexed(gallery: Gallery) -> dict[str, Any]:
    """What was found and embedded, without who did it when."""
    found = contents(gallery, {"video": {"tracklets_change"}})  # recordings end in any order
    return {name: found[name] for name in INDEXED}


@pytest.fixture(scope="package")
def crowds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Eight seconds of three people, twice."""
    folder = tmp_path_factory.mktemp("crowds")
    return [make_video(folder / f"crowd{seed}.mp4", seed=seed) for seed in range(2)]


@pytest.fixture(scope="package")
def on_one_machine(
    crowds: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[dict[str, Any]]]:
    """The contents of a gallery of the first recording, and of one of both."""
    settings = GallerySettings(data_dir=tmp_path_factory.mktemp("one") / "gallery")
    with Gallery.open(settings, create=True) as gallery:
        camera = gallery.catalogue.get_or_add_camera("gate")
        made = []
        for path in crowds:
            recording = Recording(path, camera.id, START, path.name)
            index_video(gallery, TinyEmbedder(), ChangesDetector(), recording, SETTINGS)
            made.append(indexed(gallery))
        yield made
