"""The command line as a person uses it: arguments in, text and exit status out."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from gallery import GallerySettings
from sightline.main import app
from tests.indexer.fakes import ColourDetector, TinyEmbedder
from tests.indexer.videos import CROWD, RED, Walker, draw, make_video

Run = Callable[..., Result]

MORE = (Walker(RED, 5, 40, (30, 60)),)


def runner(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> Run:
    """What runs commands on the gallery of a folder, in this process."""
    monkeypatch.setenv("SIGHTLINE_DATA_DIR", str(data_dir))
    monkeypatch.setattr(os, "setpriority", lambda *_: None)  # a worker here is this process

    def invoke(*arguments: str | Path) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)

    return invoke


@pytest.fixture
def run(sqlite_settings: GallerySettings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on an empty, migrated gallery."""
    return runner(monkeypatch, sqlite_settings.data_dir)


@pytest.fixture
def handlers() -> Iterator[None]:
    """Put back the signal handlers that a command replaces in this process."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def see_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have networks that see colours: quick, and right about the drawn people."""
    monkeypatch.setattr("indexer.networks.make_embedder", lambda *_: TinyEmbedder())
    monkeypatch.setattr("indexer.networks.make_detector", lambda settings, size=None: ColourDetector())
    monkeypatch.setattr("service.networks.load", lambda settings: (TinyEmbedder(), ColourDetector()))


@pytest.fixture
def networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that see colours."""
    see_colours(monkeypatch)


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two recordings, three people on the first and one on the second, and a text file."""
    folder = tmp_path_factory.mktemp("recordings")
    make_video(folder / "a.mp4", CROWD)
    make_video(folder / "b.mp4", MORE, frames=50)
    (folder / "notes.txt").write_text("not a recording")
    return folder


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The red person of the first recording among the others."""
    file = tmp_path_factory.mktemp("photos") / "photo.png"
    Image.fromarray(draw(CROWD, 30)).save(file)
    return file
