"""What goes wrong. Each fault is a context: it is there inside, and gone afterwards."""

import errno
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.house import LEASE_SECONDS, WORKERS, House
from tests.chaos.proxy import Proxy
from tests.postgres import PostgresServer
from tests.waiting import take_time

HOUR = 3600
_BALLAST = 1 << 20


class Scene:
    """What a fault may touch; `postgres` and `proxy` are None on SQLite."""

    def __init__(
        self, house: House, random_: random.Random, postgres: PostgresServer | None, proxy: Proxy | None
    ) -> None:
        self.house = house
        self.random = random_
        self.postgres = postgres
        self.proxy = proxy

    def while_it_lasts(self) -> None:
        """Let the fault be there for a while."""
        take_time(self.random.uniform(0.1, 2.0))


@contextmanager
def nothing(_scene: Scene) -> Iterator[None]:
    """Two workers and an indexer on the same recordings, and searchers."""
    yield


@contextmanager
def kill_worker(scene: Scene) -> Iterator[None]:
    """One worker is killed."""
    scene.house.kill(scene.random.choice(WORKERS))
    yield


@contextmanager
def kill_server(scene: Scene) -> Iterator[None]:
    """The server is killed."""
    scene.house.kill("server")
    yield


@contextmanager
def kill_indexer(scene: Scene) -> Iterator[None]:
    """`sightline index` is killed."""
    scene.house.kill("indexer")
    yield


@contextmanager
def kill_everything(scene: Scene) -> Iterator[None]:
    """All processes die at once."""
    scene.house.kill_all()
    yield


@contextmanager
def kill_postgresql(scene: Scene) -> Iterator[None]:
    """PostgreSQL is killed, and started again after a while."""
    assert scene.postgres is not None
    scene.postgres.process.kill()
    scene.postgres.process.wait()
    scene.while_it_lasts()
    scene.postgres.start()
    yield


@contextmanager
def partition(scene: Scene) -> Iterator[None]:
    """The network between a worker and PostgreSQL is cut, until after its lease has run out."""
    assert scene.proxy is not None
    scene.proxy.cut()
    take_time(scene.random.choice([0.5, LEASE_SECONDS + 1.0]))
    scene.proxy.heal(reset=scene.random.random() < 0.5)
    yield


@contextmanager
def clock_off(scene: Scene) -> Iterator[None]:
    """A worker whose clock is an hour off (see `tests.chaos.rounds`) is killed, or lives."""
    if scene.random.random() < 0.5:
        scene.house.kill("w1")
    yield


@contextmanager
def disk_full(scene: Scene) -> Iterator[None]:
    """Nothing more fits onto the disk of the gallery's folder."""
    ballast = scene.house.settings.data_dir.parent / "ballast"
    _fill(ballast)
    scene.while_it_lasts()
    ballast.unlink()
    yield


@contextmanager
def read_only(scene: Scene) -> Iterator[None]:
    """Nobody may make or remove anything in the gallery's folder."""
    data_dir = scene.house.settings.data_dir
    folders = [data_dir, *(entry for entry in data_dir.glob("*") if entry.is_dir())]
    modes = {folder: folder.stat().st_mode & 0o777 for folder in folders}
    for folder in folders:
        folder.chmod(0o500)
    scene.while_it_lasts()
    for folder, mode in modes.items():
        folder.chmod(mode)
    yield


def _fill(ballast: Path) -> None:
    size = _BALLAST
    with ballast.open("wb", buffering=0) as file:
        while size:
            try:
                if file.write(b"\0" * size) < size:
                    size //= 2
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                size //= 2
        os.fsync(file.fileno())


ON_BOTH = {
    "nothing": nothing,
    "kill worker": kill_worker,
    "kill server": kill_server,
    "kill indexer": kill_indexer,
    "kill everything": kill_everything,
    "disk full": disk_full,
    "read-only folder": read_only,
}
ON_POSTGRESQL = {
    "kill postgresql": kill_postgresql,
    "partition": partition,
    "clock an hour off": clock_off,
}
