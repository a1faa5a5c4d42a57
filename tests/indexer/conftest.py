"""Recordings and settings to index with."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gallery import Gallery
from indexer.settings import IndexSettings
from indexer.types import Recording
from tests.indexer.videos import make_video

START = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def crowd_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds, three people."""
    return make_video(tmp_path_factory.mktemp("videos") / "crowd.mp4")


@pytest.fixture
def settings() -> IndexSettings:
    """The defaults, with clips short enough that every tracklet has several."""
    return IndexSettings(clip_frames=8, embed_batch=16)


@pytest.fixture
def recording(sqlite_gallery: Gallery, crowd_video: Path) -> Recording:
    """The three people, seen by a camera of the gallery."""
    camera = sqlite_gallery.catalogue.get_or_add_camera("gate")
    return Recording(crowd_video, camera.id, START, crowd_video.name)
