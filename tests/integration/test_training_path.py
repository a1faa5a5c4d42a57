"""From no data to an answer: simulate, train, evaluate, and search with what was trained."""

import importlib.util
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gallery.gallery import Gallery
from gallery.settings import GallerySettings
from models import checkpoint
from service.app import create_app
from service.settings import ServiceSettings
from sightline.main import app
from tests.sightline.serving import served
from tests.simulation.drawing import give_up, made_or_skipped


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


@pytest.fixture
def simulated(tmp_path: Path) -> Path:
    """Three simulated people to train with, three in another place to test with."""
    if importlib.util.find_spec("moderngl") is None:
        give_up("the extra [simulation] is not installed", os.environ)
    from simulation.tracklets import PRESETS, simulate_tracklets

    preset = replace(PRESETS["tiny"], test_identities=3, cameras=3, truth=False)
    made_or_skipped(lambda: simulate_tracklets(tmp_path / "set", preset, processes=1), os.environ)
    return tmp_path / "set"


def test_what_was_trained_answers(
    simulated: Path, tmp_path: Path, sqlite_settings: GallerySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = ("--dataset", "simulated", "--root", simulated)
    out = tmp_path / "run"
    trained = run("train", "tiny", *data, "--out", out, "--device", "cpu")
    assert trained.exit_code == 0, trained.output
    model = out / "model"

    offline = run("evaluate", *data, "--model", model, "--device", "cpu", "--json", tmp_path / "offline.json")
    assert offline.exit_code == 0, offline.output

    monkeypatch.setenv("SIGHTLINE_MODEL", str(model))
    monkeypatch.setenv("SIGHTLINE_DEVICE", "cpu")
    monkeypatch.setenv("SIGHTLINE_DATA_DIR", str(sqlite_settings.data_dir))
    with Gallery.open(sqlite_settings) as gallery:
        monkeypatch.setenv("SIGHTLINE_API_KEY", gallery.keys.create("training")[1])
        with served(create_app(ServiceSettings(), gallery=gallery)) as url:
            where = ("--through-service", url, "--json", tmp_path / "service.json")
            through = run("evaluate", *data, "--model", model, "--device", "cpu", *where)
    assert through.exit_code == 0, through.output
    ours, theirs = (
        json.loads((tmp_path / name).read_text())["evaluations"][0]
        for name in ("offline.json", "service.json")
    )
    assert theirs["model_id"] == ours["model_id"] == checkpoint.load(model).id
    assert theirs["counts"] == ours["counts"]
    for name in ("map_standard", "map_trapezoid"):
        assert theirs["figures"][name] == pytest.approx(ours["figures"][name], abs=1e-4)
    assert theirs["figures"]["rank"] == pytest.approx(ours["figures"]["rank"], abs=1e-4)

    monkeypatch.setenv("SIGHTLINE_INDEX_MODEL", str(model))
    monkeypatch.setenv("SIGHTLINE_INDEX_DEVICE", "cpu")
    imported = run("import-crops", simulated / "bbox_test", "--start", "2026-01-01T00:00:00Z")
    assert imported.exit_code == 0, imported.output
    photo = next((simulated / "bbox_test").rglob("*F001.jpg"))
    answer = run("search", photo, "--json")
    assert answer.exit_code == 0, answer.output
    found = json.loads(answer.stdout)
    assert (found["model"]["name"], found["model"]["id"]) == ("tiny", ours["model_id"])
    assert found["hits"]
