"""What goes wrong. Each fault waits for its moment, strikes, and is over when the function returns."""

import errno
import os
import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url

from tests.chaos.house import LEASE_SECONDS, WORKERS, House
from tests.chaos.moments import Moment, Standing, Strike, Watch, choose, seen
from tests.chaos.proxy import Proxy
from tests.chaos.searching import Searcher
from tests.postgres import PostgresServer
from tests.waiting import take_time, until

HOUR = 3600
WRITERS = (*WORKERS, "indexer")
_BALLAST = 1 << 20
_LOOK_SECONDS = 0.004
_FELT_SECONDS = 8.0  # a fault that nobody has noticed for so long goes by unnoticed
_COMPLAINTS = (b"gallery unavailable", b"not renewed", b"recording failed", b"not given back")


@dataclass
class Scene:
    """What a fault may touch; `postgres` and `proxy` are None on SQLite.

    Attributes:
        strike: when it struck.
    """

    house: House
    watch: Watch
    searcher: Searcher
    random: random.Random
    postgres: PostgresServer | None
    proxy: Proxy | None

    def __post_init__(self) -> None:
        self._moment: Moment = choose(self.random)
        self.strike = Strike(self._moment.name)

    def wait(self, names: Sequence[str] = WRITERS) -> list[str]:
        """Wait for the moment, and return at whom of these it came; all of them where it never did."""
        found: list[str] = []
        while not found:
            standing = seen(self.watch, names)
            if standing is None:
                continue
            found = [n for n in names if self._moment.comes(standing.doing[n], standing.videos)]
            self.strike.came = bool(found)
            if not found and self._is_over(standing, names):
                found = list(names)
            if not found:
                self.house.keep()
                take_time(_LOOK_SECONDS)
        self.note(found, standing)
        return found

    def note(self, victims: Sequence[str], standing: Standing | None) -> None:
        """Note who is struck, and what they are at."""
        self.strike.victims = list(victims)
        if standing is not None:
            self.strike.doing = {name: standing.doing[name] for name in victims if name in standing.doing}
            self.strike.left, self.strike.videos = standing.left, standing.videos
            self.strike.midst = bool(standing.busy(victims))

    def kill(self, victims: Sequence[str]) -> None:
        """Kill, and note who was in the middle of something: it is left as it was."""
        before = self.watch.abandoned()
        self.house.kill(*victims)
        standing = seen(self.watch, victims)
        self.strike.victims = list(victims)
        if standing is not None:
            leased = any(doing.leased for doing in standing.doing.values())
            self.strike.midst = leased or self.watch.abandoned() > before

    def last(self) -> None:
        """Let the fault be there for a while, and until somebody has noticed."""
        complaints = self._complaints()
        refused = self.searcher.refused.total()
        take_time(self.random.uniform(0.1, 2.0))

        def felt() -> bool:
            return self._complaints() > complaints or self.searcher.refused.total() > refused

        try:
            until(felt, pause=0.05, patience=_FELT_SECONDS)
        except AssertionError:
            self.strike.felt = False
        else:
            self.strike.felt = True

    def _is_over(self, standing: Standing, names: Sequence[str]) -> bool:
        """Whether the moment cannot come any more."""
        idle = standing.left == 0 and not standing.busy(names)
        return idle and not self.house.runs("indexer") if "indexer" in names else idle

    def _complaints(self) -> int:
        said = [log.read_bytes() for log in self.house.logs.glob("*.log")]
        return sum(text.count(complaint) for text in said for complaint in _COMPLAINTS)


def nothing(scene: Scene) -> None:
    """Two workers and an indexer on the same recordings, and searchers."""
    scene.wait()


def kill_worker(scene: Scene) -> None:
    """A worker is killed."""
    scene.kill([scene.random.choice(scene.wait(WORKERS))])


def kill_server(scene: Scene) -> None:
    """The server is killed, while it answers as a rule."""
    scene.wait()
    asking = scene.searcher.asking
    scene.house.kill("server")
    scene.strike.victims, scene.strike.midst = ["server"], asking


def kill_indexer(scene: Scene) -> None:
    """`sightline index` is killed."""
    scene.wait(["indexer"])
    scene.kill(["indexer"])


def kill_everything(scene: Scene) -> None:
    """All processes die at once."""
    scene.wait()
    scene.kill(list(scene.house.pids))


def kill_postgresql(scene: Scene) -> None:
    """PostgreSQL is killed, and started again after a while."""
    assert scene.postgres is not None
    scene.wait()
    scene.postgres.process.kill()
    scene.postgres.process.wait()
    scene.last()
    scene.postgres.start()


def partition(scene: Scene) -> None:
    """The network between a worker and PostgreSQL is cut, until after its lease has run out."""
    assert scene.proxy is not None
    scene.wait(["w1"])
    scene.proxy.cut()
    scene.note(["w1"], seen(scene.watch, ["w1"]))
    take_time(scene.random.choice([0.5, LEASE_SECONDS + 1.0]))
    scene.proxy.heal(reset=scene.random.random() < 0.5)


def clock_off(scene: Scene) -> None:
    """A worker whose clock is an hour off (see `tests.chaos.rounds`) is killed, or lives."""
    scene.wait(["w1"])
    if scene.random.random() < 0.5:
        scene.kill(["w1"])


def disk_full(scene: Scene) -> None:
    """Nothing more fits onto the disk of the gallery's folder."""
    ballast = scene.house.settings.data_dir.parent / "ballast"
    scene.wait()
    _fill(ballast)
    scene.note(WRITERS, seen(scene.watch, WRITERS))
    scene.last()
    ballast.unlink()


def read_only(scene: Scene) -> None:
    """Nobody may make or remove anything in the gallery's folder."""
    data_dir = scene.house.settings.data_dir
    scene.wait()
    folders = [data_dir, *(entry for entry in data_dir.glob("*") if entry.is_dir())]
    modes = {folder: folder.stat().st_mode & 0o777 for folder in folders}
    for folder in folders:
        folder.chmod(0o500)
    scene.note(WRITERS, seen(scene.watch, WRITERS))
    scene.last()
    for folder, mode in modes.items():
        folder.chmod(mode)


def restore(scene: Scene) -> None:
    """A backup is taken beside the work; then gallery and database are lost, and restored from it."""
    house, data_dir = scene.house, scene.house.settings.data_dir
    backup = data_dir.parent / "backup"
    scene.wait()
    said = house.run("backup", str(backup))
    assert (backup / "backup.json").exists(), said
    house.kill_all()
    scene.watch.disconnect()
    shutil.rmtree(data_dir)
    if scene.postgres is not None:
        name = str(make_url(house.settings.resolved_database_url).database)
        scene.postgres.drop(name)
        scene.postgres.create(name)
    said = house.run("restore", str(backup))
    assert "restored" in said, said
    scene.searcher.forget()  # photos uploaded since; no server runs yet
    shutil.rmtree(backup)


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


Fault = Callable[[Scene], None]
ON_BOTH: dict[str, Fault] = {
    "nothing": nothing,
    "kill worker": kill_worker,
    "kill server": kill_server,
    "kill indexer": kill_indexer,
    "kill everything": kill_everything,
    "disk full": disk_full,
    "read-only folder": read_only,
    "restore a backup": restore,
}
ON_POSTGRESQL: dict[str, Fault] = {
    "kill postgresql": kill_postgresql,
    "partition": partition,
    "clock an hour off": clock_off,
}
