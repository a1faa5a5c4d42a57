"""`sightline calibrate`: what a model's scores stand for, on its card."""

import shutil
from pathlib import Path

import pytest

import models.datasets
from models import checkpoint, zoo
from models.calibration.calibrator import calibrator_of
from models.datasets.records import Dataset
from models.names import ZOO
from tests.models.calibration.test_searches import people
from tests.models.pictures import ColourNetworks
from tests.sightline.conftest import Run


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str, root: Path) -> Dataset:
        root.mkdir(exist_ok=True)
        return Dataset(name, (people(root, 60, len(root.name)),))

    monkeypatch.setattr(models.datasets, "load", load)
    monkeypatch.setattr("models.embedder.Embedder", lambda model, **options: ColourNetworks())


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ZOO / zoo.DEFAULT, tmp_path / "model"))


@pytest.mark.long
def test_the_card_gets_a_calibration_and_how_good_it_is(run: Run, tmp_path: Path, model: Path) -> None:
    before = checkpoint.load(model)
    result = run(
        "calibrate", model, "--dataset", "colours", "--root", tmp_path / "a", "--judge", tmp_path / "other"
    )

    assert result.exit_code == 0, result.output
    assert "60 people" in result.stdout
    assert "colours in other" in result.stdout
    after = checkpoint.load(model)
    assert after.id == before.id
    found = calibrator_of(after.card, after.id)
    assert found is not None
    assert found.fitted_on["people"] == 60
    assert [(one["dataset"], one["compared"] < 100) for one in found.measured] == [
        ("colours in other", False),
        ("colours in other", False),
        ("colours in other", True),
    ]
    assert {**before.card, "calibration": None} == {**after.card, "calibration": None}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--dataset", "colours"],
        ["--root", "a"],
        ["--reset", "--dry-run"],
        ["--reset", "--show"],
        ["--show", "--tracklets"],
        ["MODEL", "--tracklets", "--dataset", "colours", "--root", "a"],
        ["MODEL", "--dry-run"],
        ["MODEL", "--dataset", "colours"],
        ["MODEL", "--root", "a"],
    ],
)
def test_options_that_do_not_go_together_are_refused(run: Run, model: Path, arguments: list[str]) -> None:
    result = run("calibrate", *(model if one == "MODEL" else one for one in arguments))
    assert result.exit_code == 2
    assert calibrator_of(checkpoint.load(model).card, checkpoint.load(model).id) is not None


def test_nobody_is_judged_by_who_was_learnt_from(run: Run, tmp_path: Path, model: Path) -> None:
    result = run(
        "calibrate", model, "--dataset", "colours", "--root", tmp_path / "a", "--judge", tmp_path / "a"
    )
    assert result.exit_code == 2
    assert "judge by other people" in result.stderr


def test_what_is_no_checkpoint_is_said(run: Run, tmp_path: Path) -> None:
    result = run("calibrate", tmp_path / "none", "--dataset", "colours", "--root", tmp_path / "a")
    assert result.exit_code == 2
    assert "no checkpoint" in result.stderr
