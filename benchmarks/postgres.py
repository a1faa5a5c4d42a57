"""What does a gallery on PostgreSQL cost beside the same on SQLite, and how does it stand many servers?

    python -m benchmarks.postgres --seconds 20 --tracklets 10000

The same gallery of random embeddings is made on both databases; PostgreSQL is the tests' own, with its
defaults, on the same disk. On each, `sightline serve` is asked for the people on photos by one user, then one
server and two by one user and by 20, beside two `sightline worker` that index; all of them, and this script,
share the machine. CPU is that of the servers with their children, of PostgreSQL in a column of its own, per
answer. `in SQL` is what PostgreSQL says it spent on statements, per answer, workers' included: how much a
replica could take off it at most. Connections and waits for locks are looked at ten times a second; a wait
is counted when somebody waits at that moment. SQLite does not tell them.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from benchmarks import asking, load
from benchmarks.machine import machine
from benchmarks.search_latency import LIMIT, PER_VIDEO, World
from benchmarks.search_rest import fill
from gallery import Gallery, GallerySettings
from models import zoo
from models.names import DEFAULT
from tests.postgres import PostgresServer

LOOKS = 0.1  # seconds between two looks at the connections
NAME = "gallery"
DEFAULTS = ("listen_addresses=",)  # on a socket; all else as PostgreSQL comes


@dataclass
class Looked:
    """What was seen of the clients of PostgreSQL.

    Attributes:
        connections: most at once.
        looks, waits: how often it was looked, and a client waited for a lock.
    """

    connections: int = 0
    looks: int = 0
    waits: int = 0


@dataclass(frozen=True)
class Phase:
    """Who asks, and what else goes on."""

    servers: int
    users: int
    workers: int


PHASES = (Phase(1, 1, 0), Phase(1, 1, 2), Phase(1, 20, 2), Phase(2, 1, 2), Phase(2, 20, 2))


def main() -> None:
    arguments = _arguments()
    network = zoo.load(DEFAULT)
    world = World(arguments.tracklets, network.dimension, network.id)
    said = machine("python -m benchmarks.postgres", ["psycopg"])
    print(f"{said}\n\n{HEADER}", flush=True)
    with tempfile.TemporaryDirectory(dir=arguments.directory) as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as somebody else where this is root
        measure(world, GallerySettings(data_dir=folder / "sqlite"), None, arguments.seconds)
        server = PostgresServer(DEFAULTS, within=folder)
        try:
            settings = GallerySettings(data_dir=folder / "files", database_url=server.create(NAME))
            measure(world, settings, server, arguments.seconds)
        finally:
            server.stop()


def measure(world: World, settings: GallerySettings, server: PostgresServer | None, seconds: float) -> None:
    """Make a gallery, and go through all phases on it."""
    folder = settings.data_dir
    with Gallery.open(settings, create=True) as gallery:
        videos = range(world.videos)
        fill(gallery, world, [videos[first::20] for first in range(min(20, len(videos)))])
        keys = [gallery.keys.create(f"user {n}")[1] for n in range(max(phase.users for phase in PHASES))]
    if server is not None:
        _execute(server, "VACUUM ANALYZE")  # as autovacuum does within minutes
    environment = {
        "SIGHTLINE_DATA_DIR": str(folder),
        "SIGHTLINE_DATABASE_URL": settings.resolved_database_url,
    }
    with ExitStack() as running:
        servers = [
            running.enter_context(asking.serving(f"server {number}", environment, folder))
            for number in range(max(phase.servers for phase in PHASES))
        ]
        asking.ask(servers, keys[:2], {"limit": LIMIT}, answers=8)
        at_work = 0
        for phase in PHASES:
            if phase.workers > at_work:
                file_work(settings, folder)
                for number in range(at_work, phase.workers):
                    started = asking.program(
                        f"worker {number}",
                        *("worker", "--name", f"worker-{number}"),
                        environment=environment,
                        folder=folder,
                    )
                    running.enter_context(started)
                at_work = phase.workers
                wait_for_work(settings, at_work)
            print(one_phase(phase, servers[: phase.servers], keys, server, seconds), flush=True)


def file_work(settings: GallerySettings, folder: Path) -> None:
    """File more recordings than the workers can finish."""
    with Gallery.open(settings) as gallery:
        load.file_work(gallery, folder, 200)


def wait_for_work(settings: GallerySettings, workers: int) -> None:
    """Wait until each worker has a recording."""
    with Gallery.open(settings) as gallery:
        end = time.monotonic() + asking.PATIENCE
        while gallery.figures().workers < workers:
            if time.monotonic() > end:
                raise SystemExit(f"the workers do not begin: see {settings.data_dir}/worker*.log")
            time.sleep(0.1)


def one_phase(
    phase: Phase,
    servers: Sequence[asking.Server],
    keys: Sequence[str],
    server: PostgresServer | None,
    seconds: float,
) -> str:
    """Let users ask for so long; returns a line of the table."""
    pids = [one.pid for one in servers]
    cpu = asking.cpu_seconds(pids)
    with looking(server) as looked:
        base, sql = (asking.cpu_seconds([server.process.pid]), sql_ms(server)) if server else (0.0, 0.0)
        found = asking.ask(servers, keys[: phase.users], {"limit": LIMIT}, seconds=seconds)
        count = max(1, len(found.seconds))
        own = (asking.cpu_seconds(pids) - cpu) / count * 1000
        told = "- | - | - | -"
        if server is not None:
            base = (asking.cpu_seconds([server.process.pid]) - base) / count * 1000
            spent = (sql_ms(server) - sql) / count
            told = f"{base:.1f} | {spent:.1f} | {looked.connections} | {looked.waits} of {looked.looks}"
    refused = f" ({dict(found.statuses)})" if found.statuses else ""
    kind = "SQLite" if server is None else "PostgreSQL"
    return (
        f"| {kind} | {phase.servers} | {phase.users} | {phase.workers} "
        f"| {len(found.seconds)}{refused} | {len(found.seconds) / found.passed:.1f} "
        f"| {found.wall_ms(50):.0f} | {found.wall_ms(95):.0f} | {own:.0f} | {told} |"
    )


@contextmanager
def looking(server: PostgresServer | None) -> Iterator[Looked]:
    """Look at the clients of the gallery's database again and again meanwhile."""
    looked, ended = Looked(), threading.Event()
    if server is None:
        yield looked
        return

    def look() -> None:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            while not ended.wait(LOOKS):
                row = connection.execute(
                    "SELECT count(*), count(*) FILTER (WHERE wait_event_type = 'Lock') "
                    "FROM pg_stat_activity WHERE datname = %s",
                    (NAME,),
                ).fetchone()
                assert row is not None
                looked.connections = max(looked.connections, row[0])
                looked.looks += 1
                looked.waits += row[1] > 0

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield looked
    finally:
        ended.set()
        thread.join()


def sql_ms(server: PostgresServer) -> float:
    """Milliseconds that statements in the gallery's database have taken until now."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        row = connection.execute(
            "SELECT active_time FROM pg_stat_database WHERE datname = %s", (NAME,)
        ).fetchone()
    assert row is not None
    return float(row[0])


def _execute(server: PostgresServer, statement: str) -> None:
    with psycopg.connect(server.url(NAME), autocommit=True) as connection:
        connection.execute(statement.encode())


_COLUMNS = (
    *("database", "servers", "users", "workers", "answers", "a second", "p50, ms", "p95, ms"),
    *(
        "CPU of servers, ms",
        "CPU of PostgreSQL, ms",
        "in SQL, ms",
        "connections",
        "looks with a wait for a lock",
    ),
)
HEADER = f"| {' | '.join(_COLUMNS)} |\n|---|{'---:|' * (len(_COLUMNS) - 1)}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=20, help="of each line of the table")
    parser.add_argument("--tracklets", type=int, default=10_000)
    parser.add_argument("--directory", type=Path, help="where to write the galleries; a temporary directory")
    arguments = parser.parse_args()
    if arguments.tracklets < PER_VIDEO:
        parser.error(f"--tracklets must be {PER_VIDEO} at least")
    return arguments


if __name__ == "__main__":
    main()
