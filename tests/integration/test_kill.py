"""An indexer killed at any moment and run again leaves exactly what an undisturbed one leaves."""

import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gallery import Gallery, GallerySettings
from tests.conftest import TEMPLATE
from tests.indexer.contents import contents
from tests.indexer.videos import make_video
from tests.postgres import PostgresServer
from tests.waiting import PATIENCE

COMMIT_SECONDS = 0.06  # about how long a commit takes


class Indexer:
    """Indexes two recordings in a process of its own, as often as is asked."""

    def __init__(self, videos: list[Path]) -> None:
        self.videos = videos
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.forking"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert self._line() == "ready"

    def run(self, settings: GallerySettings, *, kill_at: float | None = None, after: str = "") -> bool:
        """Index; with `kill_at`, kill so long after the last stage of `after` began. False: it was killed."""
        assert self._process.stdin is not None
        request = [str(settings.data_dir), settings.resolved_database_url, *map(str, self.videos)]
        self._process.stdin.write("\t".join(request) + "\n")
        self._process.stdin.flush()
        wanted = after.split()
        killer: threading.Timer | None = None
        child = 0
        while not (line := self._line()).startswith("end "):
            if line.startswith("pid "):
                child = int(line.removeprefix("pid "))
            elif wanted and line == wanted[0]:
                wanted.pop(0)
            if killer is None and kill_at is not None and child and not wanted:
                killer = threading.Timer(kill_at, os.kill, (child, signal.SIGKILL))
                killer.start()
        if killer is not None:
            killer.cancel()
            killer.join()
        status = int(line.removeprefix("end "))
        assert status in {0, signal.SIGKILL}
        return status == 0

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        assert self._process.wait(PATIENCE) == 0
        self._process.stdout.close()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the indexing process has died"
        return line.rstrip("\n")


@pytest.fixture(scope="module")
def indexer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Indexer]:
    folder = tmp_path_factory.mktemp("recordings")
    running = Indexer([make_video(folder / f"{seed}.mp4", seed=seed) for seed in range(2)])
    yield running
    running.close()


def everything(settings: GallerySettings) -> dict[str, Any]:
    """What the gallery holds; nothing may lie about that it does not name."""
    with Gallery.open(settings) as gallery:
        gallery.sweep()
        assert list(gallery.data_dir.glob("staging/*")) == []
        segments = list(gallery.data_dir.glob("segments/*"))
        assert len(segments) == len(gallery.catalogue.videos()) == 2
        assert len(list(gallery.data_dir.glob("thumbnails/*"))) == 2
        assert gallery.snapshot("0" * 64).tracklet_count == 6
        return contents(gallery)


def moments(number: int, seconds: float) -> list[tuple[float, str]]:
    """Half anywhere in a run of `seconds`, half around the commits of the first and the second recording."""
    rng = random.Random(20)
    anywhere = [(rng.uniform(0, seconds), "") for _ in range(number // 2)]
    commits = ["commit", "commit hash commit"]
    return anywhere + [
        (rng.uniform(0, COMMIT_SECONDS), commits[position % 2]) for position in range(number - len(anywhere))
    ]


@pytest.mark.long
@pytest.mark.parametrize("number", [6, pytest.param(40, marks=pytest.mark.long)])
def test_killed_on_sqlite(indexer: Indexer, sqlite_template: Path, tmp_path: Path, number: int) -> None:
    def empty(name: str) -> GallerySettings:
        folder = tmp_path / name
        folder.mkdir()
        shutil.copyfile(sqlite_template, folder / "gallery.sqlite3")
        return GallerySettings(data_dir=folder, database_url=f"sqlite:///{folder / 'gallery.sqlite3'}")

    undisturbed = empty("undisturbed")
    began = time.monotonic()
    assert indexer.run(undisturbed)
    seconds = time.monotonic() - began
    expected = everything(undisturbed)
    killed = 0
    for turn, (moment, after) in enumerate(moments(number, seconds)):
        settings = empty(str(turn))
        killed += not indexer.run(settings, kill_at=moment, after=after)
        assert indexer.run(settings)
        assert everything(settings) == expected, f"killed {moment:.3f} s after {after or 'the start'}"
        shutil.rmtree(settings.data_dir)
    assert killed >= number // 4  # on a machine that gets quicker some runs finish first


@pytest.mark.parametrize("number", [2, pytest.param(20, marks=pytest.mark.long)])
def test_killed_on_postgresql(
    indexer: Indexer, postgres_server: PostgresServer, tmp_path: Path, number: int
) -> None:
    def empty(name: str) -> GallerySettings:
        folder = tmp_path / name
        folder.mkdir()
        return GallerySettings(data_dir=folder, database_url=postgres_server.create(name, TEMPLATE))

    undisturbed = empty(f"undisturbed_{number}")
    began = time.monotonic()
    assert indexer.run(undisturbed)
    seconds = time.monotonic() - began
    expected = everything(undisturbed)
    for turn, (moment, after) in enumerate(moments(number, seconds)):
        settings = empty(f"killed_{number}_{turn}")
        indexer.run(settings, kill_at=moment, after=after)
        assert indexer.run(settings)
        assert everything(settings) == expected, f"killed {moment:.3f} s after {after or 'the start'}"
