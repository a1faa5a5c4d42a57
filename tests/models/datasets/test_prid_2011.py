"""PRID-2011: both protocols, ten fixed halves, single photos; and what is refused."""

import shutil
from pathlib import Path

import pytest

from models.datasets import load
from models.errors import BadDataset
from tests.models.datasets.trees import plant, told

# The first 200 on both cameras and one more on each; persons 3 to 6 have 22 frames on camera a, all but
# person 3 have them on camera b too.
FRAMES = {
    "a": {person: 22 if 3 <= person <= 6 else 1 for person in range(1, 202)},
    "b": {person: 22 if 4 <= person <= 6 else 21 if person == 3 else 1 for person in range(1, 203)},
}
FILES = [
    f"multi_shot/cam_{camera}/person_{person:04d}/{frame:04d}.png"
    for camera, people in FRAMES.items()
    for person, frames in people.items()
    for frame in range(1, frames + 1)
] + [f"single_shot/cam_a/person_{person:04d}.png" for person in range(1, 386)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plant(tmp_path_factory.mktemp("prid"), FILES)


@pytest.fixture
def root(whole: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    shutil.copytree(whole, tmp_path / "prid")
    return tmp_path / "prid"


@pytest.mark.parametrize("name", ["prid-2011", "prid-2011-images"])
def test_ten_halves_of_the_first_200(whole: Path, name: str) -> None:
    dataset = load(name, whole)

    assert dataset.name == name
    assert len(dataset.splits) == 10
    for split in dataset.splits:
        tested = [t.identity for t in split.query]
        trained = {t.identity for t in split.train}
        assert len(tested) == len(trained) == 100
        assert {*tested} | trained == set(range(1, 201))
        assert [t.identity for t in split.gallery] == tested
        assert {t.camera for t in split.query} == {1}
        assert {t.camera for t in split.gallery} == {2}
        assert len(split.train) == 200
    assert len({tuple(t.identity for t in split.query) for split in dataset.splits}) == 10


def test_the_halves_are_the_same_on_every_machine(whole: Path) -> None:
    splits = load("prid-2011", whole).splits

    assert [t.identity for t in splits[0].query][:8] == [3, 6, 10, 12, 15, 16, 18, 19]
    assert [t.identity for t in splits[9].query][:8] == [1, 2, 5, 8, 11, 14, 16, 17]


def test_protocols_of_200_share_their_halves(whole: Path) -> None:
    sequences, images = load("prid-2011", whole), load("prid-2011-images", whole)

    for one, other in zip(sequences.splits, images.splits, strict=True):
        assert one.train == other.train
        assert one.gallery == other.gallery
        person = other.query[0].identity
        assert told(other.query[:1], whole) == [(person, 1, [f"single_shot/cam_a/person_{person:04d}.png"])]


def test_the_other_protocol_has_those_with_more_than_21_frames_on_both_cameras(whole: Path) -> None:
    dataset = load("prid-2011-178", whole)

    assert dataset.name == "prid-2011-178"
    for split in dataset.splits:
        people = {t.identity for side in (split.train, split.query) for t in side}
        assert people == {4, 5, 6}
        assert all(len(t.frames) == 22 for t in (*split.train, *split.query, *split.gallery))


def test_frames_are_in_order(whole: Path) -> None:
    split = load("prid-2011-178", whole).splits[0]

    assert [frame.stem for frame in split.gallery[0].frames] == [f"{frame:04d}" for frame in range(1, 23)]


@pytest.mark.parametrize(
    ("gone", "reason"),
    [
        ("multi_shot/cam_b", "there is no folder multi_shot/cam_b"),
        ("multi_shot/cam_b/person_0200", "multi_shot/cam_b lacks 1 of the persons 1 to 200, such as 200"),
        ("multi_shot/cam_a/person_0001", "multi_shot/cam_a lacks 1 of the persons 1 to 200, such as 1"),
    ],
)
@pytest.mark.parametrize("name", ["prid-2011", "prid-2011-178", "prid-2011-images"])
def test_missing_people_are_named(root: Path, name: str, gone: str, reason: str) -> None:
    shutil.rmtree(root / gone)

    with pytest.raises(BadDataset) as caught:
        load(name, root)

    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ("multi_shot/cam_a/person_1/0001.png", "is not a name like person_0001"),
        ("multi_shot/cam_a/person_0001/1.png", "is not a name like 0001.png"),
        ("multi_shot/cam_a/person_0001/0001.jpg", "is the same frame as"),
        ("multi_shot/cam_a/person_0001/list.txt", "is not an image"),
    ],
)
def test_what_is_not_as_published_is_refused(root: Path, extra: str, reason: str) -> None:
    with pytest.raises(BadDataset) as caught:
        load("prid-2011", plant(root, [extra]))

    assert reason in str(caught.value)


def test_a_photo_twice_is_refused(root: Path) -> None:
    with pytest.raises(BadDataset, match="is the same person as"):
        load("prid-2011-images", plant(root, ["single_shot/cam_a/person_0001.jpg"]))


def test_too_few_long_sequences_are_counted(root: Path) -> None:
    for person in (4, 5):
        (root / f"multi_shot/cam_b/person_{person:04d}/0022.png").unlink()

    with pytest.raises(BadDataset, match="1 people have more than 21 frames on both cameras"):
        load("prid-2011-178", root)
