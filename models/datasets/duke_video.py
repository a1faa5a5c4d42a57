"""DukeMTMC-VideoReID: tracklets of 1,812 people on eight cameras (Wu et al., CVPR 2018).

Its owner has withdrawn the data set. TKP trains on pieces of 32 frames: `batches.pieces` of a recipe.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from models.datasets.layout import Layout, Shot, group
from models.datasets.records import Dataset, Split

TREE: Final = """
ROOT/
  train/
    0001/                                person
      0001/                              tracklet
        0001_C5_F0001_X220604.jpg        person, camera, frame of the tracklet, frame of the recording
        ...
  query/...
  gallery/...
"""

EXAMPLE: Final = "0001_C5_F0001_X220604.jpg"
NAME: Final = re.compile(r"(\d{4})_?C(\d)_?F(\d+)_?X\d+", re.ASCII)
"""With underscores, as now, and without, as it was first given out."""


def read(root: Path) -> Dataset:
    """Read DukeMTMC-VideoReID.

    Raises:
        BadDataset: not laid out as published.
    """
    layout = Layout("duke-video", root, TREE)
    train, query, gallery = (group(layout, _shots(layout, part)) for part in ("train", "query", "gallery"))
    return Dataset("duke-video", (Split(train, query, gallery),))


def _shots(layout: Layout, part: str) -> Iterator[Shot]:
    for person in layout.folders(layout.folder(part)):
        for tracklet in layout.folders(person, some=False):
            if not (tracklet.name.isascii() and tracklet.name.isdigit()):
                raise layout.error(f"{tracklet} is not the number of a tracklet")
            cameras = set()
            for path in layout.crops(tracklet, some=False):
                name = layout.match(NAME, path, EXAMPLE)
                cameras.add(int(name[2]))
                if name[1] != person.name or int(name[1]) == 0:
                    raise layout.error(f"{path} is not a crop of a person {person.name}")
                if len(cameras) > 1:
                    raise layout.error(f"{tracklet} has crops of more than one camera")
                yield Shot(int(name[1]), int(name[2]), int(tracklet.name), (int(name[3]),), path)
