"""A gallery goes from model to model while it is searched, and no answer is wrong.

From the shipped model to a network from elsewhere, to another one, and back twice; the embedders are the real
ones, only the detector is one that sees colours.
"""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from gallery import Gallery
from models.names import DEFAULT
from service.app import create_app
from service.settings import ServiceSettings
from tests.indexer.fakes import ColourDetector
from tests.indexer.videos import CROWD, draw, make_video
from tests.models.imported.networks import write_reid
from tests.sightline.conftest import Run, run  # noqa: F401  (a fixture)
from tests.waiting import until

START = "2026-01-05T09:00:00+00:00"


class Asking:
    """Asks for the same photo again and again; keeps every answer."""

    def __init__(self, client: TestClient, photo: Path) -> None:
        self._client = client
        self._photo = photo.read_bytes()
        self._stop = threading.Event()
        self.answers: list[dict[str, Any]] = []

    def ask(self) -> dict[str, Any]:
        answer = self._client.post("/v1/searches", files={"file": ("photo.png", self._photo, "image/png")})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        self.answers.append(found)
        return found

    def used(self) -> str:
        """The model of a new answer."""
        return str(self.ask()["model"]["name"])

    @contextmanager
    def going_on(self) -> Iterator[None]:
        def go_on() -> None:
            while not self._stop.is_set():
                self.ask()

        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()


def succeed(run: Run, *arguments: str | Path) -> str:  # noqa: F811
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result.output


def upgrade(run: Run, network: Path, name: str) -> None:  # noqa: F811
    """Import a network, embed the gallery with it, look what would change, and promote it."""
    succeed(run, "models", "import", network, "--name", name, "--size", "64x32")
    assert run("models", "promote", name).exit_code == 2, "nobody would be found"
    succeed(run, "reindex", "--model", name)
    assert "Nothing was changed" in succeed(run, "models", "promote", name, "--dry-run")
    succeed(run, "models", "promote", name)


@pytest.fixture
def asking(sqlite_gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asking]:
    for name in ("SIGHTLINE_DEVICE", "SIGHTLINE_INDEX_DEVICE"):
        monkeypatch.setenv(name, "cpu")
    monkeypatch.setattr("service.app._FOLLOW_SECONDS", 0.05)
    monkeypatch.setattr("indexer.networks.make_detector", lambda settings, size=None: ColourDetector())
    photo = tmp_path / "photo.png"
    Image.fromarray(draw(CROWD, 30)).save(photo)
    settings = ServiceSettings(data_dir=sqlite_gallery.data_dir, threads=1)
    app = create_app(settings, gallery=sqlite_gallery, detector=ColourDetector())
    secret = sqlite_gallery.keys.create("asking")[1]
    with TestClient(app, headers={"X-API-Key": secret}) as client:
        until(lambda: client.get("/readyz").status_code == 200)
        yield Asking(client, photo)


@pytest.mark.long
def test_no_answer_is_wrong(run: Run, asking: Asking, tmp_path: Path) -> None:  # noqa: F811
    make_video(tmp_path / "a.mp4", CROWD)
    succeed(run, "index", tmp_path / "a.mp4", "--camera", "gate", "--start", START)
    assert asking.used() == DEFAULT
    with asking.going_on():
        upgrade(run, write_reid(tmp_path / "first.onnx", seed=1), "first")
        until(lambda: asking.used() == "first")
        upgrade(run, write_reid(tmp_path / "second.onnx", seed=2), "second")
        until(lambda: asking.used() == "second")
        succeed(run, "models", "rollback")
        until(lambda: asking.used() == "first")
        succeed(run, "models", "rollback")
        until(lambda: asking.used() == DEFAULT)

    by_model = defaultdict(set)
    for answer in asking.answers:
        hits = tuple((hit["tracklet_id"], hit["score"]) for hit in answer["hits"])
        by_model[answer["model"]["name"]].add(hits)
        assert answer["coverage"]["tracklets_compared"] == 3
    assert set(by_model) == {DEFAULT, "first", "second"}
    # The same photo and the same model give the same answer, whatever goes on meanwhile.
    assert {name: len(answers) for name, answers in by_model.items()} == dict.fromkeys(by_model, 1)
    assert len({next(iter(answers)) for answers in by_model.values()}) == 3
