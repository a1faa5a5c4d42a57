"""The service on a free port with a small gallery: for the tests and for the README's picture."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from gallery import Gallery
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
]


@dataclass(frozen=True)
class Site:
    """A running service."""

    url: str
    key: str
    gallery: Gallery


@contextmanager
def running_site(directory: Path, size: tuple[int, int] | None, **settings_of: Any) -> Iterator[Site]:
    """Serve the gallery of `library`, recorded at `size`, or an empty one, with networks that see colours."""
    settings = ServiceSettings(data_dir=directory / "data", database_url=None, **settings_of)
    settings.data_dir.mkdir()
    with Gallery.open(settings, create=True) as gallery:
        if size is not None:
            library.fill(gallery, directory, *size)
        _, key = gallery.keys.create("browser tests")
        app = create_app(settings, gallery=gallery, embedder=ColourEmbedder(), detector=DifferenceDetector())
        listener = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            yield Site(f"http://127.0.0.1:{listener.getsockname()[1]}", key, gallery)
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
            listener.close()
