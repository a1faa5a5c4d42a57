"""`sightline worker`: run index jobs."""

import os
import socket
import threading
from contextlib import ExitStack
from enum import StrEnum
from typing import Annotated

import typer

from gallery.tracing import end as end_traces
from sightline.console import DataDir, Runtime, open_gallery, read_settings
from sightline.interrupts import stop_when_told
from sightline.logs import LogSettings, trace, write_printable_logs


class Jobs(StrEnum):
    """Which jobs a worker takes."""

    ALL = "all"
    INDEXING = "indexing"
    MODELS = "models"


def worker(
    name: Annotated[
        str | None, typer.Option(help="How jobs name it [default: host name and process].")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Stop when no job is left.")] = False,
    jobs: Annotated[
        Jobs, typer.Option(help="Which to take: indexing, models (reindex and adapt), or all.")
    ] = Jobs.ALL,
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
    with ExitStack() as stack:
        stack.callback(end_traces)
        gallery = stack.enter_context(open_gallery(recorded))
        folder, key = recorded.anchor_dir, recorded.resolved_anchor_key
        Worker(
            gallery,
            ModelInUse(gallery, settings),
            settings,
            name,
            kinds=kinds,
            keep_anchor=None if folder is None else lambda: keep_daily(gallery.audit.anchor(), folder, key),
        ).run(stop, once=once)


def _stand_back(nice: int) -> None:
    """Leave the processor to others who want it, as far as `nice` says; threads and children do the same."""
    own = os.getpriority(os.PRIO_PROCESS, 0)
    os.setpriority(os.PRIO_PROCESS, 0, max(nice, own))
