"""CUHK03: both forms of folders, both kinds of boxes; and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from models.datasets import load
from models.errors import BadDataset
from tests.models.datasets.trees import plant, told

SORTED = [
    "bounding_box_train/0001_c1_1.png",
    "bounding_box_train/0001_c1_2.png",
    "bounding_box_train/0001_c2_10.png",
    "bounding_box_test/0002_c1_3.png",
    "bounding_box_test/0002_c2_9.png",
    "bounding_box_test/0002_c2_10.png",
    "query/0002_c1_4.png",
]
FLAT = [
    "1_001_1_01.png",
    "1_001_1_02.png",
    "1_001_2_06.png",
    "2_001_1_01.png",
    "2_001_2_06.png",
    "2_001_2_07.png",
]
INDEX = {"train_idx": [2, 1, 3], "query_idx": [4], "gallery_idx": [6, 5]}


def cells(names: list[str]) -> Any:
    return np.array([[name] for name in names], dtype=object)


def plant_flat(root: Path, boxes: str, **changes: Any) -> Path:
    plant(root / f"images_{boxes}", FLAT)
    values = {
        "filelist": cells(FLAT),
        **{key: np.array([value]).T for key, value in INDEX.items()},
        **changes,
    }
    savemat(root / f"cuhk03_new_protocol_config_{boxes}.mat", values)
    return root


@pytest.mark.parametrize(("name", "boxes"), [("cuhk03", "labeled"), ("cuhk03-detected", "detected")])
def test_sorted_folders(tmp_path: Path, name: str, boxes: str) -> None:
    root = plant(tmp_path / boxes, SORTED)
    dataset = load(name, tmp_path)
    (split,) = dataset.splits

    assert dataset.name == name
    assert told(split.train, root) == [(1, 1, SORTED[:2]), (1, 2, SORTED[2:3])]
    assert told(split.query, root) == [(2, 1, SORTED[6:])]
    assert told(split.gallery, root) == [(2, 1, SORTED[3:4]), (2, 2, SORTED[4:6])]


@pytest.mark.parametrize(("name", "boxes"), [("cuhk03", "labeled"), ("cuhk03-detected", "detected")])
def test_a_flat_folder_with_the_published_lists(tmp_path: Path, name: str, boxes: str) -> None:
    (split,) = load(name, plant_flat(tmp_path, boxes)).splits
    folder = tmp_path / f"images_{boxes}"

    assert told(split.train, folder) == [(1001, 1, FLAT[:2]), (1001, 2, FLAT[2:3])]
    assert told(split.query, folder) == [(2001, 1, FLAT[3:4])]
    assert told(split.gallery, folder) == [(2001, 2, FLAT[4:])]


@pytest.mark.parametrize("form", ["sorted", "flat"])
def test_each_picture_for_itself(tmp_path: Path, form: str) -> None:
    if form == "flat":
        plant_flat(tmp_path, "detected")
    else:
        plant(tmp_path / "detected", SORTED)
    dataset = load("cuhk03-detected-images", tmp_path)
    (split,) = dataset.splits

    assert dataset.name == "cuhk03-detected-images"
    assert {len(t.frames) for side in (split.train, split.query, split.gallery) for t in side} == {1}
    assert len(split.train) == 3
    with pytest.raises(BadDataset):
        load("cuhk03-images", tmp_path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"train_idx": [[0, 1]]}, "train_idx does not number 6 files"),
        ({"query_idx": [[7]]}, "query_idx does not number 6 files"),
        ({"gallery_idx": [[5, 5]]}, "gallery_idx does not number 6 files, each at most once"),
        ({"gallery_idx": "text"}, "gallery_idx in cuhk03_new_protocol_config_labeled.mat is not a matrix"),
        ({"filelist": cells(FLAT[:5])}, "filelist does not name each crop of"),
        ({"filelist": cells([*FLAT, "../x.png"])}, "such as x.png"),
        ({"filelist": cells([*FLAT[:5], FLAT[0]])}, "filelist does not name each crop of"),
        ({"filelist": np.arange(6)}, "is not a list of names"),
    ],
)
def test_lists_that_do_not_fit_are_refused(tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    plant_flat(tmp_path, "labeled", **changes)

    with pytest.raises(BadDataset) as caught:
        load("cuhk03", tmp_path)

    assert reason in str(caught.value)


def test_a_flat_folder_without_lists_is_refused(tmp_path: Path) -> None:
    plant(tmp_path / "images_labeled", FLAT)

    with pytest.raises(BadDataset, match="there is no file cuhk03_new_protocol_config_labeled"):
        load("cuhk03", tmp_path)


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ("query/0002_c3_1.png", "is not a name like 0003_c1_21.png"),
        ("query/0002_c1.png", "is not a name like 0003_c1_21.png"),
        ("query/list.txt", "is not an image"),
        ("bounding_box_train/0001_c1_01.png", "is the same frame as"),
    ],
)
def test_what_is_not_as_published_is_refused(tmp_path: Path, extra: str, reason: str) -> None:
    plant(tmp_path / "labeled", [*SORTED, extra])

    with pytest.raises(BadDataset) as caught:
        load("cuhk03", tmp_path)

    assert reason in str(caught.value)
