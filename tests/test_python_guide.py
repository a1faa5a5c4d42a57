"""docs/python.md: its examples run, one after the other, and say what they promise."""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gallery import Gallery, GallerySettings
from models.datasets.records import Dataset, Split
from models.evaluation.evaluate import evaluate
from models.evaluation.exports import RankedLists
from models.evaluation.protocols import EvaluationProtocol, TrackletFeatures
from tests.gallery.making import make_tracklets, store
from tests.indexer.fakes import TinyEmbedder
from tests.models.people import draw_tracklets

GUIDE = (Path(__file__).parents[1] / "docs" / "python.md").read_text(encoding="utf-8")
NAMES = (
    "bounding_box_train/0003_c1s1_000001_01.jpg",
    "query/0001_c1s1_000001_00.jpg",
    "query/0002_c1s1_000001_00.jpg",
    "bounding_box_test/0001_c2s1_000051_00.jpg",
    "bounding_box_test/0002_c2s1_000051_00.jpg",
)


def test_the_examples_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    random = np.random.default_rng(0)
    for name in (*NAMES, "../../photo.jpg"):
        file = tmp_path / "data" / "market" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 255, (128, 64, 3), dtype=np.uint8)).save(file)
    with Gallery.open(GallerySettings(data_dir=tmp_path / "data" / "gallery"), create=True) as gallery:
        store(gallery, 1, make_tracklets(1, 4))
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.S)
    assert len(blocks) == 3
    exec(compile("\n".join(blocks), "docs/python.md", "exec"), {})
    printed = capsys.readouterr().out
    assert "rank-1 " in printed
    assert "gate" in printed or "[" in printed
    assert len(printed.splitlines()) == 6


class Fiftyone(ModuleType):
    """Keeps the samples that it is given, as FiftyOne's data sets do; their files must be there."""

    def __init__(self) -> None:
        super().__init__("fiftyone")
        self.samples: list[dict[str, Any]] = []
        self.shown: tuple[str, str] | None = None

    def Dataset(self, name: str) -> "Fiftyone":
        assert name
        return self

    def Sample(self, *, filepath: str, **fields: object) -> dict[str, Any]:
        assert Path(filepath).is_absolute()
        assert Path(filepath).is_file()
        return {"filepath": filepath, **fields}

    def add_sample(self, sample: dict[str, Any]) -> None:
        self.samples.append(sample)

    def group_by(self, field: str, *, order_by: str) -> "Fiftyone":
        self.shown = field, order_by
        return self

    def launch_app(self, view: "Fiftyone") -> None:
        assert view.shown is not None
        assert all(set(view.shown) <= set(sample) for sample in view.samples)


def test_ranked_lists_are_what_fiftyone_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people = draw_tracklets(tmp_path / "people", identities=4)
    dataset = Dataset("drawn", (Split((), people[::2], people[1::2]),))
    lists = RankedLists(tmp_path / "lists.jsonl")
    evaluate(TrackletFeatures(TinyEmbedder()), dataset, EvaluationProtocol.V2V, seen=lists.see)
    fiftyone = Fiftyone()
    monkeypatch.setitem(sys.modules, "fiftyone", fiftyone)
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```\n(import json\nimport pathlib\nimport fiftyone.*?)```", GUIDE, flags=re.S)

    exec(compile(block, "docs/python.md", "exec"), {})

    queries = [sample for sample in fiftyone.samples if sample["rank"] == 0]
    assert [sample["query"] for sample in queries] == [0, 1, 2, 3]
    assert len(fiftyone.samples) == 4 + 4 * 4
    for sample in fiftyone.samples:
        assert isinstance(sample["match"], bool)
        assert isinstance(sample["score"], float)
        assert sample["match"] == (sample["identity"] == queries[sample["query"]]["identity"])
