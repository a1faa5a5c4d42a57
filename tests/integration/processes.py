"""A server and workers as processes of their own, with networks that see colours.

    python -m tests.integration.processes serve DATA_DIR DATABASE_URL MEDIA_DIR
    python -m tests.integration.processes work DATA_DIR DATABASE_URL NAME

The server prints its port when it listens.
"""

import os
import signal
import socket
import sys
import threading
from pathlib import Path

import uvicorn

from gallery import Gallery, GallerySettings
from indexer.settings import IndexSettings
from indexer.worker import Worker
from service.app import create_app
from service.settings import ServiceSettings
from tests.indexer.fakes import ColourDetector, TinyEmbedder

# A recording of eight seconds takes two: long enough to cancel it, kill its worker and search meanwhile. A
# living worker of a busy machine may be silent for seconds, and still keeps its lease.
BATCH_SECONDS = 0.1
WORKER = IndexSettings(lease_seconds=6.0, renew_seconds=0.1, poll_seconds=0.1)


def serve(settings: GallerySettings, media_dir: str) -> None:
    app = create_app(
        ServiceSettings(
            data_dir=settings.data_dir, database_url=settings.database_url, media_dir=Path(media_dir)
        ),
        embedder=TinyEmbedder(),
        detector=ColourDetector(),
    )
    listener = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    os.dup2(
        sys.stderr.fileno(), sys.stdout.fileno()
    )  # nobody reads the log: a full pipe would stop the server
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run([listener])


def work(settings: GallerySettings, name: str) -> None:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    with Gallery.open(settings) as gallery:
        worker = Worker(
            gallery,
            TinyEmbedder,
            WORKER,
            name,
            detector_factory=lambda size: ColourDetector(seconds=BATCH_SECONDS),
        )
        worker.run(stop)


if __name__ == "__main__":
    role, data_dir, database_url, last = sys.argv[1:]
    where = GallerySettings(data_dir=Path(data_dir), database_url=database_url)
    if role == "serve":
        serve(where, last)
    else:
        work(where, last)
