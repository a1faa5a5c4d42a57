"""`sightline worker`: run index jobs."""

import os
import socket
import sys
import threading
from contextlib import ExitStack
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import structlog
import typer

from gallery.tracing import end as end_traces
from indexer.errors import ClusterUnavailable
from sightline.console import DataDir, Runtime, open_gallery, read_settings
from sightline.failures import CommandError
from sightline.interrupts import stop_when_told
from sightline.logs import LogSettings, trace, write_printable_logs

if TYPE_CHECKING:
    from indexer.cluster.running import Driver


class Jobs(StrEnum):
    """Which jobs a worker takes."""

    ALL = "all"
    INDEXING = "indexing"
    MODELS = "models"


def worker(
    *,
    name: Annotated[
        str | None, typer.Option(help="How jobs name it [default: host name and process].")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Stop when no job is left.")] = False,
    jobs: Annotated[
        Jobs, typer.Option(help="Which to take: indexing, models (reindex and adapt), or all.")
    ] = Jobs.ALL,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Let the nodes of a Ray cluster do the work: local, auto, HOST:PORT or ray://HOST:PORT.",
        ),
    ] = None,
    runtime: Runtime = None,
    data_dir: DataDir = None,
) -> None:
    """Run filed jobs.

    Runs until stopped. Any number of workers may run. One that adapts a model indexes nothing for hours: run
    one with --jobs indexing beside one with --jobs models where recordings may not wait.
    """
    from gallery import GallerySettings, JobKind
    from gallery.signing import keep_daily
    from indexer.networks import ModelInUse
    from indexer.settings import IndexSettings
    from indexer.worker import Worker

    if ray is not None and jobs == Jobs.MODELS:
        raise CommandError("a cluster indexes only", "run `sightline worker --jobs models` without --ray")
    write_printable_logs(read_settings(LogSettings))
    settings = read_settings(IndexSettings, runtime=runtime)
    _stand_back(settings.nice)
    stop = threading.Event()
    stop_when_told(stop, "the recording in work goes back into the queue")
    name = name or f"{socket.gethostname()}-{os.getpid()}"
    kinds = [
        kind
        for kind in JobKind
        if jobs in {Jobs.ALL, Jobs.INDEXING if kind == JobKind.INDEX else Jobs.MODELS}
    ]
    recorded = read_settings(GallerySettings, data_dir=data_dir)
    trace("sightline-worker")
    again = False
    with ExitStack() as stack:
        stack.callback(end_traces)
        gallery = stack.enter_context(open_gallery(recorded))
        folder, key = recorded.anchor_dir, recorded.resolved_anchor_key
        keep = None if folder is None else lambda: keep_daily(gallery.audit.anchor(), folder, key)
        if ray is not None:
            from indexer.cluster.running import Driver
            from indexer.cluster.settings import ClusterSettings

            cluster = read_settings(ClusterSettings)
            again = _drive(Driver(gallery, settings, cluster, ray, name, keep_anchor=keep), stop, once)
        else:
            Worker(gallery, ModelInUse(gallery, settings), settings, name, kinds=kinds, keep_anchor=keep).run(
                stop, once=once
            )
    if again:
        os.execv(sys.executable, [sys.executable, "-m", "sightline", *sys.argv[1:]])  # noqa: S606


def _drive(driver: "Driver", stop: threading.Event, once: bool) -> bool:
    """Work by a cluster; whether to begin anew, in a new process, for the cluster is lost."""
    try:
        driver.run(stop, once=once)
    except ClusterUnavailable as error:
        if once or stop.is_set():
            raise
        structlog.get_logger().warning("jobs wait; beginning anew", reason=str(error))
        return True
    return False


def _stand_back(nice: int) -> None:
    """Leave the processor to others who want it, as far as `nice` says; threads and children do the same."""
    own = os.getpriority(os.PRIO_PROCESS, 0)
    os.setpriority(os.PRIO_PROCESS, 0, max(nice, own))
