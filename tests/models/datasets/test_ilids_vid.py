"""iLIDS-VID: the published splits by the order of the folders, both kinds of queries; what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from models.datasets import load
from models.datasets.ilids_vid import SPLITS
from models.errors import BadDataset
from tests.models.datasets.trees import plant, told

PEOPLE = (1, 2, 7, 319)  # numbers have gaps
SEQUENCES = [
    f"i-LIDS-VID/sequences/cam{camera}/person{person:03d}/cam{camera}_person{person:03d}_{frame}.png"
    for person in PEOPLE
    for camera in (1, 2)
    for frame in ("00099", "00100", "00101")
]
IMAGES = [f"i-LIDS-VID/images/cam1/person{person:03d}/cam1_person{person:03d}.png" for person in PEOPLE]
LS_SET = np.array([[4, 1, 3, 2], [2, 3, 1, 4]])  # the first two are tested


def save_splits(root: Path, values: Any, name: str = "ls_set") -> None:
    (root / SPLITS).parent.mkdir(exist_ok=True)
    savemat(root / SPLITS, {name: values})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    save_splits(plant(tmp_path, [*SEQUENCES, *IMAGES]), LS_SET)
    return tmp_path


@pytest.mark.parametrize("name", ["ilids-vid", "ilids-vid-images"])
def test_splits_number_the_people_in_the_order_of_their_folders(root: Path, name: str) -> None:
    dataset = load(name, root)

    assert dataset.name == name
    assert [[t.identity for t in split.query] for split in dataset.splits] == [[1, 319], [2, 7]]
    assert [[(t.identity, t.camera) for t in split.gallery] for split in dataset.splits] == [
        [(1, 2), (319, 2)],
        [(2, 2), (7, 2)],
    ]
    assert [[(t.identity, t.camera) for t in split.train] for split in dataset.splits] == [
        [(2, 1), (2, 2), (7, 1), (7, 2)],
        [(1, 1), (1, 2), (319, 1), (319, 2)],
    ]


def test_frames_are_sorted_and_the_first_one_asks(root: Path) -> None:
    query = load("ilids-vid", root).splits[0].query

    assert told(query, root)[0] == (1, 1, SEQUENCES[:3])


def test_single_photos_ask_for_sequences(root: Path) -> None:
    split = load("ilids-vid-images", root).splits[0]

    assert told(split.query, root) == [(1, 1, IMAGES[:1]), (319, 1, IMAGES[3:])]
    assert split.gallery == load("ilids-vid", root).splits[0].gallery


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([[1, 2, 3, 3]], "does not number the 4 people once each"),
        ([[0, 1, 2, 3]], "does not number the 4 people once each"),
        ([[1, 2, 3]], "does not number the 4 people once each"),
        ([[1, 2, 3, 4, 5]], "does not number the 4 people once each"),
        ([[1, 2, 3, 4.5]], "not whole numbers"),
        (np.zeros((0, 4)), "ls_set has no rows"),
        ("text", "is not a matrix of numbers"),
        (np.ones((2, 2, 4)), "is not a matrix of numbers"),
    ],
)
def test_splits_that_cannot_be_are_refused(root: Path, values: Any, reason: str) -> None:
    save_splits(root, values)

    with pytest.raises(BadDataset) as caught:
        load("ilids-vid", root)

    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ("sequences/cam1/person003/cam1_person003_00001.png", "1 people are not on all cameras"),
        ("sequences/cam1/person001/cam2_person001_00001.png", "is not a crop of camera 1 and person001"),
        ("sequences/cam1/person001/cam1_person002_00001.png", "is not a crop of camera 1 and person001"),
        ("sequences/cam1/person001/cam1_person001.png", "is not a name like cam1_person001_00317.png"),
        ("sequences/cam1/person001/cam1_person001_0100.png", "is the same frame as"),
        ("sequences/cam1/person001/flow.mat", "is not an image"),
        ("sequences/cam1/list.txt", "is not a folder"),
    ],
)
def test_what_is_not_as_published_is_refused(root: Path, extra: str, reason: str) -> None:
    plant(root / "i-LIDS-VID", [extra])

    with pytest.raises(BadDataset) as caught:
        load("ilids-vid", root)

    assert reason in str(caught.value)


def test_only_who_asks_for_photos_needs_them(root: Path) -> None:
    (root / "i-LIDS-VID" / "images").rename(root / "gone")

    assert load("ilids-vid", root).name == "ilids-vid"
    with pytest.raises(BadDataset, match="there is no folder i-LIDS-VID/images/cam1"):
        load("ilids-vid-images", root)


def test_missing_splits_are_named(root: Path) -> None:
    (root / SPLITS).unlink()

    with pytest.raises(BadDataset, match=r"there is no file train-test people splits/train_test"):
        load("ilids-vid", root)
