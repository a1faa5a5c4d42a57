"""`sightline models`: from import to promotion and back, as a person types it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gallery import Gallery, GallerySettings, ModelInfo
from models import zoo
from models.names import DEFAULT, SHIPPED, ZOO
from tests.gallery.making import make_tracklets, store
from tests.models.cards import looks_like_a_path, texts
from tests.models.imported.networks import write_reid
from tests.models.people import draw_tracklets
from tests.sightline.conftest import Run


def listed(run: Run) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in json.loads(run("models", "list", "--json").stdout)}


def test_the_shipped_model_is_in_use_until_another_is_promoted(run: Run) -> None:
    rows = listed(run)
    assert set(rows) == set(SHIPPED)
    assert [name for name, row in rows.items() if row["in_use"]] == [DEFAULT]
    assert "shipped" in run("models").output
    card = json.loads(run("models", "show", DEFAULT).stdout)
    assert card["name"] == DEFAULT


def test_from_import_to_rollback(run: Run, tmp_path: Path) -> None:
    network = write_reid(tmp_path / "net.onnx")
    imported = run("models", "import", network, "--name", "theirs", "--size", "64x32")
    assert imported.exit_code == 0, imported.output
    assert "theirs (" in imported.output
    assert "origin is unknown" in imported.output
    assert listed(run)["theirs"]["kept"] == "in the gallery"
    assert json.loads(run("models", "show", "theirs", "--json").stdout)["card"]["origin"] == "unknown"

    assert "theirs" in run("models", "promote", "theirs").output
    assert [name for name, row in listed(run).items() if row["in_use"]] == ["theirs"]
    assert run("models", "remove", "theirs").exit_code == 2

    promoted = run("models", "promote", SHIPPED[-1])
    assert promoted.exit_code == 0, promoted.output
    rows = listed(run)
    assert (rows[SHIPPED[-1]]["kept"], rows[SHIPPED[-1]]["in_use"]) == ("in the gallery", "yes")

    assert "theirs" in run("models", "rollback").output
    assert DEFAULT in run("models", "rollback").output
    nothing = run("models", "rollback")
    assert nothing.exit_code == 2
    assert "nothing to roll back" in nothing.output
    assert run("models", "remove", "theirs").exit_code == 0
    assert "theirs" not in listed(run)


def test_a_checkpoint_is_imported_by_its_folder(run: Run, tmp_path: Path) -> None:
    folder = ZOO / SHIPPED[0]
    result = run("models", "import", folder)
    assert result.exit_code == 2
    assert "comes with the program (choose another --name)" in result.output
    result = run("models", "import", folder, "--name", "copy")
    assert result.exit_code == 0, result.output
    assert listed(run)["copy"]["id"] == zoo.load(SHIPPED[0]).id[:12]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["net.onnx"], "give it one with --name"),
        (["net.onnx", "--name", "a", "--size", "256"], "no size: '256'"),
        (["net.onnx", "--name", "a", "--size", "64x32", "--scale", "2"], "--scale cannot be 2"),
        (["net.onnx", "--name", "a", "--size", "64x32", "--channels", "xyz"], "--channels cannot be xyz"),
        (["net.onnx", "--name", "a", "--size", "64x32", "--mean", "a,b"], "is not made of numbers"),
        (["net.onnx", "--name", "a", "--size", "128x32"], "takes pictures of 3 x 64 x 32"),
        (["net.onnx", "--name", "A B", "--size", "64x32"], "name"),
        (["net.pth.tar", "--name", "a"], "is a pickle, which could run code"),
        (["other.onnx", "--name", "a"], "no such file"),
    ],
)
def test_what_does_not_fit_is_one_line(
    run: Run, tmp_path: Path, arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_reid(tmp_path / "net.onnx")
    monkeypatch.chdir(tmp_path)
    result = run("models", "import", *arguments)
    assert result.exit_code == 2
    assert said in result.output
    assert result.output.count("\n") == 1


def info(letter: str) -> ModelInfo:
    figure = {"name": "halves", "before": 0.5, "after": 0.625, "allowed": 0.49, "count": 40}
    card = {"name": f"model-{letter}", "adaptation": {"gate": [figure]}}
    return ModelInfo(letter * 64, f"model-{letter}", 16, card)


def test_two_models_are_compared_before_one_takes_over(
    run: Run, sqlite_settings: GallerySettings, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "card.json").write_text("{}")
    with Gallery.open(sqlite_settings) as gallery:
        for letter in "ab":
            gallery.models.add(info(letter), source)
        for video in range(4):
            store(gallery, video, make_tracklets(video, 10), model=info("a"))
        gallery.models.promote("model-a")
    early = run("models", "compare", "model-a", "model-b")
    assert (early.exit_code, "nothing is embedded with model-b" in early.output) == (2, True)
    refused = run("models", "promote", "model-b", "--allow-missing")
    assert refused.exit_code == 2, "its files are no model"
    with Gallery.open(sqlite_settings) as gallery:
        for video in range(3):
            store(gallery, video, make_tracklets(video, 10), model=info("b"))
    both = json.loads(run("models", "compare", "model-a", "model-b", "--json").stdout)
    found = both["tracklets"]
    assert (both["searches"], found["count"]) == (None, 30)
    # The same vectors under another name: only the ten tracklets that the other one lacks make a difference.
    assert 0.5 < found["overlap"] <= 1
    assert found["after"]["rank_1"] >= found["before"]["rank_1"]
    rehearsal = run("models", "promote", "model-b", "--dry-run")
    assert rehearsal.exit_code == 0, rehearsal.output
    assert "model-b was adapted; its gate, before and after" in rehearsal.output
    assert "halves 0.500 0.625 0.490 40" in " ".join(rehearsal.output.split())
    assert "1 recordings are not indexed with model-b" in rehearsal.output
    assert "Nothing was changed." in rehearsal.output
    assert listed(run)["model-a"]["in_use"] == "yes"


def test_the_mean_of_models_is_a_model(run: Run, tmp_path: Path) -> None:
    pair = [DEFAULT, "tkp-efficientnet-lite0"]
    told = [*pair, "--name", "mean", "--out", tmp_path / "mean"]
    made = run("models", "average", *told, "--share", "3", "--share", "1")
    assert made.exit_code == 0, made.output
    card = json.loads((tmp_path / "mean" / "card.json").read_text())
    assert [part["name"] for part in card["training"]["average_of"]] == pair
    assert card["id"][:12] in made.output
    imported = run("models", "import", tmp_path / "mean")
    assert imported.exit_code == 0, imported.output
    assert "mean" in listed(run)
    again = run("models", "average", *told)
    assert (again.exit_code, "is there already" in again.output) == (2, True)
    alone = run("models", "average", DEFAULT, "--name", "mean", "--out", tmp_path / "alone")
    assert (alone.exit_code, "two models or more" in alone.output) == (2, True)


@pytest.mark.long
def test_a_whitened_model_is_a_model(run: Run, tmp_path: Path) -> None:
    tracklets = draw_tracklets(tmp_path / "people" / "bbox_train", identities=4)
    other = tmp_path / "people" / "bbox_test" / "0009"
    other.mkdir(parents=True)
    shutil.copy(tracklets[0].frames[0], other / "0009C1T0001F000.png")
    data = ["--dataset", "simulated", "--root", tmp_path / "people"]
    told = ["vkd-efficientnet-lite0", *data, "--name", "white", "--out", tmp_path / "white"]
    few = run("models", "whiten", *told)
    assert few.exit_code == 2
    assert "24 crops are too few for 512 numbers" in " ".join(few.output.split())
    made = run("models", "whiten", *told, "--dimension", "12", "--crops", "4")
    assert made.exit_code == 0, made.output
    assert "12 numbers a person, from 16 crops" in made.output
    card = json.loads((tmp_path / "white" / "card.json").read_text())
    assert len(card["whitening"]["data_sha256"]) == 64
    assert not [text for text in texts(card) if looks_like_a_path(text)]
    imported = run("models", "import", tmp_path / "white")
    assert imported.exit_code == 0, imported.output
    assert listed(run)["white"]["dimension"] == 12
    again = run("models", "whiten", *told, "--dimension", "12")
    assert (again.exit_code, "is there already" in again.output) == (2, True)


def test_a_gallery_of_another_shipped_model_goes_back_to_that(
    run: Run, sqlite_settings: GallerySettings, tmp_path: Path
) -> None:
    earlier = next(name for name in SHIPPED if name != DEFAULT)
    card = json.loads((ZOO / earlier / "card.json").read_text())
    with Gallery.open(sqlite_settings) as gallery:
        model = ModelInfo(card["id"], earlier, 16, {})  # as short as the embeddings that tests make
        store(gallery, 1, make_tracklets(1, 2), model=model)
    assert [name for name, row in listed(run).items() if row["in_use"]] == [earlier]
    refused = run("models", "remove", earlier)
    assert (refused.exit_code, "is in use" in refused.output) == (2, True)
    network = write_reid(tmp_path / "net.onnx")
    run("models", "import", network, "--name", "theirs", "--size", "64x32")
    assert run("models", "promote", "theirs", "--allow-missing").exit_code == 0
    assert f"{earlier} (" in run("models", "rollback").output
