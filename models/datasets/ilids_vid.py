"""iLIDS-VID: a sequence of each of 300 people from two cameras (Wang et al., ECCV 2014).

Ten splits are published; a row of `ls_set` numbers the people in the order of their folders, its first half
are tested, its second half train. Camera 1 asks, camera 2 answers.
"""

import re
from pathlib import Path
from typing import Final

from models.datasets.layout import Layout, Shot, group
from models.datasets.matlab import read_numbers
from models.datasets.pairs import People, check_same, split
from models.datasets.records import Dataset, Tracklet

TREE: Final = """
ROOT/
  i-LIDS-VID/
    sequences/
      cam1/person001/cam1_person001_00317.png    camera, person, frame
      cam2/person001/cam2_person001_07303.png
      ...
    images/                                      for ilids-vid-images only
      cam1/person001/cam1_person001.png
      ...
  train-test people splits/
    train_test_splits_ilidsvid.mat               ls_set: a row a split
"""

SPLITS: Final = "train-test people splits/train_test_splits_ilidsvid.mat"
FRAME: Final = re.compile(r"cam([12])_person(\d{3})_(\d+)", re.ASCII)
PHOTO: Final = re.compile(r"cam([12])_person(\d{3})", re.ASCII)


def read_sequences(root: Path) -> Dataset:
    """Ask with the sequences of camera 1, as TKP does.

    Raises:
        BadDataset: not laid out as published.
    """
    layout = Layout("ilids-vid", root, TREE)
    return _read(layout, _people(layout, "sequences", 1))


def read_images(root: Path) -> Dataset:
    """Ask with the single photos of camera 1, as Xie et al. (2020) do; training is with sequences.

    Raises:
        BadDataset: not laid out as published.
    """
    layout = Layout("ilids-vid-images", root, TREE)
    return _read(layout, _people(layout, "images", 1))


def _read(layout: Layout, query: People) -> Dataset:
    first, second = (_people(layout, "sequences", camera) for camera in (1, 2))
    check_same(layout, first, second, query)
    people = sorted(first)
    rows = read_numbers(layout, SPLITS, "ls_set").tolist()
    splits = []
    for row in rows:
        if sorted(row) != list(range(1, len(people) + 1)):
            raise layout.error(f"a row of ls_set does not number the {len(people)} people once each")
        shuffled = [people[number - 1] for number in row]
        half = len(people) // 2
        splits.append(split(first, second, query, train=shuffled[half:], test=shuffled[:half]))
    if not splits:
        raise layout.error("ls_set has no rows")
    return Dataset(layout.name, tuple(splits))


def _people(layout: Layout, kind: str, camera: int) -> dict[int, Tracklet]:
    pattern, example = (
        (FRAME, "cam1_person001_00317.png") if kind == "sequences" else (PHOTO, "cam1_person001.png")
    )
    shots = []
    for folder in layout.folders(layout.folder(f"i-LIDS-VID/{kind}/cam{camera}")):
        for path in layout.crops(folder, some=False):
            name = layout.match(pattern, path, example)
            if int(name[1]) != camera or f"person{name[2]}" != folder.name:
                raise layout.error(f"{path} is not a crop of camera {camera} and {folder.name}")
            shots.append(
                Shot(int(name[2]), camera, 0, tuple(int(number) for number in name.groups()[2:]), path)
            )
    return {tracklet.identity: tracklet for tracklet in group(layout, shots)}
