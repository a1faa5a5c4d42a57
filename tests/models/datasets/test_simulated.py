"""Simulated sets: the layout that the simulator writes, its listing, and what is refused."""

import json
from pathlib import Path

import pytest

from models.datasets import captions, load
from models.errors import BadDataset
from tests.models.datasets.trees import plant, told

TRACKLETS = {  # folder/person, tracklet: frames
    "bbox_train/0001": {"0001C1T0001": 3, "0001C2T0001": 2},
    "bbox_train/0002": {"0002C1T0001": 1},
    "bbox_test/0003": {"0003C1T0001": 2, "0003C1T0002": 1, "0003C2T0001": 1},
    "bbox_test/0004": {"0004C10T0001": 1, "0004C9T0001": 1},
}
FILES = [
    f"{folder}/{name}F{frame:03d}.jpg"
    for folder, tracklets in TRACKLETS.items()
    for name, frames in tracklets.items()
    for frame in range(1, frames + 1)
]


def lines() -> list[dict[str, object]]:
    return [
        {"split": folder[:-5], "tracklet": name, "frames": frames}
        for folder, tracklets in TRACKLETS.items()
        for name, frames in tracklets.items()
    ]


def write_listing(root: Path, listed: list[dict[str, object]]) -> None:
    (root / "tracklets.jsonl").write_text("".join(json.dumps(line) + "\n" for line in listed))


def test_tracklets_by_identity_camera_and_tracklet_number(tmp_path: Path) -> None:
    split, _ = load("simulated", plant(tmp_path, FILES)).splits

    assert told(split.train, tmp_path) == [
        (1, 1, [f"bbox_train/0001/0001C1T0001F00{frame}.jpg" for frame in (1, 2, 3)]),
        (1, 2, [f"bbox_train/0001/0001C2T0001F00{frame}.jpg" for frame in (1, 2)]),
        (2, 1, ["bbox_train/0002/0002C1T0001F001.jpg"]),
    ]


def test_each_world_is_judged_alone_by_one_query_for_each_identity_and_camera(tmp_path: Path) -> None:
    first, second = load("simulated", plant(tmp_path, FILES)).splits

    assert [(t.identity, t.camera) for t in first.query] == [(3, 1), (3, 2)]
    assert first.query[0].frames[0].name == "0003C1T0001F001.jpg"
    assert [(t.identity, t.camera) for t in first.gallery] == [(3, 1), (3, 1), (3, 2)]
    assert [(t.identity, t.camera) for t in second.query] == [(4, 9), (4, 10)]
    assert set(second.query) == set(second.gallery)
    assert first.train == second.train


@pytest.mark.parametrize(("empty", "learns", "judges"), [("bbox_train", 0, 2), ("bbox_test", 2, 0)])
def test_a_set_may_be_there_to_train_or_to_judge_with_only(
    tmp_path: Path, empty: str, learns: int, judges: int
) -> None:
    root = plant(tmp_path, [file for file in FILES if not file.startswith(empty)])
    (root / empty).mkdir()

    splits = load("simulated", root).splits

    assert {len({t.identity for t in split.train}) for split in splits} == {learns}
    assert len({t.identity for split in splits for t in split.gallery}) == judges


def test_a_set_of_nobody_is_refused(tmp_path: Path) -> None:
    for folder in ("bbox_train", "bbox_test"):
        (tmp_path / folder).mkdir()

    with pytest.raises(BadDataset, match="both empty"):
        load("simulated", tmp_path)


def test_frames_are_in_order_of_their_numbers(tmp_path: Path) -> None:
    files = [f"bbox_train/0001/0001C1T0001F{frame}.jpg" for frame in ("002", "0010", "1")]
    (split,) = load("simulated", plant(tmp_path, [*files, "bbox_test/0002/0002C1T0001F001.jpg"])).splits

    assert [frame.stem[-5:] for frame in split.train[0].frames] == ["001F1", "1F002", "F0010"]


def test_a_listing_that_agrees_changes_nothing(tmp_path: Path) -> None:
    before = load("simulated", plant(tmp_path, FILES))
    write_listing(tmp_path, lines())

    assert load("simulated", tmp_path) == before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda all_: all_[1:], "on 1 tracklets, such as bbox_train/0001C1T0001: 0 frames listed, 3 there"),
        (lambda all_: [{**all_[0], "frames": 4}, *all_[1:]], "4 frames listed, 3 there"),
        (lambda all_: [{**all_[0], "split": "bbox_test"}, *all_[1:]], "disagree on 2 tracklets"),
        (lambda all_: [*all_, {**all_[0], "tracklet": "0009C1T0001"}], "3 frames listed, 0 there"),
        (lambda all_: [{"tracklet": "0001C1T0001"}], "cannot be read"),
        (lambda all_: [[]], "cannot be read"),
    ],
)
def test_a_listing_that_disagrees_is_refused(tmp_path: Path, change, reason: str) -> None:  # type: ignore[no-untyped-def]
    write_listing(plant(tmp_path, FILES), change(lines()))

    with pytest.raises(BadDataset) as caught:
        load("simulated", tmp_path)

    assert reason in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"{", b'{"split": 1}\n\n'])
def test_a_listing_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (plant(tmp_path, FILES) / "tracklets.jsonl").write_bytes(content)

    with pytest.raises(BadDataset, match=r"tracklets\.jsonl cannot be read"):
        load("simulated", tmp_path)


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        (["bbox_train/0001/0001C1T0001F01.jpg"], "is the same frame as"),
        (["bbox_train/0001/0001C1T0001F004.txt"], "is not an image"),
        (["bbox_train/0001/0001C1T0001.jpg"], "is not a name like 0001C1T0001F001.jpg"),
        (["bbox_train/0001/0002C1T0001F009.jpg"], "is not a crop of a person 0001"),
        (["bbox_train/0000/0000C1T0001F001.jpg"], "is not a crop of a person 0000"),
        (["bbox_train/00-1/00-1C1T0001F001.jpg"], "is not a name like"),
        (["bbox_train/stray.jpg"], "stray.jpg is not a folder"),
        (["bbox_test/0001/0001C3T0001F001.jpg"], "person 0001 is in both folders, in all 1 people"),
    ],
)
def test_what_the_simulator_does_not_write_is_refused(tmp_path: Path, extra: list[str], reason: str) -> None:
    with pytest.raises(BadDataset) as caught:
        load("simulated", plant(tmp_path, [*FILES, *extra]))

    assert reason in str(caught.value)
    assert "bbox_train/" in str(caught.value)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (plant(tmp_path, FILES) / "bbox_train" / "0005").mkdir()

    with pytest.raises(BadDataset, match="0005 has no crops"):
        load("simulated", tmp_path)


@pytest.mark.parametrize("missing", ["bbox_train", "bbox_test"])
def test_a_missing_half_is_named(tmp_path: Path, missing: str) -> None:
    plant(tmp_path, [file for file in FILES if not file.startswith(missing)])

    with pytest.raises(BadDataset, match=f"there is no folder {missing}"):
        load("simulated", tmp_path)


def told_of(root: Path, *words: object) -> Path:
    """A listing with a line for each caption, two lines of person 1 first."""
    lines = [{"identity": max(1, n), "caption": caption} for n, caption in enumerate(words)]
    write_listing(root, lines)
    return root


def test_captions_by_identity(tmp_path: Path) -> None:
    told_of(tmp_path, "A red man.", "A red man.", "A blue woman.")
    assert captions("simulated", tmp_path) == {1: "A red man.", 2: "A blue woman."}


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_captions_the_one_that_claims_least_counts(tmp_path: Path, order: int) -> None:
    told_of(tmp_path, *["A red man. The person carries a bag.", "A red man."][::order])
    assert captions("simulated", tmp_path) == {1: "A red man."}


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((None,), "a line without identity and caption"),
        ((["A man."],), "a line without identity and caption"),
        (("",), "the caption of person 1 has 0 characters"),
        (("a" * 2001,), "the caption of person 1 has 2001 characters"),
    ],
)
def test_captions_that_cannot_be_are_refused(tmp_path: Path, words: tuple[object, ...], reason: str) -> None:
    with pytest.raises(BadDataset, match=reason):
        captions("simulated", told_of(tmp_path, *words))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\xfe", "cannot be read"),
        (b"[1]\n", "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
        (b'{"identity": true, "caption": "A man."}\n', "without identity"),
        (b'{"identity": "1", "caption": "A man."}\n', "without identity"),
        (b"{}\n", "without identity"),
    ],
)
def test_a_listing_that_has_no_captions_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "tracklets.jsonl").write_bytes(content)
    with pytest.raises(BadDataset, match=reason):
        captions("simulated", tmp_path)


def test_a_set_without_captions_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match=r"there is no file tracklets\.jsonl"):
        captions("simulated", tmp_path)
    with pytest.raises(BadDataset, match="mars has no captions; there are some in simulated"):
        captions("mars", tmp_path)
