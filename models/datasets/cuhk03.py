"""CUHK03 in its new protocol: 767 people train, 700 are tested.

Li et al., "DeepReID", CVPR 2014, for the crops, with boxes drawn by hand ("labeled") or by a detector;
Zhong et al., "Re-ranking Person Re-identification with k-reciprocal Encoding", CVPR 2017, for the protocol.
Read from folders of PNG, as Zhong et al. give them out or as they are usually converted from cuhk-03.mat.
"""

import re
from pathlib import Path
from typing import Final

from models.datasets.layout import Layout, Shot, group, singles
from models.datasets.matlab import read_names, read_numbers
from models.datasets.records import Dataset, Split

TREE: Final = """
ROOT/
  labeled/ or detected/
    bounding_box_train/0003_c1_21.png             person, camera, crop
    bounding_box_test/...
    query/...
or
ROOT/
  images_labeled/ or images_detected/
    1_001_1_01.png                                pair of cameras, person, camera, crop
    ...
  cuhk03_new_protocol_config_labeled.mat or ..._detected.mat
                                                  filelist, train_idx, query_idx, gallery_idx
"""

SORTED_NAME: Final = re.compile(r"(\d{4})_c([12])_(\d+)", re.ASCII)
FLAT_NAME: Final = re.compile(r"(\d)_(\d{3})_([12])_(\d{2})", re.ASCII)

Parts = tuple[list[Shot], list[Shot], list[Shot]]
"""Training, query and gallery crops."""


def read_tracklets(root: Path, *, boxes: str) -> Dataset:
    """Crops of a person on a camera as a tracklet; queries are single crops.

    Args:
        root: folder of the data set.
        boxes: "labeled" or "detected".

    Raises:
        BadDataset: not laid out as published.
    """
    layout = _layout(root, boxes, "")
    train, query, gallery = _parts(layout, boxes)
    return Dataset(layout.name, (Split(group(layout, train), singles(query), group(layout, gallery)),))


def read_images(root: Path, *, boxes: str) -> Dataset:
    """Each crop for itself: the published protocol. Arguments and errors as in `read_tracklets`."""
    layout = _layout(root, boxes, "-images")
    train, query, gallery = _parts(layout, boxes)
    return Dataset(layout.name, (Split(singles(train), singles(query), singles(gallery)),))


def _layout(root: Path, boxes: str, protocol: str) -> Layout:
    return Layout(f"cuhk03{'-detected' if boxes == 'detected' else ''}{protocol}", root, TREE)


def _parts(layout: Layout, boxes: str) -> Parts:
    return _flat(layout, boxes) if layout.has(f"images_{boxes}") else _sorted(layout, boxes)


def _sorted(layout: Layout, boxes: str) -> Parts:
    def shots(folder: str) -> list[Shot]:
        found = []
        for path in layout.crops(layout.folder(f"{boxes}/{folder}")):
            person, camera, crop = layout.match(SORTED_NAME, path, "0003_c1_21.png").groups()
            found.append(Shot(int(person), int(camera), 0, (int(crop),), path))
        return found

    return shots("bounding_box_train"), shots("query"), shots("bounding_box_test")


def _flat(layout: Layout, boxes: str) -> Parts:
    config = f"cuhk03_new_protocol_config_{boxes}.mat"
    folder = layout.folder(f"images_{boxes}")
    there = set(layout.crops(folder))
    files = [folder / name for name in read_names(layout, config, "filelist")]
    missing = [path for path in files if path not in there]
    if missing:
        raise layout.error(f"{len(missing)} files of filelist are not in {folder}, such as {missing[0].name}")
    if sorted(files) != sorted(there):
        raise layout.error(f"filelist does not name each crop of {folder} once")

    def shots(variable: str) -> list[Shot]:
        numbers = read_numbers(layout, config, variable).ravel().tolist()
        if len(set(numbers)) < len(numbers) or not all(1 <= number <= len(files) for number in numbers):
            raise layout.error(f"{variable} does not number {len(files)} files, each at most once")
        return [_flat_shot(layout, files[number - 1]) for number in sorted(numbers)]

    return shots("train_idx"), shots("query_idx"), shots("gallery_idx")


def _flat_shot(layout: Layout, path: Path) -> Shot:
    """People are numbered in each of the pairs of cameras, so a person's number here has four digits."""
    pair, person, camera, crop = layout.match(FLAT_NAME, path, "1_001_1_01.png").groups()
    return Shot(int(pair) * 1000 + int(person), int(camera), 0, (int(crop),), path)
