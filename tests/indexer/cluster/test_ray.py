"""A Ray cluster of three nodes on this machine: one is killed, others are refused or not there."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gallery import Gallery
from indexer.cluster.connecting import connect
from indexer.cluster.pool import Pool
from indexer.cluster.ray_cluster import RayCluster, slots_of
from indexer.cluster.running import Driver
from indexer.cluster.settings import ClusterSettings
from indexer.errors import ClusterUnavailable
from sightline.main import app
from tests.indexer.cluster.conftest import SETTINGS, indexed
from tests.indexer.cluster.fakes import DETECTOR, MODEL, FakeNetworks, Loaded
from tests.indexer.cluster.nodes import Nodes, running_nodes
from tests.indexer.test_worker import file_job, running
from tests.waiting import until

QUICK = ClusterSettings(cpus=1, split_seconds=4.0, shares=2, refresh_seconds=0.2)


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    """Three nodes of one processor each."""
    with running_nodes([1, 1, 1]) as (made, _):
        yield made


def driver_of(gallery: Gallery, nodes: Nodes, networks: FakeNetworks) -> Driver:
    return Driver(gallery, SETTINGS, QUICK, nodes.address, "driver", networks=networks, embedder=Loaded())


@pytest.mark.long  # three nodes are a dozen processes that import Ray, and three that import torch
def test_a_node_is_killed_in_the_middle_and_the_rows_are_those_of_one_machine(
    sqlite_gallery: Gallery, crowds: list[Path], on_one_machine: list[Any], nodes: Nodes, tmp_path: Path
) -> None:
    job = file_job(sqlite_gallery, *crowds)

    def at_work() -> set[int]:
        return {int(file.name) for file in tmp_path.iterdir() if file.name.isdecimal()}

    with running(driver_of(sqlite_gallery, nodes, FakeNetworks(held=tmp_path))):
        until(lambda: len(at_work()) >= 2)
        nodes.kill_one_of(at_work())
        (tmp_path / "go").touch()
        until(lambda: sqlite_gallery.jobs.get(job.id).state not in {"queued", "running"})
    done = sqlite_gallery.jobs.get(job.id).recordings
    assert [(one.state, one.reason, one.attempts) for one in done] == [("succeeded", None, 1)] * 2
    assert {str(one.worker).rpartition("-")[0] for one in done} == {"driver"}
    assert indexed(sqlite_gallery) == on_one_machine[1]


@pytest.mark.long
def test_nodes_with_other_weights_are_not_used(nodes: Nodes) -> None:
    pool, networks = Pool(), FakeNetworks(digest="other")
    connect(nodes.address)
    with RayCluster(nodes.address, pool, SETTINGS, QUICK, networks=networks, detector=DETECTOR, model=MODEL):
        until(lambda: "has other weights of detector nanodet" in pool.why_none)
        assert pool.size == 0


def test_a_cluster_that_is_not_there_gets_one_line(
    sqlite_gallery: Gallery, crowds: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "setpriority", lambda *_: None)  # else these tests would stand back from then on
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    job = file_job(sqlite_gallery, crowds[0])
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(ClusterUnavailable, match=rf"{address} cannot be reached: .*refused"):
            connect(address)
        command = ["worker", "--once", "--ray", address, "--data-dir", str(sqlite_gallery.data_dir)]
        said = CliRunner().invoke(app, command)
        for number, handler in handlers.items():  # a command in this process takes them
            signal.signal(number, handler)
    assert said.exit_code == 2
    assert f"the Ray cluster {address} cannot be reached" in said.output
    assert sqlite_gallery.jobs.get(job.id).state == "queued"
    for wrong in ("127.0.0.1", "127.0.0.1:x", "127.0.0.1:99999", "no such host:1", ""):
        with pytest.raises(ClusterUnavailable, match="cannot be reached"):
            connect(wrong)
    assert {number: signal.getsignal(number) for number in handlers} == handlers, "Ray takes them, too"


def test_actors_fit_their_node() -> None:
    def fit(cpus: int, **resources: float) -> list[tuple[int, int]]:
        return [(slot.cpus, slot.gpus) for slot in slots_of("n", "a", resources, cpus)]

    assert fit(2, CPU=5) == [(2, 0), (2, 0)]
    assert fit(2, CPU=1) == [(1, 0)]
    assert fit(4, CPU=12, GPU=2) == [(4, 1), (4, 1), (4, 0)]
    assert fit(2, CPU=3, GPU=2) == [(2, 1), (1, 1)]
    assert fit(2) == fit(2, GPU=1) == []
