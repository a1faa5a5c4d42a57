"""Nodes of a Ray cluster on this machine, in a folder and behind a token of their own."""

import os
import secrets
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.waiting import until

_TOKEN = secrets.token_hex(32)  # Ray remembers the first that a process has


class Nodes:
    """Nodes, the head first.

    Args:
        cpus: processors of each.
    """

    def __init__(self, cpus: Sequence[int]) -> None:
        from ray.cluster_utils import Cluster

        some: Any = {"object_store_memory": 80 << 20, "include_dashboard": False}
        self._cluster: Any = Cluster(initialize_head=True, head_node_args={**some, "num_cpus": cpus[0]})
        self._others = [self._cluster.add_node(**some, num_cpus=own) for own in cpus[1:]]
        self.address = str(self._cluster.address)

    def kill_one_of(self, actors: set[int]) -> float:
        """Kill a node, not the head, that one of these processes belongs to; when, by the monotonic clock."""
        for node in self._others:
            if _parents(actors) & {process.process.pid for process in node.all_processes["raylet"]}:
                killed = time.monotonic()
                self._cluster.remove_node(node, allow_graceful=False)
                self._others.remove(node)
                return killed
        raise AssertionError("no node but the head had something to do")

    def shutdown(self) -> None:
        self._cluster.shutdown()


def processes(folder: str) -> set[int]:
    """All that belongs to a cluster: what has its folder in the command line."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if folder.encode() in (process / "cmdline").read_bytes():
                found.add(int(process.name))
        except OSError:
            continue
    return found


def children() -> dict[int, list[int]]:
    """The children of each process of this machine that has any."""
    found: dict[int, list[int]] = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found.setdefault(_parent(int(process.name)), []).append(int(process.name))
    return found


def _parents(actors: set[int]) -> set[int]:
    return {_parent(process) for process in actors}


def _parent(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def started(folder: str, cpus: Sequence[int]) -> Nodes:
    """Start the nodes; Ray gives each 30 seconds, which a busy machine may need longer than."""
    for _ in range(4):
        with suppress(Exception):
            return Nodes(cpus)
        for process in processes(folder):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
    return Nodes(cpus)


@contextmanager
def running_nodes(cpus: Sequence[int]) -> Iterator[tuple[Nodes, str]]:
    """A cluster and its folder; in the end none of its processes is left."""
    with (
        pytest.MonkeyPatch.context() as patch,
        TemporaryDirectory(prefix="ray-", ignore_cleanup_errors=True) as folder,  # paths of sockets are short
    ):
        patch.setenv("RAY_TMPDIR", folder)
        patch.setenv("RAY_AUTH_MODE", "token")
        patch.setenv("RAY_AUTH_TOKEN", _TOKEN)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        made = started(folder, cpus)
        try:
            yield made, folder
        finally:
            made.shutdown()
        until(lambda: not processes(folder))
