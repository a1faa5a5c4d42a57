"""Indexing takes the promoted model, and a worker follows a promotion between two recordings."""

import threading
from pathlib import Path

import pytest

from gallery import Gallery, ModelInfo
from indexer.networks import ModelInUse, in_use
from indexer.settings import IndexSettings
from indexer.worker import Worker
from models.names import DEFAULT
from tests.indexer.fakes import ColourDetector, TinyEmbedder
from tests.indexer.test_worker import QUICK, file_job
from tests.indexer.videos import CROWD, make_video


@pytest.fixture
def registered(sqlite_gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gallery:
    """A gallery that keeps models 1 and 2; none is promoted, and the default is model 0."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "card.json").write_text("{}")
    for model in "12":
        one = TinyEmbedder(model=model)
        info = ModelInfo(one.id, f"model-{model}", one.dimension, one.card)
        sqlite_gallery.models.add(info, source)
    monkeypatch.setattr(
        "indexer.networks.make_embedder",
        lambda settings, _: TinyEmbedder(model="0" if settings.model == DEFAULT else settings.model[-1]),
    )
    return sqlite_gallery


def test_the_model_in_use_is_what_was_asked_for_or_promoted(registered: Gallery) -> None:
    nothing, named = IndexSettings(), IndexSettings(model="model-1")
    assert in_use(nothing, registered).model == DEFAULT
    assert in_use(named, registered).model == str(registered.models.find("model-1").folder)
    registered.models.promote("model-2")
    assert in_use(nothing, registered).model == str(registered.models.find("model-2").folder)
    assert in_use(named, registered).model == str(registered.models.find("model-1").folder)
    assert in_use(IndexSettings(model="./elsewhere"), registered).model == "./elsewhere"


def test_the_network_is_made_anew_when_another_model_is_promoted(registered: Gallery) -> None:
    use = ModelInUse(registered, IndexSettings())
    first = use()
    assert first.id == "0" * 64
    registered.catalogue.add_camera("gate")
    assert use() is first
    registered.models.promote("model-2")
    second = use()
    assert second.id == "2" * 64
    assert use() is second
    registered.models.rollback()
    assert use().id == "0" * 64


def test_a_worker_follows(registered: Gallery, tmp_path: Path) -> None:
    make_video(tmp_path / "a.mp4", CROWD)
    worker = Worker(
        registered,
        ModelInUse(registered, QUICK),
        QUICK,
        "w1",
        detector_factory=lambda size: ColourDetector(),
    )
    registered.models.promote("model-1")
    file_job(registered, tmp_path / "a.mp4")
    worker.run(threading.Event(), once=True)
    registered.models.promote("model-2", allow_missing=True)
    file_job(registered, tmp_path / "a.mp4")
    worker.run(threading.Event(), once=True)
    videos = {model.name: model.videos for model in registered.models.all()}
    assert videos == {"model-1": 1, "model-2": 1}
