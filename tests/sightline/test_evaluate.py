"""`sightline evaluate`: tables for people, a file for programs."""

import csv
import errno
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import models.datasets
from models import zoo
from models.datasets.records import Dataset, Split, Tracklet
from models.embedder import Features
from models.errors import BadDataset
from models.evaluation.plots import CROP
from models.networks.cross_modal import CrossModal
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
        if name not in {"colours", "cuhk03", "cuhk03-images"}:
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


def test_plots_go_into_a_new_folder(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "plots"

    result = run(
        *("evaluate", "--dataset", "colours", "--root", tmp_path, "--protocol", "all"),
        *("--plots", folder, "--plot-queries", "1"),
    )

    assert result.exit_code == 0, result.output
    assert f"Plots: {folder}" in result.stdout
    lists = {f"{one}-{name}.png" for one in ("i2v", "v2v", "i2i") for name in ("worst", "random")}
    assert {path.name for path in folder.iterdir()} == {"cmc.png", *lists}
    with Image.open(folder / "i2v-worst.png") as picture:
        assert picture.height < 2 * CROP[1]  # one query


def _nothing_is_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(model: object, **options: object) -> None:
        pytest.fail("the work has begun")

    monkeypatch.setattr("models.embedder.Embedder", refuse)


@pytest.mark.parametrize("place", ["file", "file/plots", "n" * 300])
def test_a_folder_that_cannot_be_drawn_into_is_refused_before_the_work(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    _nothing_is_embedded(monkeypatch)
    (tmp_path / "file").write_text("kept")

    result = run("evaluate", "--dataset", "colours", "--root", tmp_path, "--plots", tmp_path / place)

    assert result.exit_code == 2
    assert f"cannot draw into {tmp_path / place}: " in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert (tmp_path / "file").read_text() == "kept"


def test_a_folder_without_permission_is_refused_before_the_work(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _nothing_is_embedded(monkeypatch)

    def refuse(**options: object) -> None:  # root may write everywhere
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "some/temporary/name")

    monkeypatch.setattr("sightline.plotting.TemporaryFile", refuse)

    result = run("evaluate", "--dataset", "colours", "--root", tmp_path, "--plots", tmp_path)

    assert result.exit_code == 2
    assert f"cannot draw into {tmp_path}: Permission denied (name another folder)" in result.stderr


def test_plots_without_matplotlib_are_refused_before_the_work(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _nothing_is_embedded(monkeypatch)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.figure", raising=False)

    result = run("evaluate", "--dataset", "colours", "--root", tmp_path, "--plots", tmp_path / "out")

    assert result.exit_code == 2
    assert "plots need matplotlib: pip install '.[train]'" in result.stderr
    assert not (tmp_path / "out").exists()


def test_figures_are_shown_even_if_plots_fail(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out" / "cmc.png").mkdir(parents=True)

    result = run("evaluate", "--dataset", "colours", "--root", tmp_path, "--plots", tmp_path / "out")

    assert result.exit_code == 2
    assert "66.7" in result.stdout
    assert f"cannot draw into {tmp_path / 'out'}: Is a directory" in result.stderr


@pytest.mark.parametrize("number", ["0", "101", "many"])
def test_a_number_of_queries_that_cannot_be_is_refused(run: Run, tmp_path: Path, number: str) -> None:
    options = ("--plots", tmp_path / "out", "--plot-queries", number)
    result = run("evaluate", "--dataset", "colours", "--root", tmp_path, *options)

    assert result.exit_code == 2
    assert "--plot-queries" in result.output


def test_re_ranked_figures_have_a_line_of_their_own(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def backwards(query: Features, gallery: Features, *, k1: int = 20) -> Features:
        result: Features = query @ gallery.T
        return result

    monkeypatch.setitem(sys.modules, "models.evaluation.reranking", SimpleNamespace(k_reciprocal=backwards))

    result = run("evaluate", "--dataset", "colours", "--root", tmp_path, "--rerank")

    assert result.exit_code == 0, result.output
    first, second = [line.split() for line in result.stdout.splitlines() if "i2v" in line][:2]
    assert (first[1], second[:3]) == ("66.7", ["i2v", "re-ranked", "0.0"])


def test_an_unknown_model_is_one_line(run: Run, tmp_path: Path) -> None:
    result = run("evaluate", "--dataset", "colours", "--root", tmp_path, "--model", "nobody")

    assert result.exit_code == 2
    assert "no model and no checkpoint 'nobody'" in result.stderr


def test_cross_modal_embeddings_are_re_ranked_by_verification_where_it_compares(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def by_verification(network: object, query: Features, gallery: Features) -> Features:
        asked.append(network)
        result: Features = query @ gallery.T
        return result

    network = CrossModal(embedding=2, hidden=2)
    monkeypatch.setattr("models.zoo.load", lambda name: SimpleNamespace(network=network))
    monkeypatch.setattr("models.evaluation.verification.by_verification", by_verification)

    result = run("evaluate", "--dataset", "colours", "--root", tmp_path, "--rerank", "--protocol", "all")

    assert result.exit_code == 0, result.output
    assert asked == [network]  # by I2V only
    assert result.stdout.count("re-ranked") == 3


def test_models_are_compared_query_by_query(run: Run, tmp_path: Path) -> None:
    """The same model twice, once from a file of its figures: nothing differs."""
    file, both = tmp_path / "figures.json", tmp_path / "both.json"
    given = ("evaluate", "--dataset", "colours", "--root", tmp_path)
    assert run(*given, "--json", file).exit_code == 0

    result = run(*given, "--json", both, "--against", file, "--against", zoo.DEFAULT)

    assert result.exit_code == 0, result.output
    assert "colours less colours, colours by the same queries" in result.stdout
    assert "+0.0 [+0.0, +0.0], p 1.000" in result.stdout
    (comparison,) = json.loads(both.read_text())["comparisons"]
    assert comparison["differences"]["rank_1"] == {"value": 0, "low": 0, "high": 0, "p": 1}
    assert json.loads(file.read_text())["comparisons"] == []


def test_a_model_is_not_judged_by_people_it_was_trained_with(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str, root: Path) -> Dataset:
        return Dataset("prid-2011", colours(root).splits * 3)

    shipped = zoo.load(zoo.DEFAULT)
    trained = replace(shipped, card={**shipped.card, "training": {"dataset": "prid-2011 split 1"}})
    file, given = tmp_path / "figures.json", ("evaluate", "--dataset", "prid-2011", "--root", tmp_path)
    monkeypatch.setattr(models.datasets, "load", load)
    assert run(*given, "--json", file).exit_code == 0
    assert json.loads(file.read_text())["evaluations"][0]["splits"][2:]

    monkeypatch.setattr("models.zoo.load", lambda name: trained)
    assert run(*given, "--json", file).exit_code == 0
    (found, *_) = json.loads(file.read_text())["evaluations"]
    assert (found["dataset"], len(found["splits"])) == ("prid-2011 split 1", 1)
    result = run(*given, "--split", 2)
    assert result.exit_code == 2
    assert "it knows whom other splits test" in result.stderr


def test_a_comparison_with_other_figures_is_one_line(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    given = ("evaluate", "--dataset", "colours", "--root", tmp_path)
    assert run(*given, "--json", file).exit_code == 0
    for options, words in (
        (("--protocol", "i2i", "--against", file), "no figures by i2i"),
        (("--against", tmp_path / "gone"), "gone"),
        (("--against", file, "--through-service", "http://127.0.0.1:1"), "leave --through-service out"),
    ):
        result = run(*given, *options)
        assert result.exit_code == 2, result.output
        assert words in result.stderr


def test_image_to_image_is_also_judged_as_papers_report_it(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    given = ("evaluate", "--dataset", "cuhk03", "--root", tmp_path, "--protocol", "all", "--json", file)

    result = run(*given, "--against", zoo.DEFAULT)

    assert result.exit_code == 0, result.output
    values = json.loads(file.read_text())
    judged = [(one["dataset"], one["protocol"]) for one in values["evaluations"]]
    assert judged == [("cuhk03", "i2v"), ("cuhk03", "v2v"), ("cuhk03", "i2i"), ("cuhk03-images", "i2i")]
    assert [(one["dataset"], one["protocol"]) for one in values["comparisons"]] == judged
    assert "i2i (cuhk03-images)" in " ".join(result.stdout.split())


def test_figures_features_and_lists_go_into_files(run: Run, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("figures.csv", "features.npz", "lists.jsonl")]
    options = [
        part
        for name, file in zip(("csv", "features", "ranked-lists"), files, strict=True)
        for part in (f"--{name}", file)
    ]
    result = run("evaluate", "--dataset", "colours", "--root", tmp_path, "--protocol", "all", *options)
    assert result.exit_code == 0, result.output

    rows = list(csv.DictReader(files[0].read_text().splitlines()))
    assert {row["protocol"] for row in rows} == {"i2v", "v2v", "i2i"}
    assert all(0 <= float(row["rank_1"]) <= 1 for row in rows)
    assert float(next(row["rank_1"] for row in rows if row["protocol"] == "i2v")) == pytest.approx(2 / 3)

    with np.load(files[1]) as stored:
        arrays = dict(stored)
    for network in ("image", "video"):
        features = arrays[f"{network}_features"]
        np.testing.assert_allclose(np.linalg.norm(features, axis=1), 1, rtol=1e-5)
        assert sorted(arrays[f"{network}_identities"]) == [1, 1, 2, 2, 3, 3]
        assert len(arrays[f"{network}_files"]) == len(features) == 6

    lines = [json.loads(line) for line in files[2].read_text().splitlines()]
    assert len(lines) == 9
    asked = [line for line in lines if line["protocol"] == "i2v"]
    assert [line["hits"][0]["match"] for line in asked].count(True) == 2
    assert all(Path(line["query"]["file"]).exists() for line in lines)
    assert [hit["rank"] for hit in lines[0]["hits"]] == [1, 2, 3]
