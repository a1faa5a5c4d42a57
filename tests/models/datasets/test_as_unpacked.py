"""Data sets as their archives unpack on the machines of users: folders, case, empty folders, leftovers."""

from pathlib import Path

import pytest

from models.datasets import load
from models.datasets.catalogue import only_folder
from models.errors import BadDataset
from tests.models.datasets.trees import plant, told

DUKE = [
    f"{part}/{person}/{number}/{person}_C{camera}_F0001_X000{camera}.jpg"
    for part, person, number, camera in (
        ("train", "0001", "0001", 1),
        ("query", "0002", "0001", 1),
        ("gallery", "0002", "0002", 2),
    )
]
CUHK01 = [f"000{person}00{picture}.png" for person in (1, 2) for picture in (1, 2, 3, 4)]
CUHK03 = [
    "labeled/bounding_box_train/0001_c1_01.png",
    "labeled/bounding_box_test/0002_c2_01.png",
    "labeled/query/0002_c1_01.png",
]
LEFTOVERS = ["__MACOSX/x/._y.jpg", ".DS_Store", "Thumbs.db", "readme.txt"]


@pytest.mark.parametrize(
    ("name", "folder", "files"),
    [
        ("duke-video", "DukeMTMC-VideoReID", DUKE),
        ("cuhk01", "campus", CUHK01),
        ("cuhk03", "cuhk03-np", CUHK03),
    ],
)
def test_the_folder_that_an_archive_unpacks_into_may_be_named_or_the_one_around_it(
    tmp_path: Path, name: str, folder: str, files: list[str]
) -> None:
    plant(tmp_path / folder, files)
    plant(tmp_path, LEFTOVERS)
    direct, around = load(name, tmp_path / folder), load(name, tmp_path)
    assert around == direct
    assert len(direct.splits[0].query) > 0


def test_what_is_wrong_is_said_of_the_folder_that_was_named(tmp_path: Path) -> None:
    plant(tmp_path, ["bounding_box_train/0002_c1s1_000451_03.jpg"])
    with pytest.raises(BadDataset, match="there is no folder query"):
        load("market1501", tmp_path)


def test_of_two_folders_neither_is_guessed(tmp_path: Path) -> None:
    plant(tmp_path / "campus", CUHK01)
    plant(tmp_path / "backup", CUHK01)
    assert only_folder(tmp_path) is None
    with pytest.raises(BadDataset):
        load("cuhk01", tmp_path)


def test_the_case_of_folders_and_suffixes_does_not_matter(tmp_path: Path) -> None:
    """Copied through file systems that change it; where both are there, the published name counts."""
    files = [file.replace("labeled/query", "Labeled/Query").replace(".png", ".PNG") for file in CUHK03]
    files = [file.replace("labeled/bounding_box", "Labeled/Bounding_Box") for file in files]
    (split,) = load("cuhk03", plant(tmp_path / "upper", files)).splits
    assert told(split.query, tmp_path / "upper") == [(2, 1, ["Labeled/Query/0002_c1_01.PNG"])]
    both = plant(tmp_path / "both", [*CUHK03, "LABELED/query/0009_c1_01.png"])
    (split,) = load("cuhk03", both).splits
    assert told(split.query, both) == [(2, 1, ["labeled/query/0002_c1_01.png"])]


def test_empty_folders_of_people_and_tracklets_are_nobody(tmp_path: Path) -> None:
    plant(tmp_path, DUKE)
    for empty in ("train/0009", "gallery/0002/0007", "query/0010"):
        (tmp_path / empty).mkdir(parents=True)
    (split,) = load("duke-video", tmp_path).splits
    assert [len(part) for part in (split.train, split.query, split.gallery)] == [1, 1, 1]


def test_a_part_without_anything_is_refused(tmp_path: Path) -> None:
    plant(tmp_path, DUKE[:2])
    (tmp_path / "gallery").mkdir()
    with pytest.raises(BadDataset, match="gallery has no folders"):
        load("duke-video", tmp_path)
