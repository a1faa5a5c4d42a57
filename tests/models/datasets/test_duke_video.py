"""DukeMTMC-VideoReID: folders of tracklets, both schemes of names, pieces; and what is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.datasets import load
from models.datasets.records import Tracklet, cut_tracklets
from models.errors import BadDataset
from tests.models.datasets.trees import plant, told

FILES = [
    "train/0001/0001/0001_C5_F0001_X220604.jpg",
    "train/0001/0001/0001_C5_F0002_X9.jpg",
    "train/0001/0001/0001_C5_F0010_X220700.jpg",
    "train/0001/0002/0001_C5_F0001_X300000.jpg",
    "query/0002/0001/0002C1F0001X100.jpg",
    "gallery/0002/0002/0002_C3_F0001_X100.jpg",
    "gallery/0003/0001/0003_C1_F0001_X100.jpg",
]


def test_a_folder_is_a_tracklet_and_frames_are_in_order(tmp_path: Path) -> None:
    (split,) = load("duke-video", plant(tmp_path, FILES)).splits

    assert told(split.train, tmp_path) == [(1, 5, FILES[:3]), (1, 5, FILES[3:4])]
    assert told(split.query, tmp_path) == [(2, 1, FILES[4:5])]
    assert told(split.gallery, tmp_path) == [(2, 3, FILES[5:6]), (3, 1, FILES[6:7])]


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ("train/0001/0001/0001_C5_F0001_X1.jpg", "is the same frame as"),
        ("train/0001/0001/0001_C6_F0011_X1.jpg", "crops of more than one camera"),
        ("train/0001/0001/0002_C5_F0011_X1.jpg", "is not a crop of a person 0001"),
        ("train/0000/0001/0000_C5_F0011_X1.jpg", "is not a crop of a person 0000"),
        ("train/0001/0001/0001_C5_F0011.jpg", "is not a name like 0001_C5_F0001_X220604.jpg"),
        ("train/0001/first/0001_C5_F0001_X1.jpg", "is not the number of a tracklet"),
        ("train/0001/0001/readme.txt", "is not an image"),
        ("train/0001/0001_C5_F0001_X1.jpg", "is not a folder"),
    ],
)
def test_what_is_not_as_published_is_refused(tmp_path: Path, extra: str, reason: str) -> None:
    with pytest.raises(BadDataset) as caught:
        load("duke-video", plant(tmp_path, [*FILES, extra]))

    assert reason in str(caught.value)


@pytest.mark.parametrize("part", ["train", "query", "gallery"])
def test_a_missing_part_is_named(tmp_path: Path, part: str) -> None:
    plant(tmp_path, [file for file in FILES if not file.startswith(part)])

    with pytest.raises(BadDataset, match=f"there is no folder {part}"):
        load("duke-video", tmp_path)


def test_pieces_of_a_tracklet() -> None:
    frames = tuple(Path(str(number)) for number in range(7))

    whole = [Tracklet(4, 2, frames), Tracklet(5, 1, frames[:3]), Tracklet(6, 1, frames[:2])]
    # What is left over belongs to the last piece.
    pieces = (Tracklet(4, 2, frames[:3]), Tracklet(4, 2, frames[3:]), *whole[1:])

    assert cut_tracklets(whole, 3) == pieces


@given(st.lists(st.integers(1, 70), max_size=5), st.integers(1, 40))
def test_pieces_lose_nothing(lengths: list[int], length: int) -> None:
    tracklets = [
        Tracklet(identity, 1, tuple(Path(f"{identity}-{number}") for number in range(frames)))
        for identity, frames in enumerate(lengths, 1)
    ]
    pieces = cut_tracklets(tracklets, length)

    assert [f for piece in pieces for f in piece.frames] == [f for one in tracklets for f in one.frames]
    assert all(1 <= len(piece.frames) < 2 * length for piece in pieces)
    assert [len(piece.frames) for piece in pieces if len(piece.frames) < length] == [
        frames for frames in lengths if frames < length
    ]
    assert len(pieces) == sum(max(1, frames // length) for frames in lengths)


@pytest.mark.parametrize("length", [0, -1])
def test_pieces_without_frames_are_refused(length: int) -> None:
    with pytest.raises(ValueError, match="pieces of"):
        cut_tracklets([], length)
