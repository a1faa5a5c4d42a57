"""docs/python.md: its examples run, one after the other, and say what they promise."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gallery import Gallery, GallerySettings
from tests.gallery.making import make_tracklets, store

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
