"""`sightline worker`: run index jobs."""

import os
import socket
import threading
from typing import Annotated

import typer

from sightline.console import DataDir, open_gallery, read_settings
from sightline.interrupts import stop_when_told


def worker(
    name: Annotated[
        str | None, typer.Option(help="How jobs name it [default: host name and process].")
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Stop when no recording is left to index.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Run filed index jobs.

    Runs until stopped. Any number of workers may run.
    """
    from gallery import GallerySettings
    from indexer.networks import ModelInUse
    from indexer.settings import IndexSettings
    from indexer.worker import Worker

    settings = read_settings(IndexSettings)
    stop = threading.Event()
    stop_when_told(stop, "the recording in work goes back into the queue")
    name = name or f"{socket.gethostname()}-{os.getpid()}"
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        Worker(gallery, ModelInUse(gallery, settings), settings, name).run(stop, once=once)
