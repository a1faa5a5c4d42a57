"""The service on a free port with a small gallery, and a worker: for the tests and the guides' pictures."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI

from gallery import Gallery
from indexer.networks import ModelInUse
from indexer.settings import IndexSettings
from indexer.worker import Worker
from service.app import create_app
from service.settings import ServiceSettings
from tests.browser import library
from tests.browser.fakes import ColourEmbedder, DifferenceDetector
from tests.waiting import PATIENCE

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The address bar's own page, a process for each new context. The last such list counts, not Playwright's:
    # in the rest this is the browser that people use.
    "--disable-features=PreloadTopChromeWebUI,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup,WebUIOmniboxPopup",
]


@dataclass(frozen=True)
class Site:
    """A running service."""

    url: str
    key: str
    gallery: Gallery


Fill = Callable[[Gallery, Path], None]
"""Puts recordings into an empty gallery; it may keep files in the folder."""


def drawn(width: int, height: int) -> Fill:
    """The gallery of `library`, recorded at that size."""
    return lambda gallery, directory: library.fill(gallery, directory, width, height)


@contextmanager
def running_site(
    directory: Path,
    size: tuple[int, int] | None = None,
    *,
    fill: Fill | None = None,
    shipped: bool = False,
    **settings_of: Any,
) -> Iterator[Site]:
    """Serve a gallery: that of `library` at `size`, one that `fill` makes, or an empty one.

    With networks that see colours, or, if `shipped`, with those that come with the program.
    """
    settings = ServiceSettings(data_dir=directory / "data", database_url=None, **settings_of)
    settings.data_dir.mkdir()
    with Gallery.open(settings, create=True) as gallery:
        if size is not None:
            fill = drawn(*size)
        if fill is not None:
            fill(gallery, directory)
        _, key = gallery.keys.create("browser tests")
        networks = {} if shipped else {"embedder": ColourEmbedder(), "detector": DifferenceDetector()}
        app = create_app(settings, gallery=gallery, **networks)  # type: ignore[arg-type]
        with listening(app) as port:
            yield Site(f"http://127.0.0.1:{port}", key, gallery)


@contextmanager
def listening(app: FastAPI) -> Iterator[int]:
    """Serve an application on a free port, which is given."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        listener.close()


@contextmanager
def working(site: Site, worker: Callable[[Gallery, IndexSettings], Worker]) -> Iterator[None]:
    """Run a worker on the gallery of a site, in a thread."""
    stop = threading.Event()
    one = worker(site.gallery, IndexSettings(poll_seconds=0.1))
    thread = threading.Thread(target=one.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(PATIENCE)


def drawn_worker(gallery: Gallery, settings: IndexSettings) -> Worker:
    """A worker that sees colours."""
    return Worker(
        gallery, ColourEmbedder, settings, "browser tests", detector_factory=lambda _: DifferenceDetector()
    )


def shipped_worker(gallery: Gallery, settings: IndexSettings) -> Worker:
    """A worker with the networks that come with the program."""
    return Worker(gallery, ModelInUse(gallery, settings), settings, "browser tests")
