"""A gallery with a server, workers and an indexer on it, each a process that may be killed."""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from gallery import GallerySettings
from tests.waiting import until

WORKERS = ("w1", "w2")
LEASE_SECONDS = 4
PATIENCE = 1800.0  # a round is many processes, and others may keep the machine busy
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "SIGHTLINE_INDEX_LEASE_SECONDS": str(LEASE_SECONDS),
    "SIGHTLINE_INDEX_RENEW_SECONDS": "0.2",
    "SIGHTLINE_INDEX_POLL_SECONDS": "0.2",
    "SIGHTLINE_INDEX_WORKERS": "1",
    "SIGHTLINE_THREADS": "1",
    "SIGHTLINE_MIN_FREE_BYTES": "1000000",  # the disk of a round is small
}


class Zygote:
    """Starts processes; see `tests.chaos.zygote`."""

    def __init__(self, clock: Path | None) -> None:
        loaded = {"LD_PRELOAD": str(clock)} if clock is not None else {}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **_ENVIRONMENT, **loaded},
        )

    def start(self, arguments: list[str], environment: dict[str, str], log: Path, clock: int = 0) -> int:
        """Start a command and return its process id."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        request = {
            "arguments": arguments,
            "environment": environment,
            "log": str(log),
            "clock": clock,
        }
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        """End it; its children live on."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@dataclass
class House:
    """The processes on one gallery.

    Attributes:
        zygote: starts them.
        settings: of the gallery.
        logs: folder of what they say.
        far: URLs of the database for some, by name: through a proxy, say.
        clocks: by how many seconds the clocks of some are off, by name.
        recorded: the file that the indexer indexes.
        pids: of those that were started, by name.
        died: how many ended that nobody ended.
    """

    zygote: Zygote
    settings: GallerySettings
    logs: Path
    recorded: Path
    far: dict[str, str] = field(default_factory=dict)
    clocks: dict[str, int] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)
    died: int = 0
    port: int = field(default_factory=_free_port)

    @property
    def names(self) -> tuple[str, ...]:
        """All that are kept running."""
        return ("server", *WORKERS)

    def start(self, name: str) -> None:
        """Start a process."""
        index = ["index", str(self.recorded), "--camera", "gate", "--start", "2026-03-01T08:00:00+00:00"]
        arguments = {"server": ["serve", "--port", str(self.port)], "indexer": index}
        command = arguments.get(name, ["worker", "--name", name])
        log = self.logs / f"{name}.log"
        clock = self.clocks.get(name, 0)
        self.pids[name] = self.zygote.start(command, self._environment(name), log, clock)

    def _environment(self, name: str) -> dict[str, str]:
        return {
            "SIGHTLINE_DATA_DIR": str(self.settings.data_dir),
            "SIGHTLINE_DATABASE_URL": self.far.get(name, self.settings.resolved_database_url),
            "PGCONNECT_TIMEOUT": "5",
        }

    def run(self, *arguments: str) -> str:
        """Run a command to its end, and return what it has said."""
        log = self.logs / f"{arguments[0]}.log"
        pid = self.zygote.start(list(arguments), self._environment(arguments[0]), log)
        until(lambda: not _lives(pid), patience=PATIENCE)
        return log.read_text()

    def kill(self, *names: str) -> None:
        """Kill processes at once, as far as they live, and wait until they are gone."""
        pids = [pid for name in names if (pid := self.pids.pop(name, None)) is not None]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until(lambda: not any(map(_lives, pids)), patience=PATIENCE)

    def keep(self) -> None:
        """Start what is not running, and count what died by itself."""
        for name in self.names:
            if name not in self.pids:
                self.start(name)
            elif not _lives(self.pids[name]):
                self.died += 1
                self.start(name)

    def runs(self, name: str) -> bool:
        """Whether a process is alive."""
        return name in self.pids and _lives(self.pids[name])

    def wait_for_server(self) -> None:
        """Wait until the server answers searches."""

        def ready() -> bool:
            self.keep()
            try:
                return httpx2.get(f"http://127.0.0.1:{self.port}/readyz", timeout=30).status_code == 200
            except httpx2.HTTPError:
                return False

        until(ready, pause=0.05, patience=PATIENCE)

    def stop(self) -> None:
        """Tell all to end, and wait until they have."""
        for pid in self.pids.values():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        for name in list(self.pids):
            pid = self.pids.pop(name)
            until(lambda pid=pid: not _lives(pid), patience=PATIENCE)  # type: ignore[misc]

    def kill_all(self) -> None:
        """End all at once, whatever they do."""
        self.kill(*self.pids)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
