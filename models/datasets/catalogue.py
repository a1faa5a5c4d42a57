"""Data sets by name."""

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from models.datasets import (
    cuhk01,
    cuhk03,
    duke_video,
    ilids_vid,
    market1501,
    mars,
    prid_2011,
    simulated,
)
from models.datasets.layout import CLUTTER
from models.datasets.records import Dataset
from models.errors import BadDataset

READERS: Final[Mapping[str, Callable[[Path], Dataset]]] = {
    "simulated": simulated.read,
    "mars": mars.read,
    "duke-video": duke_video.read,
    "ilids-vid": ilids_vid.read_sequences,
    "ilids-vid-images": ilids_vid.read_images,
    "prid-2011": prid_2011.read_200,
    "prid-2011-images": prid_2011.read_images,
    "prid-2011-178": prid_2011.read_178,
    "market1501": market1501.read_tracklets,
    "market1501-images": market1501.read_images,
    "cuhk01": cuhk01.read_photos_to_tracklets,
    "cuhk01-images": cuhk01.read_photos_to_photos,
    "cuhk03": partial(cuhk03.read_tracklets, boxes="labeled"),
    "cuhk03-images": partial(cuhk03.read_images, boxes="labeled"),
    "cuhk03-detected": partial(cuhk03.read_tracklets, boxes="detected"),
    "cuhk03-detected-images": partial(cuhk03.read_images, boxes="detected"),
}

STANDARD: Final[Mapping[str, str]] = {
    "market1501": "market1501-images",
    "cuhk01": "cuhk01-images",
    "cuhk03": "cuhk03-images",
    "cuhk03-detected": "cuhk03-detected-images",
}
"""Sets of crops that are also read as tracklets: under which name papers report image to image of them."""

CAPTIONS: Final[Mapping[str, Callable[[Path], dict[int, str]]]] = {"simulated": simulated.captions}


def load(name: str, root: Path) -> Dataset:
    """List a data set's tracklets; no crop is opened.

    Args:
        name: one of READERS.
        root: the folder it lies in.

    Raises:
        BadDataset: no data set of that name, or not laid out as published; the message draws the layout.
    """
    reader = READERS.get(name)
    if reader is None:
        raise BadDataset(f"no data set {name!r}; there are {', '.join(READERS)}")
    if not os.path.isdir(root):
        raise BadDataset(f"{root} is not a folder")
    try:
        return reader(root)
    except BadDataset as error:
        # Most archives unpack into a folder of their own, which then lies alone in the one that was named.
        within = only_folder(root)
        if within is None:
            raise
        try:
            return reader(within)
        except BadDataset:
            raise error from None


def only_folder(root: Path) -> Path | None:
    """The one folder in a folder, if there is one: files beside it, such as a readme, do not count."""
    with os.scandir(root) as entries:
        folders = [entry.name for entry in entries if entry.is_dir() and not CLUTTER.fullmatch(entry.name)]
    return root / folders[0] if len(folders) == 1 else None


def captions(name: str, root: Path) -> dict[int, str]:
    """What each person of a data set looks like, in words.

    Args:
        name: one of CAPTIONS.
        root: the folder it lies in.

    Raises:
        BadDataset: a data set without captions, or its captions cannot be read.
    """
    if name not in CAPTIONS:
        raise BadDataset(f"{name} has no captions; there are some in {', '.join(CAPTIONS)}")
    return CAPTIONS[name](root)
