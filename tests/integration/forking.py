"""Processes to kill: forked from one that has imported everything, so that each starts at once.

Run as `python -m tests.integration.forking`: reads lines of tab-separated data directory, database URL and
videos, and answers each with the id of a forked child that indexes them and says on the same pipe what it is
doing.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from gallery import Gallery, GallerySettings
from indexer.pipeline import index_video
from indexer.settings import IndexSettings
from indexer.types import Recording
from tests.indexer.conftest import START
from tests.indexer.fakes import ColourDetector, TinyEmbedder

SETTINGS = IndexSettings(clip_frames=8, embed_batch=16)


class Announcer:
    """Says when a stage begins."""

    def __init__(self) -> None:
        self._stage = ""

    def update(self, stage: str, fraction: float, counters: Mapping[str, int]) -> None:
        if stage != self._stage:
            self._stage = stage
            say(stage)


def say(word: str) -> None:
    os.write(1, f"{word}\n".encode())


def index(data_dir: str, database_url: str, *videos: str) -> None:
    settings = GallerySettings(data_dir=Path(data_dir), database_url=database_url)
    with Gallery.open(settings) as gallery:
        gallery.sweep()
        camera = gallery.catalogue.get_or_add_camera("gate")
        for path in map(Path, videos):
            recording = Recording(path, camera.id, START, path.name)
            index_video(
                gallery,
                TinyEmbedder(seconds=0.01),
                ColourDetector(seconds=0.005),
                recording,
                SETTINGS,
                progress=Announcer(),
            )


def serve() -> None:
    """Fork a child a line until the input ends."""
    say("ready")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                index(*line.rstrip("\n").split("\t"))
            except BaseException:  # noqa: BLE001  (a child must not go on as its parent)
                sys.excepthook(*sys.exc_info())
                os._exit(1)
            os._exit(0)
        say(f"pid {child}")
        _, status = os.waitpid(child, 0)
        say(f"end {status}")


if __name__ == "__main__":
    serve()
