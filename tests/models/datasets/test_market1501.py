"""Market-1501: pictures joined into tracklets or each for itself; distractors and junk; what is refused."""

from pathlib import Path

import pytest

from models.datasets import load
from models.errors import BadDataset
from tests.models.datasets.trees import plant, told

FILES = [
    "bounding_box_train/0002_c1s1_000451_03.jpg",
    "bounding_box_train/0002_c1s1_000451_04.jpg",
    "bounding_box_train/0002_c1s1_000500_01.jpg",
    "bounding_box_train/0002_c1s2_000001_01.jpg",
    "bounding_box_train/0002_c2s1_000001_01.jpg",
    "bounding_box_test/-1_c1s1_000401_03.jpg",
    "bounding_box_test/-1_c1s1_000402_03.jpg",
    "bounding_box_test/0000_c1s1_000151_01.jpg",
    "bounding_box_test/0000_c1s1_000152_01.jpg",
    "bounding_box_test/0001_c1s1_001051_00.jpg",
    "bounding_box_test/0001_c2s1_001051_00.jpg",
    "bounding_box_test/0001_c2s1_000051_00.jpg",
    "query/0001_c1s1_001051_00.jpg",
]


def test_pictures_of_a_sequence_are_a_tracklet(tmp_path: Path) -> None:
    (split,) = load("market1501", plant(tmp_path, FILES)).splits

    assert told(split.train, tmp_path) == [(2, 1, FILES[:3]), (2, 1, FILES[3:4]), (2, 2, FILES[4:5])]
    assert told(split.query, tmp_path) == [(1, 1, FILES[12:])]


def test_nobody_says_which_distractors_are_one_person(tmp_path: Path) -> None:
    (split,) = load("market1501", plant(tmp_path, FILES)).splits

    assert told(split.gallery, tmp_path) == [
        *((-1, 1, [file]) for file in FILES[5:7]),
        *((0, 1, [file]) for file in FILES[7:9]),
        (1, 1, FILES[9:10]),
        (1, 2, [FILES[11], FILES[10]]),
    ]


def test_each_picture_for_itself(tmp_path: Path) -> None:
    (split,) = load("market1501-images", plant(tmp_path, FILES)).splits

    assert told(split.train, tmp_path) == [
        (2, int(file.partition("_c")[2][0]), [file]) for file in sorted(FILES[:5])
    ]
    assert len(split.gallery) == 7
    assert {len(t.frames) for t in split.gallery} == {1}


@pytest.mark.parametrize("name", ["market1501", "market1501-images"])
@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ("bounding_box_train/0000_c1s1_000151_01.jpg", "shows nobody known, yet it is not in"),
        ("query/-1_c1s1_000151_01.jpg", "shows nobody known, yet it is not in"),
        ("query/0001_c1_000151_01.jpg", "is not a name like 0002_c1s1_000451_03.jpg"),
        ("query/0001_c1s1_000151_01.png.jpg", "is not a name like"),
        ("query/0001_c1s1_000151_01.txt", "is not an image"),
    ],
)
def test_what_is_not_as_published_is_refused(tmp_path: Path, name: str, extra: str, reason: str) -> None:
    with pytest.raises(BadDataset) as caught:
        load(name, plant(tmp_path, [*FILES, extra]))

    assert reason in str(caught.value)


def test_the_archive_is_read_as_it_unpacks(tmp_path: Path) -> None:
    """A folder of its own, 24 names with .jpg twice, Windows' thumbnails; and what macOS adds."""
    doubled = "bounding_box_train/0002_c1s1_000451_03.jpg.jpg"
    clutter = [
        "bounding_box_train/Thumbs.db",
        "query/Thumbs.db",
        "query/._0001_c1s1_001051_00.jpg",
        "readme.txt",
    ]
    top = tmp_path / "Market-1501-v15.09.15"
    plant(top, [*FILES, doubled, *clutter])
    plant(tmp_path, ["__MACOSX/Market-1501-v15.09.15/query/._0001_c1s1_001051_00.jpg"])

    for root in (top, tmp_path):
        (split,) = load("market1501", root).splits
        assert told(split.train, top)[0] == (2, 1, [FILES[0], doubled, *FILES[1:3]])
        assert [len(part) for part in (split.query, split.gallery)] == [1, 6]
        (split,) = load("market1501-images", root).splits
        assert [len(part) for part in (split.train, split.query, split.gallery)] == [6, 1, 7]


@pytest.mark.parametrize("part", ["bounding_box_train", "bounding_box_test", "query"])
def test_a_missing_part_is_named(tmp_path: Path, part: str) -> None:
    plant(tmp_path, [file for file in FILES if not file.startswith(part)])

    with pytest.raises(BadDataset, match=f"there is no folder {part}"):
        load("market1501", tmp_path)
