"""MARS: tracklets of 1,261 people on six cameras (Zheng et al., ECCV 2016).

The lists in info/ decide, not the folders. The gallery is the whole test list: the queries' own tracklets are
in it, as the official evaluation has it (without them 140 queries have no match), and so is junk (identity
-1). Without junk it has 11,310 tracklets.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from models.datasets.layout import Layout
from models.datasets.matlab import Ints, read_numbers
from models.datasets.records import DISTRACTOR, JUNK, Dataset, Split, Tracklet

TREE: Final = """
ROOT/
  bbox_train/
    0001/0001C1T0001F001.jpg    person, camera, tracklet, frame
    ...
  bbox_test/
    0000/...                    distractors
    00-1/...                    junk
    0002/...
  info/
    train_name.txt              names of the crops, one a line
    test_name.txt
    tracks_train_info.mat       track_train_info: first and last line, person, camera of each tracklet
    tracks_test_info.mat        track_test_info
    query_IDX.mat               query_IDX: which tracklets of the test list ask
"""

NAME: Final = re.compile(r"(\d{4}|00-1)C(\d)T\d{4,}F\d{3,}\.jpg", re.ASCII)


def read(root: Path) -> Dataset:
    """Read MARS.

    Raises:
        BadDataset: not laid out as published, a list does not fit the others, or a crop of it is missing.
    """
    layout = Layout("mars", root, TREE)
    train = _tracklets(layout, "train")
    for tracklet in train:
        if tracklet.identity in {DISTRACTOR, JUNK}:
            raise layout.error(f"{tracklet.frames[0]}: nobody known, yet in the training list")
    gallery = _tracklets(layout, "test")
    numbers = read_numbers(layout, "info/query_IDX.mat", "query_IDX").ravel().tolist()
    if len(set(numbers)) < len(numbers):
        raise layout.error("query_IDX names a tracklet twice")
    for number in numbers:
        if not 1 <= number <= len(gallery) or gallery[number - 1].identity in {DISTRACTOR, JUNK}:
            raise layout.error(f"query_IDX names tracklet {number}, which is no known person's")
    query = tuple(gallery[number - 1] for number in numbers)
    return Dataset("mars", (Split(train, query, gallery),))


def _tracklets(layout: Layout, part: str) -> tuple[Tracklet, ...]:
    names = _names(layout, part)
    file, variable = f"info/tracks_{part}_info.mat", f"track_{part}_info"
    tracks = read_numbers(layout, file, variable)
    if tracks.shape[1] != 4:
        raise layout.error(f"{variable} is {tracks.shape[0]} x {tracks.shape[1]}, it should have 4 columns")
    paths = _paths(layout, f"bbox_{part}", names)
    return tuple(_tracklet(layout, row, names, paths) for row in tracks)


def _tracklet(layout: Layout, row: Ints, names: Sequence[str], paths: Sequence[Path]) -> Tracklet:
    first, last, identity, camera = row.tolist()
    if not 1 <= first <= last <= len(names):
        raise layout.error(f"a tracklet of lines {first} to {last}, where the list has {len(names)}")
    start = f"{'00-1' if identity == JUNK else f'{identity:04d}'}C{camera}T"
    for name in names[first - 1 : last]:
        if not name.startswith(start):
            raise layout.error(f"{name} is listed as person {identity} on camera {camera}")
    return Tracklet(identity, camera, tuple(paths[first - 1 : last]))


def _names(layout: Layout, part: str) -> list[str]:
    path = layout.file(f"info/{part}_name.txt")
    try:
        names = path.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        raise layout.error(f"{path} cannot be read ({error})") from error
    for name in names:
        if NAME.fullmatch(name) is None:
            raise layout.error(f"{path} has {name!r}, which is not a name like 0001C1T0001F001.jpg")
    return names


def _paths(layout: Layout, folder: str, names: Sequence[str]) -> list[Path]:
    """Where the crops lie; each person's folder is listed once, a million files are not asked for."""
    parent = layout.folder(folder)
    there: dict[str, set[str]] = {}
    missing = []
    for name in names:
        person = name[:4]
        if person not in there:
            there[person] = {entry.name for entry in layout.entries(layout.folder(f"{folder}/{person}"))}
        if name not in there[person]:
            missing.append(name)
    if missing:
        raise layout.error(f"{len(missing)} crops of the list are not in {folder}, such as {missing[0]}")
    return [parent / name[:4] / name for name in names]
