"""MARS: the official lists, the gallery with its queries, distractors and junk, and what is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat

from models.datasets import load
from models.datasets.records import DISTRACTOR, JUNK
from models.errors import BadDataset
from models.evaluation.metrics import Labels, rank
from tests.models.datasets.trees import plant, told

Row = tuple[int, int, int]  # person, camera, frames

TRAIN: list[Row] = [(1, 1, 2), (1, 2, 3), (3, 6, 1)]
TEST: list[Row] = [(JUNK, 1, 1), (DISTRACTOR, 2, 2), (2, 1, 2), (2, 1, 1), (2, 3, 2), (4, 1, 1), (4, 5, 1)]
QUERIES = [3, 5, 6, 7]


def names_of(rows: list[Row]) -> tuple[list[str], list[list[int]]]:
    """Lines of a name list, and the rows of its track list."""
    names: list[str] = []
    tracks = []
    for number, (person, camera, frames) in enumerate(rows, 1):
        label = "00-1" if person == JUNK else f"{person:04d}"
        tracks.append([len(names) + 1, len(names) + frames, person, camera])
        names += [f"{label}C{camera}T{number:04d}F{frame:03d}.jpg" for frame in range(1, frames + 1)]
    return names, tracks


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for part, rows in (("train", TRAIN), ("test", TEST)):
        names, tracks = names_of(rows)
        plant(tmp_path / f"bbox_{part}", [f"{name[:4]}/{name}" for name in names])
        (tmp_path / "info").mkdir(exist_ok=True)
        (tmp_path / "info" / f"{part}_name.txt").write_text("".join(f"{name}\n" for name in names))
        save(tmp_path, f"tracks_{part}_info", **{f"track_{part}_info": np.array(tracks, dtype=float)})
    save(tmp_path, "query_IDX", query_IDX=np.array([QUERIES], dtype=float))
    return tmp_path


def save(root: Path, file: str, **values: Any) -> None:
    savemat(root / "info" / f"{file}.mat", values, do_compression=True)


def test_training_tracklets_are_those_of_the_list(root: Path) -> None:
    (split,) = load("mars", root).splits

    assert told(split.train, root / "bbox_train") == [
        (1, 1, ["0001/0001C1T0001F001.jpg", "0001/0001C1T0001F002.jpg"]),
        (1, 2, [f"0001/0001C2T0002F00{frame}.jpg" for frame in (1, 2, 3)]),
        (3, 6, ["0003/0003C6T0003F001.jpg"]),
    ]


def test_the_gallery_is_the_test_list_with_queries_distractors_and_junk(root: Path) -> None:
    (split,) = load("mars", root).splits

    assert [(t.identity, t.camera, len(t.frames)) for t in split.gallery] == TEST
    assert split.gallery[0].frames == (root / "bbox_test/00-1/00-1C1T0001F001.jpg",)
    assert list(split.query) == [split.gallery[number - 1] for number in QUERIES]


def test_a_query_never_meets_itself_nor_junk_but_distractors(root: Path) -> None:
    (split,) = load("mars", root).splits
    query, gallery = (
        Labels(np.array([t.identity for t in side]), np.array([t.camera for t in side]))
        for side in (split.query, split.gallery)
    )
    distances = np.arange(len(TEST), dtype=np.float32)[None].repeat(len(QUERIES), axis=0)
    ranking = rank(distances, query, gallery)

    # Person 2 on camera 1: junk and its own two tracklets are gone, the distractor is first.
    assert ranking.skipped == 0
    assert [ranks.tolist() for ranks in ranking.ranks] == [[2], [2, 3], [5], [5]]


def test_pictures_that_no_list_names_are_no_part_of_it(root: Path) -> None:
    before = load("mars", root)
    plant(root, ["bbox_train/0001/0001C1T0001F003.jpg", "bbox_train/notes.txt"])

    assert load("mars", root) == before


def change(file: str, edit: Callable[[str], str]) -> Callable[[Path], None]:
    def run(root: Path) -> None:
        path = root / "info" / file
        path.write_text(edit(path.read_text()))

    return run


def tracks(part: str, edit: Callable[[Any], Any]) -> Callable[[Path], None]:
    rows = np.array(names_of(TRAIN if part == "train" else TEST)[1], dtype=float)
    values = {f"track_{part}_info": edit(rows)}
    return lambda root: save(root, f"tracks_{part}_info", **values)


def queries(*numbers: float) -> Callable[[Path], None]:
    return lambda root: save(root, "query_IDX", query_IDX=np.array([numbers]))


def put(row: int, column: int, value: float) -> Callable[[Any], Any]:
    def edit(rows: Any) -> Any:
        rows[row, column] = value
        return rows

    return edit


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda root: (root / "info/query_IDX.mat").unlink(), "there is no file info/query_IDX.mat"),
        (lambda root: (root / "info/test_name.txt").unlink(), "there is no file info/test_name.txt"),
        (lambda root: (root / "bbox_test").rename(root / "x"), "there is no folder bbox_test"),
        (lambda root: (root / "bbox_test/0004").rename(root / "x"), "there is no folder bbox_test/0004"),
        (
            lambda root: (root / "bbox_test/0004/0004C1T0006F001.jpg").unlink(),
            "1 crops of the list are not in bbox_test, such as 0004C1T0006F001.jpg",
        ),
        (lambda root: (root / "info/query_IDX.mat").write_text("no"), "cannot be read as a .mat file"),
        (lambda root: save(root, "query_IDX", other=np.ones((1, 2))), "has no variable query_IDX"),
        (lambda root: save(root, "query_IDX", query_IDX="text"), "is not a matrix of numbers"),
        (queries(3, 5.5), "not whole numbers"),
        (queries(3, np.nan), "not whole numbers"),
        (queries(3, 1e300), "not whole numbers"),
        (queries(3, 3), "names a tracklet twice"),
        (queries(0), "names tracklet 0, which is no known person's"),
        (queries(8), "names tracklet 8,"),
        (queries(1), "names tracklet 1,"),  # junk
        (queries(2), "names tracklet 2,"),  # a distractor
        (tracks("train", lambda rows: rows[:, :3]), "track_train_info is 3 x 3, it should have 4 columns"),
        (tracks("train", lambda rows: rows.T), "is 4 x 3"),
        (tracks("train", put(0, 0, 0)), "a tracklet of lines 0 to 2, where the list has 6"),
        (tracks("train", put(2, 1, 7)), "a tracklet of lines 6 to 7"),
        (tracks("train", put(1, 0, 6)), "a tracklet of lines 6 to 5"),
        (tracks("train", put(0, 1, 3)), "0001C2T0002F001.jpg is listed as person 1 on camera 1"),
        (tracks("train", put(0, 2, 3)), "is listed as person 3 on camera 1"),
        (tracks("test", put(0, 2, DISTRACTOR)), "00-1C1T0001F001.jpg is listed as person 0"),
        (change("train_name.txt", lambda text: text.replace("0003", "../3")), "is not a name like"),
        (change("train_name.txt", lambda text: text[:-10]), "is not a name like"),
        (change("train_name.txt", lambda text: "é" + text), "cannot be read"),
    ],
)
def test_what_is_not_as_published_is_refused(root: Path, damage: Callable[[Path], None], reason: str) -> None:
    damage(root)

    with pytest.raises(BadDataset) as caught:
        load("mars", root)

    assert reason in str(caught.value)
    assert "tracks_train_info.mat" in str(caught.value)


def test_nobody_known_trains(root: Path) -> None:
    names, rows = names_of([(DISTRACTOR, 1, 1)])
    plant(root / "bbox_train", [f"{name[:4]}/{name}" for name in names])
    (root / "info/train_name.txt").write_text("\n".join(names))
    save(root, "tracks_train_info", track_train_info=np.array(rows))

    with pytest.raises(BadDataset, match="nobody known"):
        load("mars", root)


def test_a_simulated_set_is_not_mars(tmp_path: Path) -> None:
    plant(tmp_path, ["bbox_train/0001/0001C1T0001F001.jpg", "bbox_test/0002/0002C1T0001F001.jpg"])

    with pytest.raises(BadDataset, match="there is no file info/train_name"):
        load("mars", tmp_path)
    assert load("simulated", tmp_path).name == "simulated"
