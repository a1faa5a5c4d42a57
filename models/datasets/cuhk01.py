"""CUHK01: 971 people, two crops each from two cameras (Li, Zhao, Wang, ACCV 2012)."""

import re
from collections import defaultdict
from pathlib import Path
from typing import Final

from models.datasets.layout import Layout
from models.datasets.records import Dataset, Split, Tracklet

TREE: Final = """
ROOT/
  0001001.png    person (4 digits), crop (3 digits): 001 and 002 are of camera A
  0001002.png
  0001003.png    003 and 004 are of camera B
  0001004.png
  ...
"""

NAME: Final = re.compile(r"(\d{4})00([1-4])", re.ASCII)
CAMERA_A: Final = 1
CAMERA_B: Final = 2


def read_photos_to_tracklets(root: Path) -> Dataset:
    """A photo of each person on camera A, looked for among the tracklets of two frames of camera B.

    Nobody trains: the split has no training tracklets.

    Raises:
        BadDataset: not laid out as published.
    """
    people = _people(root)
    query = tuple(Tracklet(person, CAMERA_A, crops[:1]) for person, crops in people.items())
    gallery = tuple(Tracklet(person, CAMERA_B, crops[2:]) for person, crops in people.items())
    return Dataset("cuhk01", (Split((), query, gallery),))


def read_photos_to_photos(root: Path) -> Dataset:
    """Each camera's first photo of everybody, looked for among all photos of the other camera.

    Two splits, from A to B and from B to A: in one, a query would meet other people of its own camera.

    Raises:
        BadDataset: not laid out as published.
    """
    people = _people(root)
    of_a = [Tracklet(p, CAMERA_A, (crop,)) for p, crops in people.items() for crop in crops[:2]]
    of_b = [Tracklet(p, CAMERA_B, (crop,)) for p, crops in people.items() for crop in crops[2:]]
    a_to_b = Split((), tuple(of_a[::2]), tuple(of_b))
    b_to_a = Split((), tuple(of_b[::2]), tuple(of_a))
    return Dataset("cuhk01-images", (a_to_b, b_to_a))


def _people(root: Path) -> dict[int, tuple[Path, Path, Path, Path]]:
    """Person to its four crops, in order of the persons."""
    layout = Layout("cuhk01", root, TREE)
    found: defaultdict[int, dict[int, Path]] = defaultdict(dict)
    for path in layout.crops(layout.folder(".")):
        name = layout.match(NAME, path, "0001001.png")
        person, crop = int(name[1]), int(name[2])
        if person == 0:
            raise layout.error(f"{path}: people are counted from 1")
        if crop in found[person]:
            raise layout.error(f"{path} is the same crop as {found[person][crop]}")
        found[person][crop] = path
    for person, crops in found.items():
        if len(crops) < 4:
            raise layout.error(f"person {person:04d} has {len(crops)} of 4 crops")
    return {p: (found[p][1], found[p][2], found[p][3], found[p][4]) for p in sorted(found)}
