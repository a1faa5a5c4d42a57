"""Data sets by name."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from models.datasets import cuhk01, simulated
from models.datasets.records import Dataset
from models.errors import BadDataset

READERS: Final[Mapping[str, Callable[[Path], Dataset]]] = {
    "cuhk01": cuhk01.read_photos_to_tracklets,
    "cuhk01-images": cuhk01.read_photos_to_photos,
    "simulated": simulated.read,
}


def load(name: str, root: Path) -> Dataset:
    """List a data set's tracklets; no picture is opened.

    Args:
        name: one of READERS.
        root: the folder it lies in.

    Raises:
        BadDataset: no data set of that name, or not laid out as published; the message draws the layout.
    """
    reader = READERS.get(name)
    if reader is None:
        raise BadDataset(f"no data set {name!r}; there are {', '.join(READERS)}")
    if not root.is_dir():
        raise BadDataset(f"{root} is not a folder")
    return reader(root)
