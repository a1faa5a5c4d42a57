"""`sightline evaluate --through-service`: the product gives the model's figures and keeps nothing."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import models.datasets
from gallery import Gallery, GallerySettings, standard_scores
from models.datasets.records import JUNK, Dataset, Split, Tracklet
from models.evaluation.evaluate import Compared, evaluate, judge, judged_splits
from models.evaluation.protocols import EvaluationProtocol, TrackletFeatures
from service.app import create_app
from service.settings import ServiceSettings
from sightline import through_service
from tests.indexer.fakes import ColourDetector, TinyEmbedder
from tests.models.people import draw_tracklets
from tests.sightline.conftest import Run
from tests.sightline.serving import served


class _Networks(TinyEmbedder):
    precision = "fp32"


@dataclass
class Served:
    url: str
    key: str
    gallery: Gallery


@contextmanager
def service(settings: GallerySettings, embedder: TinyEmbedder) -> Iterator[Served]:
    with Gallery.open(settings) as gallery:
        options = ServiceSettings(data_dir=settings.data_dir, database_url=settings.database_url)
        app = create_app(options, gallery=gallery, embedder=embedder, detector=ColourDetector())
        with served(app) as url:
            yield Served(url, gallery.keys.create("evaluation")[1], gallery)


@pytest.fixture
def running(sqlite_settings: GallerySettings) -> Iterator[Served]:
    with service(sqlite_settings, TinyEmbedder()) as started:
        yield started


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """Two splits that share people; a tracklet of more than one clip, junk, queries in the gallery."""
    tracklets = draw_tracklets(tmp_path / "people", identities=9, cameras=3, frames=3, size=(64, 32))
    long = Tracklet(1, 2, tracklets[1].frames * 15)
    junk = replace(tracklets[2], identity=JUNK)
    first = tracklets[:18]
    dataset = Dataset(
        "drawn", (Split((), first[::2], (*first, long, junk)), Split((), tracklets[9::3], tracklets[9:]))
    )
    monkeypatch.setattr(models.datasets, "load", lambda name, root: dataset)
    monkeypatch.setattr("models.zoo.load", lambda name: SimpleNamespace(name=name, card={}))
    monkeypatch.setattr("models.embedder.Embedder", lambda model, **options: _Networks())
    return dataset


def figures(evaluation: dict[str, Any]) -> list[float]:
    found = evaluation["figures"]
    return [*found["rank"].values(), found["map_standard"], found["map_trapezoid"]]


def standard_figures(dataset: Dataset) -> list[list[float]]:
    """Figures of each split, where the gallery that is stored is that of all splits."""
    features = TrackletFeatures(TinyEmbedder(), None)
    splits = judged_splits(dataset)
    everybody = list(dict.fromkeys(t for split in splits for t in split.gallery))
    cameras = np.array([tracklet.camera for tracklet in everybody])
    compared = []
    for split in splits:
        query = features.of(split.query, video=False)
        scores = standard_scores(query, features.of(everybody, video=True), cameras)
        compared.append(Compared(split, -scores[:, [everybody.index(t) for t in split.gallery]]))
    judged = judge("drawn", EvaluationProtocol.I2V, "tiny", "0", compared).to_json()
    return [figures(split) for split in judged["splits"]]


def left_behind(gallery: Gallery) -> tuple[int, int, int]:
    probes = gallery.data_dir / "probes"
    return (
        len(gallery.catalogue.cameras()),
        len(gallery.catalogue.videos()),
        len([*probes.iterdir()]) if probes.is_dir() else 0,
    )


ARGUMENTS = ("evaluate", "--dataset", "drawn", "--root")


@pytest.mark.long
def test_figures_are_those_of_the_model(
    run: Run, tmp_path: Path, people: Dataset, running: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(through_service, "PART", 7)  # several parts of a gallery of 28
    monkeypatch.setenv("SIGHTLINE_API_KEY", running.key)
    file = tmp_path / "figures.json"

    options = ("--json", file, "--plots", tmp_path / "plots")
    result = run(*ARGUMENTS, tmp_path, "--through-service", running.url, *options)

    assert result.exit_code == 0, result.output
    drawn = {path.name for path in (tmp_path / "plots").iterdir()}
    assert drawn == {"cmc.png", "i2v-worst.png", "i2v-random.png"}
    values = json.loads(file.read_text())
    expected = evaluate(TrackletFeatures(TinyEmbedder(), None), people, EvaluationProtocol.I2V).to_json()
    found, standard = values["evaluations"]
    assert values["through_service"] == running.url
    assert found["counts"] == expected["counts"]
    for mine, offline in zip([found, *found["splits"]], [expected, *expected["splits"]], strict=True):
        np.testing.assert_allclose(figures(mine), figures(offline), atol=1e-4)
    assert min(figures(found)) < 1, "nothing was hard: any ranking would pass"
    assert (found["ranked_by"], standard["ranked_by"]) == ("cosine", "standard_score")
    for mine, offline in zip(standard["splits"], standard_figures(people), strict=True):
        np.testing.assert_allclose(figures(mine), offline, atol=1e-4)
    assert left_behind(running.gallery) == (0, 0, 0)
    done = [event.action for event in running.gallery.audit.events(limit=1000)]
    assert done.count("video.erase") == 6  # three cameras, each in two parts


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("wrong", "unknown, expired or revoked"),
        ("", "unknown, expired or revoked"),
        ("a\nb", "not an API key"),
        ("é中", "not an API key"),
    ],
)
def test_a_wrong_key_is_one_line(
    run: Run, tmp_path: Path, people: Dataset, running: Served, key: str, says: str
) -> None:
    result = run(*ARGUMENTS, tmp_path, "--through-service", running.url, "--key", key)

    assert result.exit_code == 2
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert left_behind(running.gallery) == (0, 0, 0)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://127.0.0.1:9", "cannot reach"),
        ("http://127.0.0.1:99999", "no URL of a service"),
        ("ftp://127.0.0.1", "no URL of a service"),
        ("127.0.0.1:8000", "no URL of a service"),
        ("http://", "no URL of a service"),
    ],
)
def test_a_wrong_url_is_one_line(
    run: Run, tmp_path: Path, people: Dataset, sqlite_settings: GallerySettings, url: str, says: str
) -> None:
    result = run(*ARGUMENTS, tmp_path, "--through-service", url, "--key", "k")

    assert result.exit_code == 2
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    with Gallery.open(sqlite_settings) as gallery:
        assert left_behind(gallery) == (0, 0, 0)


def test_a_service_with_another_model_is_one_line(
    run: Run, tmp_path: Path, people: Dataset, sqlite_settings: GallerySettings
) -> None:
    with service(sqlite_settings, TinyEmbedder(model="1")) as other:
        result = run(*ARGUMENTS, tmp_path, "--through-service", other.url, "--key", other.key)

        assert left_behind(other.gallery) == (0, 0, 0)
    assert result.exit_code == 2
    assert "another model, tiny (111111111111), not tiny (000000000000)" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_service_of_another_gallery_is_one_line(
    run: Run, tmp_path: Path, people: Dataset, running: Served
) -> None:
    (tmp_path / "other").mkdir()
    Gallery.open(GallerySettings(data_dir=tmp_path / "other"), create=True).close()

    where = ("--key", running.key, "--data-dir", tmp_path / "other")
    result = run(*ARGUMENTS, tmp_path, "--through-service", running.url, *where)

    assert result.exit_code == 2
    assert re.search("There is no camera.*--data-dir", result.stderr)
    with Gallery.open(GallerySettings(data_dir=tmp_path / "other")) as gallery:
        assert left_behind(gallery) == (0, 0, 0)


def test_a_picture_that_cannot_be_read_leaves_nothing_behind(
    run: Run, tmp_path: Path, people: Dataset, running: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(through_service, "PART", 7)
    people.splits[1].gallery[-1].frames[2].write_bytes(b"spoiled")  # of the last part

    result = run(*ARGUMENTS, tmp_path, "--through-service", running.url, "--key", running.key)

    assert result.exit_code == 2
    assert "not a readable image" in result.stderr
    assert left_behind(running.gallery) == (0, 0, 0)


@pytest.mark.parametrize("option", [("--rerank",), ("--protocol", "all")])
def test_other_protocols_are_refused(run: Run, tmp_path: Path, option: tuple[str, ...]) -> None:
    result = run(*ARGUMENTS, tmp_path, "--through-service", "http://127.0.0.1:9", *option)

    assert result.exit_code == 2
    assert "I2V only" in result.stderr
