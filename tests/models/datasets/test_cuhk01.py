"""CUHK01: who asks, who answers, and what is refused."""

import os
from pathlib import Path

import numpy as np
import pytest

from models.datasets import load
from models.errors import BadDataset
from models.evaluation.metrics import Labels, rank
from tests.models.datasets.trees import plant, told

PEOPLE = (1, 2, 10)
FILES = [f"{person:04d}00{picture}.png" for person in PEOPLE for picture in (1, 2, 3, 4)]


def test_a_photo_of_camera_a_asks_for_tracklets_of_camera_b(tmp_path: Path) -> None:
    (split,) = load("cuhk01", plant(tmp_path, FILES)).splits

    assert split.train == ()
    assert told(split.query, tmp_path) == [
        (1, 1, ["0001001.png"]),
        (2, 1, ["0002001.png"]),
        (10, 1, ["0010001.png"]),
    ]
    assert told(split.gallery, tmp_path) == [
        (1, 2, ["0001003.png", "0001004.png"]),
        (2, 2, ["0002003.png", "0002004.png"]),
        (10, 2, ["0010003.png", "0010004.png"]),
    ]


def test_each_camera_asks_for_the_pictures_of_the_other(tmp_path: Path) -> None:
    dataset = load("cuhk01-images", plant(tmp_path, FILES))
    a_to_b, b_to_a = dataset.splits

    assert [frames for _, _, frames in told(a_to_b.query, tmp_path)] == [[f"{p:04d}001.png"] for p in PEOPLE]
    assert [frames for _, _, frames in told(b_to_a.query, tmp_path)] == [[f"{p:04d}003.png"] for p in PEOPLE]
    assert told(a_to_b.gallery, tmp_path)[:2] == [(1, 2, ["0001003.png"]), (1, 2, ["0001004.png"])]
    for split, camera in ((a_to_b, 2), (b_to_a, 1)):
        assert {tracklet.camera for tracklet in split.gallery} == {camera}
        assert len(split.gallery) == 2 * len(PEOPLE)


@pytest.mark.parametrize(("name", "matches"), [("cuhk01", 1), ("cuhk01-images", 2)])
def test_the_protocol_removes_nothing_and_skips_nobody(tmp_path: Path, name: str, matches: int) -> None:
    for split in load(name, plant(tmp_path, FILES)).splits:
        query, gallery = (
            Labels(np.array([t.identity for t in side]), np.array([t.camera for t in side]))
            for side in (split.query, split.gallery)
        )
        distances = np.random.default_rng(0).random((len(split.query), len(split.gallery)), dtype=np.float32)
        ranking = rank(distances, query, gallery)

        assert ranking.skipped == 0
        assert [len(ranks) for ranks in ranking.ranks] == [matches] * len(PEOPLE)


@pytest.mark.parametrize("name", ["cuhk01", "cuhk01-images"])
@pytest.mark.parametrize(
    ("extra", "missing", "reason"),
    [
        ([], FILES, "has no crops"),
        ([], ["0002004.png"], "person 0002 has 3 of 4 crops"),
        (["0003005.png"], [], "0003005.png is not a name like 0001001.png"),
        (["0003001 (copy).png"], [], "is not a name like"),
        (["\u0661\u0662\u0663\u0664001.png"], [], "is not a name like"),  # digits, but not ours
        (["0000001.png"], [], "people are counted from 1"),
        (["0001001.jpg"], [], "is the same crop as"),
        (["notes.txt"], [], "notes.txt is not an image"),
        (["sub.png/0001001.png"], [], "sub.png is not a file"),
    ],
)
def test_what_is_not_as_published_is_refused(
    tmp_path: Path, name: str, extra: list[str], missing: list[str], reason: str
) -> None:
    plant(tmp_path, [*(file for file in FILES if file not in missing), *extra])

    with pytest.raises(BadDataset) as caught:
        load(name, tmp_path)

    assert reason in str(caught.value)
    assert "0001001.png    person (4 digits)" in str(caught.value)


def test_a_link_to_nothing_is_refused_and_one_to_a_picture_is_followed(tmp_path: Path) -> None:
    plant(tmp_path / "elsewhere", ["a.png"])
    folder = plant(tmp_path / "cuhk01", FILES[1:])
    (folder / FILES[0]).symlink_to(tmp_path / "elsewhere" / "a.png")
    assert len(load("cuhk01", folder).splits[0].query) == 3

    (tmp_path / "elsewhere" / "a.png").unlink()
    with pytest.raises(BadDataset, match="link to nothing"):
        load("cuhk01", folder)


def test_a_pipe_is_refused_not_waited_for(tmp_path: Path) -> None:
    plant(tmp_path, FILES[1:])
    os.mkfifo(tmp_path / FILES[0])

    with pytest.raises(BadDataset, match="not a file"):
        load("cuhk01", tmp_path)


def test_what_file_managers_leave_behind_is_no_reason_to_refuse(tmp_path: Path) -> None:
    plant(tmp_path, [*FILES, "Thumbs.db", ".DS_Store", "._0001001.png"])

    assert len(load("cuhk01", tmp_path).splits[0].query) == 3
