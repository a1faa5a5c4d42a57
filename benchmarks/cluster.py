"""What does indexing by a Ray cluster cost above indexing on one machine?

    python -m benchmarks.cluster [--recordings 4]

The sample recordings are indexed by a worker without a cluster, by a cluster of one node that has both cores,
and by one of two nodes that share them, one core each. All of it is this machine: **two nodes on two cores
cannot be faster than one machine, so only what the cluster costs is seen here, not what it gains.** CPU
seconds are of all processes together: this one, decoders, Ray's own and the actors. What was used before the
first recording was leased (loading networks, starting actors) is told apart. Rows are compared column by
column, vectors number by number.

Then it is measured how long actors take to start on nodes that run, and how long a recording that two nodes
share stands still when one of them is killed.
"""

import argparse
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import faiss
import numpy as np
import structlog
from sqlalchemy import select

from benchmarks.machine import cpu_seconds, machine
from gallery import Gallery, GallerySettings, JobInfo, NewRecording
from gallery.sql.tables import SegmentVideo
from gallery.vectors.segment import TRACKLETS, segment_directory
from indexer.cluster.connecting import connect
from indexer.cluster.messages import ModelName
from indexer.cluster.networks import Networks
from indexer.cluster.pool import Pool
from indexer.cluster.ray_cluster import RayCluster
from indexer.cluster.running import Driver
from indexer.cluster.settings import ClusterSettings
from indexer.networks import ModelInUse
from indexer.settings import IndexSettings
from indexer.worker import Worker
from models import zoo
from models.exported.cache import try_to_provide
from tests.indexer.cluster.nodes import Nodes, children, processes, running_nodes
from tests.indexer.contents import contents

SAMPLES = sorted((Path(__file__).parents[1] / "samples").glob("camera-*.mp4"))
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
SETTINGS = IndexSettings(renew_seconds=0.2)  # how often a job's row tells of progress
ROWS = ("camera", "model", "video", "tracklet", "clip", "thumbnails")
LOOK_SECONDS = 0.2
KILL_AT = 0.3  # of the recording
Vectors = dict[str, Any]


@dataclass
class Run:
    """What one way of indexing took.

    Attributes:
        wall, cpu: seconds from the start of the worker until the last recording was done.
        ready_wall, ready_cpu: of it until the first recording was leased.
        rows: what the gallery says of the recordings.
        vectors: of each video's tracklets, (N, D).
    """

    name: str
    wall: float = 0.0
    cpu: float = 0.0
    ready_wall: float = 0.0
    ready_cpu: float = 0.0
    rows: dict[str, Any] = field(default_factory=dict)
    vectors: Vectors = field(default_factory=dict)


class Watch:
    """Looks at a job and at the CPU time of all processes until the job is done."""

    def __init__(self, gallery: Gallery, job: JobInfo, run: Run, folder: str | None) -> None:
        self._gallery, self._job, self._run, self._folder = gallery, job, run, folder
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.progress: list[tuple[float, float]] = []  # when, by the monotonic clock, and how much is done

    def __enter__(self) -> Self:
        self._wall, self._cpu = time.monotonic(), self._used()
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()
        assert self._run.wall or self._is_done()

    def _used(self) -> float:
        return cpu_seconds(belonging(self._folder) if self._folder else ())

    def _look(self) -> None:
        while not (self._is_done() or self._ended.wait(LOOK_SECONDS)):
            pass

    def _is_done(self) -> bool:
        job, run = self._gallery.jobs.get(self._job.id), self._run
        wall, cpu = time.monotonic() - self._wall, self._used() - self._cpu
        run.cpu = max(run.cpu, cpu)  # processes that are gone have none
        if not run.ready_wall and any(one.state != "queued" for one in job.recordings):
            run.ready_wall, run.ready_cpu = wall, cpu
        done = sum(one.progress for one in job.recordings) / len(job.recordings)
        if not self.progress or done != self.progress[-1][1]:
            self.progress.append((time.monotonic(), done))
        if job.state in {"queued", "running"}:
            return False
        assert job.state == "succeeded", [one.reason for one in job.recordings]
        run.wall = wall
        return True


def belonging(folder: str) -> list[int]:
    """The processes of a cluster, with all that descend from them."""
    below, found = children(), list(processes(folder) - {os.getpid()})
    for process in found:
        found += [child for child in below.get(process, []) if child not in found]
    return found


@contextmanager
def gallery_with(recordings: Sequence[Path], exported: Path) -> Iterator[tuple[Gallery, JobInfo]]:
    """A new gallery with a job that names recordings, and networks that were exported before."""
    with (
        tempfile.TemporaryDirectory() as name,
        Gallery.open(GallerySettings(data_dir=Path(name), database_url=None), create=True) as gallery,
    ):
        gallery.models.exported.symlink_to(exported)
        new = []
        for path in recordings:
            camera = gallery.catalogue.get_or_add_camera(path.stem)
            new.append(NewRecording(camera.id, str(path), path.name, False, START))
        yield gallery, gallery.jobs.file(new)


Work = Callable[[Gallery], None]


def index(
    name: str, recordings: Sequence[Path], exported: Path, work: Work, folder: str | None = None
) -> Run:
    """Index all recordings into a new gallery in some way."""
    run = Run(name)
    with gallery_with(recordings, exported) as (gallery, job):
        with Watch(gallery, job, run, folder):
            work(gallery)
        run.rows, run.vectors = rows_of(gallery), vectors_of(gallery)
    return run


def alone(gallery: Gallery) -> None:
    """Index as `sightline worker --once` does."""
    Worker(gallery, ModelInUse(gallery, SETTINGS), SETTINGS, "alone").run(threading.Event(), once=True)


def driven(nodes: Nodes, cluster: ClusterSettings) -> Work:
    """Index as `sightline worker --once --ray` does."""

    def work(gallery: Gallery) -> None:
        Driver(gallery, SETTINGS, cluster, nodes.address, "driver").run(threading.Event(), once=True)

    return work


def rows_of(gallery: Gallery) -> dict[str, Any]:
    """What was found, without who found it when; recordings end in any order."""
    found = contents(gallery, {"video": {"tracklets_change"}})
    return {name: found[name] for name in ROWS}


def vectors_of(gallery: Gallery) -> Vectors:
    """The vectors of each video's tracklets, which are alone in a segment."""
    with gallery._database.read() as session:
        pairs = session.execute(select(SegmentVideo.video_id, SegmentVideo.segment_id)).all()
    reader: Any = faiss
    return {
        video: (
            index := reader.read_index(str(segment_directory(gallery.data_dir, segment) / TRACKLETS))
        ).reconstruct_n(0, index.ntotal)
        for video, segment in pairs
    }


def start_actors(nodes: Nodes, cluster: ClusterSettings, exported: Path, wanted: int) -> list[float]:
    """Seconds until each of the actors was ready, on nodes that run."""
    networks, pool, ready = Networks(exported), Pool(), list[float]()
    model = zoo.load()
    named = ModelName(SETTINGS.model or zoo.DEFAULT, model.id)
    connect(nodes.address)
    began = time.monotonic()
    with RayCluster(
        nodes.address,
        pool,
        SETTINGS,
        cluster,
        networks=networks,
        detector=networks.detector_digest(SETTINGS.detector),
        model=named,
    ):
        while len(ready) < wanted:
            assert time.monotonic() - began < 300, pool.why_none
            time.sleep(0.05)
            ready += [time.monotonic() - began] * (pool.size - len(ready))
    return ready


def kill(nodes: Nodes, folder: str, cluster: ClusterSettings, recording: Path, exported: Path) -> None:
    """Index one recording on both nodes, kill one of them in the middle, and tell how that went."""
    expected = index("alone", [recording], exported, alone)
    run, killed = Run("killed"), list[float]()
    with gallery_with([recording], exported) as (gallery, job), Watch(gallery, job, run, folder) as watch:

        def strike() -> None:
            while not watch.progress or watch.progress[-1][1] < KILL_AT:
                time.sleep(0.05)
            killed.append(nodes.kill_one_of(set(belonging(folder))))

        striking = threading.Thread(target=strike)
        striking.start()
        driven(nodes, cluster)(gallery)
        striking.join()
        (done,) = gallery.jobs.get(job.id).recordings
        same = rows_of(gallery) == expected.rows
        apart = difference(vectors_of(gallery), expected.vectors)
    moments = [at for at, _ in watch.progress]
    still = {
        name: max((after - before for before, after in pairwise(some)), default=0.0)
        for name, some in {
            "before": [at for at in moments if at < killed[0]][1:],
            "after": [killed[0], *(at for at in moments if at >= killed[0])],
        }.items()
    }
    first = next(at for at in moments if at >= killed[0]) - killed[0]
    print(
        f"\nA node was killed when {recording.name}, which both worked on, was done to {KILL_AT:.0%}: "
        f"progress was next seen after {first:.1f} s; the longest standstill was {still['before']:.1f} s "
        f"before and {still['after']:.1f} s after. It ended as {done.state} in lease {done.attempts}; rows "
        f"{'identical' if same else 'NOT identical'} to one machine's, largest difference of a number in a "
        f"vector {apart:.1e}.",
        flush=True,
    )


def difference(vectors: Vectors, expected: Vectors) -> float:
    """The largest between numbers of vectors; infinite if there are others."""
    if {one: found.shape for one, found in vectors.items()} != {
        one: found.shape for one, found in expected.items()
    }:
        return float("inf")
    return max(float(np.abs(vectors[one] - expected[one]).max()) for one in expected if len(expected[one]))


def print_runs(runs: Sequence[Run]) -> None:
    print(
        "\n| where | wall s | until the first lease | after it | CPU s | until the first lease | after it "
        "| CPU above one machine, after it | rows | vectors, largest difference |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|---:|---|---:|")
    first = runs[0]
    for run in runs:
        wall, cpu = run.wall - run.ready_wall, run.cpu - run.ready_cpu
        above = f"{cpu / (first.cpu - first.ready_cpu) - 1:+.0%}" if run is not first else ""
        rows = ("identical" if run.rows == first.rows else "NOT identical") if run is not first else ""
        apart = f"{difference(run.vectors, first.vectors):.1e}" if run is not first else ""
        print(
            f"| {run.name} | {run.wall:.1f} | {run.ready_wall:.1f} | {wall:.1f} | {run.cpu:.1f} "
            f"| {run.ready_cpu:.1f} | {cpu:.1f} | {above} | {rows} | {apart} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recordings", type=int, default=len(SAMPLES), help="of samples/, from the last on")
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    recordings = SAMPLES[-asked.recordings :]
    print(machine("python -m benchmarks.cluster", ("ray", "torch", "onnxruntime")), flush=True)
    whole = ClusterSettings(cpus=2, refresh_seconds=0.2)
    halves = ClusterSettings(cpus=1, shares=2, split_seconds=600.0, refresh_seconds=0.2)
    with tempfile.TemporaryDirectory() as name:
        exported = Path(name)
        try_to_provide(exported, zoo.load(SETTINGS.model or zoo.DEFAULT))  # once, for all
        runs = [index("one machine, no cluster", recordings, exported, alone)]
        with running_nodes([2]) as (nodes, folder):
            ready = start_actors(nodes, whole, exported, 1)
            print(f"\nThe actor of one node was ready after {ready[0]:.1f} s,", end=" ", flush=True)
            runs.append(index("Ray, one node of 2 cores", recordings, exported, driven(nodes, whole), folder))
        with running_nodes([1, 1]) as (nodes, folder):
            ready = start_actors(nodes, halves, exported, 2)
            print(f"those of two that started at once after {ready[0]:.1f} and {ready[1]:.1f} s.", flush=True)
            work = driven(nodes, halves)
            runs.append(index("Ray, two nodes of 1 core", recordings, exported, work, folder))
            print_runs(runs)
            split = halves.model_copy(update={"split_seconds": 1.0})
            kill(nodes, folder, split, recordings[-1], exported)


if __name__ == "__main__":
    main()
