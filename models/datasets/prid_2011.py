"""PRID-2011: people on two cameras, the first 200 of them on both (Hirzer et al., SCIA 2011).

No splits are published: papers repeat random halves ten times. Ours are drawn with a fixed seed, the same on
every machine. Camera A asks, camera B answers. Two protocols are in use and their figures do not compare:

prid-2011       the 200 people: 100 train, 100 are tested (RCN, Xie et al. 2020, CRF)
prid-2011-178   those with more than 21 frames on both cameras, 178 people: 89 and 89 (Wang et al. 2014)
"""

import re
from pathlib import Path
from typing import Final

import numpy as np

from models.datasets.layout import Layout, Shot, group
from models.datasets.pairs import People, split
from models.datasets.records import Dataset, Tracklet

TREE: Final = """
ROOT/
  multi_shot/
    cam_a/person_0001/0001.png    person, frame; at least the persons 1 to 200
    cam_b/person_0001/0001.png
    ...
  single_shot/                    for prid-2011-images only
    cam_a/person_0001.png
    ...
"""

PEOPLE: Final = 200  # on both cameras; higher numbers are other people on each
SPLITS: Final = 10
SEED: Final = 2011
ENOUGH_FRAMES: Final = 22
FRAME: Final = re.compile(r"\d{4}", re.ASCII)
PERSON: Final = re.compile(r"person_(\d{4})", re.ASCII)


def read_200(root: Path) -> Dataset:
    """The first 200 people.

    Raises:
        BadDataset: not laid out as published.
    """
    layout = Layout("prid-2011", root, TREE)
    first, second = _sequences(layout, "a"), _sequences(layout, "b")
    return _halves(layout, first, second, first)


def read_images(root: Path) -> Dataset:
    """The first 200 people; the single photos of camera A ask, as in Xie et al. (2020).

    Raises:
        BadDataset: not laid out as published.
    """
    layout = Layout("prid-2011-images", root, TREE)
    photos: dict[int, Tracklet] = {}
    for path in layout.crops(layout.folder("single_shot/cam_a")):
        person = int(layout.match(PERSON, path, "person_0001.png")[1])
        if person in photos:
            raise layout.error(f"{path} is the same person as {photos[person].frames[0]}")
        photos[person] = Tracklet(person, 1, (path,))
    query = _first_200(layout, photos, "single_shot/cam_a")
    return _halves(layout, _sequences(layout, "a"), _sequences(layout, "b"), query)


def read_178(root: Path) -> Dataset:
    """Those of the first 200 people that both cameras saw for long enough.

    Raises:
        BadDataset: not laid out as published.
    """
    layout = Layout("prid-2011-178", root, TREE)
    first, second = (
        {person: one for person, one in camera.items() if len(one.frames) >= ENOUGH_FRAMES}
        for camera in (_sequences(layout, "a"), _sequences(layout, "b"))
    )
    both = first.keys() & second.keys()
    if len(both) < 2:
        raise layout.error(f"{len(both)} people have more than {ENOUGH_FRAMES - 1} frames on both cameras")
    kept = {person: first[person] for person in sorted(both)}
    return _halves(layout, kept, second, kept)


def _halves(layout: Layout, first: People, second: People, query: People) -> Dataset:
    people, half = sorted(query), len(query) // 2
    splits = []
    for number in range(SPLITS):
        shuffled = np.random.default_rng([SEED, number]).permutation(people).tolist()
        splits.append(split(first, second, query, train=shuffled[:half], test=shuffled[half:]))
    return Dataset(layout.name, tuple(splits))


def _sequences(layout: Layout, camera: str) -> dict[int, Tracklet]:
    """Person to sequence, the first 200 persons only."""
    name = f"multi_shot/cam_{camera}"
    shots = []
    for folder in layout.folders(layout.folder(name)):
        person = int(layout.match(PERSON, folder, "person_0001")[1])
        for path in layout.crops(folder, some=False):
            frame = int(layout.match(FRAME, path, "0001.png")[0])
            shots.append(Shot(person, "ab".index(camera) + 1, 0, (frame,), path))
    return _first_200(layout, {one.identity: one for one in group(layout, shots)}, name)


def _first_200(layout: Layout, people: People, name: str) -> dict[int, Tracklet]:
    missing = [person for person in range(1, PEOPLE + 1) if person not in people]
    if missing:
        raise layout.error(f"{name} lacks {len(missing)} of the persons 1 to {PEOPLE}, such as {missing[0]}")
    return {person: people[person] for person in range(1, PEOPLE + 1)}
