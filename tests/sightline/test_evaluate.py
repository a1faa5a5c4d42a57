"""`sightline evaluate`: tables for people, a file for programs."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import models.datasets
from models.datasets.records import Dataset, Split, Tracklet
from models.embedder import Features
from models.errors import BadDataset
from tests.models.pictures import ColourNetworks, make_tracklet
from tests.sightline.conftest import Run

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


class _Networks(ColourNetworks):
    device, precision = "cpu", "fp32"
    warning: str | None = "made of colours"


def colours(root: Path) -> Dataset:
    """Three people on two cameras; one is green on the first photo, blue later."""
    asked = [[RED] * 2, [GREEN] * 2, [GREEN, BLUE, BLUE]]
    query = tuple(make_tracklet(root, i, 1, frames) for i, frames in enumerate(asked, 1))
    gallery = tuple(make_tracklet(root, i, 2, [value]) for i, value in enumerate([RED, GREEN, BLUE], 1))
    return Dataset("colours", (Split((), query, gallery),))


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str, root: Path) -> Dataset:
        if name not in {"colours", "cuhk03"}:
            raise BadDataset(f"no data set {name!r}; there is colours")
        return replace(colours(root), name=name)

    monkeypatch.setattr(models.datasets, "load", load)
    monkeypatch.setattr("models.embedder.Embedder", lambda model, **options: _Networks())


def test_a_table_has_all_figures_with_intervals(run: Run, tmp_path: Path) -> None:
    result = run("evaluate", "--dataset", "colours", "--root", tmp_path)

    assert result.exit_code == 0, result.output
    assert (
        "colours on colours: 3 queries for 3 people, 0 without a match left out, 3 in the gallery"
        in result.stdout
    )
    lines = [line.split() for line in result.stdout.splitlines() if line.strip().startswith("i2v")]
    assert lines[0][1] == "66.7"
    assert lines[0][2].startswith("[")
    for heading in (
        "rank-20",
        "mAP (standard)",
        "mAP (trapezoid)",
        "mINP",
        "TAR at FAR 0.1%",
        "DIR at FAR 10%",
    ):
        assert heading in result.stdout
    assert "made of colours" in result.stdout


def test_cuhk03_has_a_line_for_one_entry_a_person(run: Run, tmp_path: Path) -> None:
    result = run("evaluate", "--dataset", "cuhk03", "--root", tmp_path)

    assert result.exit_code == 0, result.output
    (line,) = [line.split() for line in result.stdout.splitlines() if "single-shot" in line]
    assert line == ["i2v", "single-shot", "66.7", "100.0", "100.0", "100.0"]


def test_all_protocols_go_into_the_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "figures.json"

    result = run("evaluate", "--dataset", "colours", "--root", tmp_path, "--protocol", "all", "--json", file)

    assert result.exit_code == 0, result.output
    values = json.loads(file.read_text())
    assert (values["device"], values["precision"]) == ("cpu", "fp32")
    found = {one["protocol"]: one for one in values["evaluations"]}
    assert list(found) == ["i2v", "v2v", "i2i"]
    assert found["i2v"]["figures"]["rank"]["1"] == pytest.approx(2 / 3)
    assert found["v2v"]["figures"]["rank"]["1"] == 1
    assert found["i2v"]["reranked"] is None


def test_a_protocol_that_was_finished_is_kept_when_the_next_one_fails(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str, root: Path) -> Dataset:
        (split,) = colours(root).splits
        spoiled = tuple(Tracklet(t.identity, t.camera, (*t.frames, root / "gone.png")) for t in split.query)
        return Dataset(name, (Split((), spoiled, split.gallery),))

    monkeypatch.setattr(models.datasets, "load", load)
    file = tmp_path / "figures.json"

    result = run("evaluate", "--dataset", "colours", "--root", tmp_path, "--protocol", "all", "--json", file)

    assert result.exit_code == 2
    assert "gone.png" in result.stderr
    assert [one["protocol"] for one in json.loads(file.read_text())["evaluations"]] == ["i2v"]


def test_an_unknown_data_set_is_one_line(run: Run, tmp_path: Path) -> None:
    result = run("evaluate", "--dataset", "colors", "--root", tmp_path)

    assert result.exit_code == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "no data set 'colors'" in result.stderr
    assert "docs/datasets.md" in result.stderr


@pytest.mark.parametrize("place", ["no/file.json", "."])
def test_a_file_that_cannot_be_written_is_refused_before_the_work(
    run: Run, tmp_path: Path, place: str
) -> None:
    result = run("evaluate", "--dataset", "colors", "--root", tmp_path, "--json", tmp_path / place)

    assert result.exit_code == 2
    assert "cannot write" in result.stderr


def test_re_ranked_figures_have_a_line_of_their_own(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def backwards(query: Features, gallery: Features, *, k1: int = 20) -> Features:
        result: Features = query @ gallery.T
        return result

    monkeypatch.setitem(sys.modules, "models.reranking", SimpleNamespace(k_reciprocal=backwards))

    result = run("evaluate", "--dataset", "colours", "--root", tmp_path, "--rerank")

    assert result.exit_code == 0, result.output
    first, second = [line.split() for line in result.stdout.splitlines() if "i2v" in line][:2]
    assert (first[1], second[:3]) == ("66.7", ["i2v", "re-ranked", "0.0"])


def test_an_unknown_model_is_one_line(run: Run, tmp_path: Path) -> None:
    result = run("evaluate", "--dataset", "colours", "--root", tmp_path, "--model", "nobody")

    assert result.exit_code == 2
    assert "no model and no checkpoint 'nobody'" in result.stderr
