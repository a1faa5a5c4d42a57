"""Which queries an album shows, with which answers; and that it draws them."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.datasets.records import DISTRACTOR, JUNK, Dataset, Split
from models.errors import TrainingError
from models.evaluation import album as module
from models.evaluation.album import Album
from models.evaluation.evaluate import evaluate
from models.evaluation.plots import RankedList, Verdict
from models.evaluation.protocols import EvaluationProtocol, TrackletFeatures
from tests.models.pictures import ColourNetworks, make_tracklet

RED, GREEN, BLUE, GREY = (255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128)
RIGHT, WRONG = Verdict.RIGHT, Verdict.WRONG
I2V, V2V, I2I = EvaluationProtocol.I2V, EvaluationProtocol.V2V, EvaluationProtocol.I2I


@pytest.fixture
def split(tmp_path: Path) -> Split:
    """Red, green and blue people on two cameras; the blue one begins green on the first."""
    asked = {1: [RED] * 3, 2: [GREEN] * 3, 3: [GREEN, BLUE, BLUE]}
    query = tuple(make_tracklet(tmp_path, i, 1, frames) for i, frames in asked.items())
    others = [make_tracklet(tmp_path, i, 2, [c] * 3) for i, c in enumerate((RED, GREEN, BLUE), 1)]
    nobody = make_tracklet(tmp_path, DISTRACTOR, 2, [GREY])
    junk = make_tracklet(tmp_path, JUNK, 2, [RED])
    return Split((), query, (*query, *others, nobody, junk))


Drawn = dict[str, list[RankedList]]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Drawn:
    """What was to be drawn, by the name of the file."""
    found: Drawn = {}
    monkeypatch.setattr(module, "ranked_lists", lambda path, rows: found.update({path.name: rows}))
    return found


def make(folder: Path, queries: int, *protocols: EvaluationProtocol, splits: tuple[Split, ...]) -> None:
    album, features = Album(folder, queries), TrackletFeatures(ColourNetworks())
    album.draw([evaluate(features, Dataset("drawn", splits), one, seen=album.see) for one in protocols])


def told(row: RankedList) -> tuple[str, str, list[tuple[str, Verdict, float]]]:
    answers = [(a.crop.name, a.verdict, round(a.score, 2)) for a in row.answers]
    return row.query.name, row.caption, answers


def test_the_worst_query_comes_first_with_its_answers(tmp_path: Path, split: Split, drawn: Drawn) -> None:
    make(tmp_path, 2, I2V, splits=(split,))

    first, second = drawn["i2v-worst.png"]
    # The green photo of the blue person: what her own camera saw of her and the junk are left out, and videos
    # show their middle. Blue is as far as red and stands behind it in the gallery.
    assert told(first) == (
        "3c1f0.png",
        "match at 6",
        [
            ("2c1f1.png", WRONG, 1.0),
            ("2c2f1.png", WRONG, 1.0),
            ("0c2f0.png", WRONG, 0.58),
            ("1c1f1.png", WRONG, 0.0),
            ("1c2f1.png", WRONG, 0.0),
            ("3c2f1.png", RIGHT, 0.0),
        ],
    )
    assert told(second)[:2] == ("1c1f0.png", "match at 1")
    assert told(second)[2][0] == ("1c2f1.png", RIGHT, 1.0)


def test_each_protocol_shows_what_its_networks_saw(tmp_path: Path, split: Split, drawn: Drawn) -> None:
    make(tmp_path, 5, *EvaluationProtocol, splits=(split,))

    assert {row.query.name for row in drawn["v2v-random.png"]} == {"1c1f1.png", "2c1f1.png", "3c1f1.png"}
    assert {row.query.name for row in drawn["i2i-random.png"]} == {"1c1f0.png", "2c1f0.png", "3c1f0.png"}
    assert all(a.crop.name.endswith("f0.png") for row in drawn["i2i-worst.png"] for a in row.answers)
    assert len(drawn) == 6


def test_random_queries_are_the_same_ones_every_time(tmp_path: Path, drawn: Drawn) -> None:
    people = [make_tracklet(tmp_path, i, c, [(9 * i, 99, 9)]) for i in range(1, 25) for c in (1, 2)]
    split = Split((), tuple(people[::2]), tuple(people[1::2]))
    make(tmp_path, 7, I2I, I2V, splits=(split,))

    chosen = [[row.query for row in drawn[f"{name}-random.png"]] for name in ("i2i", "i2v")]
    assert chosen[0] == chosen[1]
    assert len(set(chosen[0])) == 7
    assert chosen[0] != [one.frames[0] for one in people[:14:2]]
    assert all(len(row.answers) == 10 for row in drawn["i2v-random.png"])


def test_queries_without_a_match_are_not_shown(tmp_path: Path, split: Split, drawn: Drawn) -> None:
    lonely = make_tracklet(tmp_path, 4, 1, [GREY])
    make(tmp_path, 9, I2V, splits=(replace(split, query=(lonely, *split.query)),))

    assert [told(row)[:2] for row in drawn["i2v-random.png"]] == [
        ("1c1f0.png", "match at 1"),
        ("2c1f0.png", "match at 1"),
        ("3c1f0.png", "match at 6"),
    ]


def test_lists_are_those_of_the_first_split(tmp_path: Path, split: Split, drawn: Drawn) -> None:
    make(tmp_path, 9, I2V, splits=(replace(split, query=split.query[:2]), split))

    assert [row.query.name for row in drawn["i2v-worst.png"]] == ["1c1f0.png", "2c1f0.png"]


def test_curves_are_those_of_every_protocol_and_of_re_ranking(
    tmp_path: Path, split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, float] = {}

    def plot(path: Path, title: str, curves: dict[str, np.ndarray]) -> None:
        assert (path, title) == (tmp_path / "cmc.png", "CMC of colours on drawn")
        seen.update({name: curve[0] for name, curve in curves.items()})

    monkeypatch.setattr(module, "cmc_plot", plot)
    features, dataset = TrackletFeatures(ColourNetworks()), Dataset("drawn", (split,))
    found = [
        evaluate(features, dataset, I2V, rerank=lambda query, gallery: query @ gallery.T),
        evaluate(features, dataset, V2V),
    ]
    Album(tmp_path, 1).draw(found)

    assert seen == {"i2v": pytest.approx(2 / 3), "i2v re-ranked": 0, "v2v": 1}


def test_all_is_drawn(tmp_path: Path, split: Split) -> None:
    out = tmp_path / "out"
    out.mkdir()
    make(out, 2, I2V, V2V, splits=(split,))

    names = {"cmc.png", "i2v-worst.png", "i2v-random.png", "v2v-worst.png", "v2v-random.png"}
    assert {path.name for path in out.iterdir()} == names
    for path in out.iterdir():
        with Image.open(path) as picture:
            picture.load()
            assert picture.format == "PNG"


def test_without_matplotlib_there_is_no_album(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.figure", raising=False)

    with pytest.raises(TrainingError, match=r"pip install '.\[train\]'"):
        Album(tmp_path, 1)
