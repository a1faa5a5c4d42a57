"""Market-1501: crops of 1,501 people from six cameras (Zheng et al., ICCV 2015)."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from models.datasets.layout import Layout, Shot, group, singles
from models.datasets.records import DISTRACTOR, JUNK, Dataset, Split, Tracklet

TREE: Final = """
ROOT/
  bounding_box_train/
    0002_c1s1_000451_03.jpg    person, camera and sequence, frame, box
    ...
  bounding_box_test/
    -1_c1s1_000401_03.jpg      junk
    0000_c1s1_000151_01.jpg    distractor
    ...
  query/
    0001_c1s1_001051_00.jpg
    ...
"""

EXAMPLE: Final = "0002_c1s1_000451_03.jpg"
NAME: Final = re.compile(r"(-1|\d{4})_c(\d)s(\d)_(\d{6})_(\d{2})(\.jpg)?", re.ASCII)
"""24 of the published names end in .jpg.jpg."""


def read_tracklets(root: Path) -> Dataset:
    """Crops of a person on a camera in one sequence as a tracklet, to train video networks with.

    Its frames can be minutes apart. Queries, distractors and junk stay single crops, for nothing
    says which of these show the same person.

    Raises:
        BadDataset: not laid out as published.
    """
    layout = Layout("market1501", root, TREE)
    train, query, gallery = _shots(layout)
    return Dataset(layout.name, (Split(group(layout, train), singles(query), _joined(layout, gallery)),))


def read_images(root: Path) -> Dataset:
    """Each crop for itself: the published protocol.

    Raises:
        BadDataset: not laid out as published.
    """
    layout = Layout("market1501-images", root, TREE)
    train, query, gallery = _shots(layout)
    return Dataset(layout.name, (Split(singles(train), singles(query), singles(gallery)),))


def _joined(layout: Layout, shots: Sequence[Shot]) -> tuple[Tracklet, ...]:
    known = [shot for shot in shots if shot.identity not in {DISTRACTOR, JUNK}]
    nobody = [shot for shot in shots if shot.identity in {DISTRACTOR, JUNK}]
    return singles(nobody) + group(layout, known)


def _shots(layout: Layout) -> tuple[list[Shot], list[Shot], list[Shot]]:
    train, query, gallery = (
        [_shot(layout, path) for path in layout.crops(layout.folder(folder))]
        for folder in ("bounding_box_train", "query", "bounding_box_test")
    )
    for shot in (*train, *query):
        if shot.identity in {DISTRACTOR, JUNK}:
            raise layout.error(f"{shot.path} shows nobody known, yet it is not in bounding_box_test")
    return train, query, gallery


def _shot(layout: Layout, path: Path) -> Shot:
    person, camera, sequence, frame, box, again = layout.match(NAME, path, EXAMPLE).groups()
    order = (int(frame), int(box), int(again is not None))
    return Shot(int(person), int(camera), int(sequence), order, path)
