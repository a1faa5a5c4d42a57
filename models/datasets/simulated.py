"""What `sightline simulate tracklets` makes: the folders and names of MARS without its lists.

The folders decide. tracklets.jsonl may be missing; where it is there, it must name the same tracklets.

A query is the first tracklet of an identity on a camera; the gallery is all tracklets of its world, the
queries among them, as in MARS. Each scene has cameras of its own and is a split of its own: people of other
scenes stand before other backgrounds and would only be easy negatives.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from models.datasets.layout import Layout, Shot, group
from models.datasets.records import Dataset, Split, Tracklet
from models.datasets.worlds import worlds_of

TREE: Final = """
ROOT/
  bbox_train/
    0001/
      0001C1T0001F001.jpg    person, camera, tracklet, frame
      ...
  bbox_test/
    0601/...
  tracklets.jsonl            one line a tracklet (may be missing)
"""

EXAMPLE: Final = "0001C1T0001F001.jpg"
NAME: Final = re.compile(r"(?P<person>\d{4})C(?P<camera>\d+)T(?P<tracklet>\d+)F(?P<frame>\d+)", re.ASCII)
FOLDERS: Final = ("bbox_train", "bbox_test")


def read(root: Path) -> Dataset:
    """Read a simulated set.

    Raises:
        BadDataset: not laid out as above, or tracklets.jsonl says something else than the folders.
    """
    layout = Layout("simulated", root, TREE)
    train, test = ([*_shots(layout, folder)] for folder in FOLDERS)
    shared = sorted({shot.identity for shot in train} & {shot.identity for shot in test})
    if shared:
        raise layout.error(f"person {shared[0]:04d} is in both folders, in all {len(shared)} people")
    listing = layout.root / "tracklets.jsonl"
    if listing.exists():
        _compare(layout, listing, {**_lengths("bbox_train", train), **_lengths("bbox_test", test)})
    learn, judge = group(layout, train), group(layout, test)
    worlds = worlds_of(judge)
    galleries = [
        tuple(tracklet for tracklet in judge if worlds[tracklet.identity] == world)
        for world in sorted(set(worlds.values()))
    ] or [()]
    return Dataset("simulated", tuple(Split(learn, first_of_each(own), own) for own in galleries))


def first_of_each(tracklets: Sequence[Tracklet]) -> tuple[Tracklet, ...]:
    """The first tracklet of each identity on each camera."""
    first: dict[tuple[int, int], Tracklet] = {}
    for tracklet in tracklets:
        first.setdefault((tracklet.identity, tracklet.camera), tracklet)
    return tuple(first.values())


def _shots(layout: Layout, folder: str) -> Iterator[Shot]:
    for person in layout.folders(layout.folder(folder)):
        for path in layout.pictures(person):
            name = layout.match(NAME, path, EXAMPLE)
            if name["person"] != person.name or int(name["person"]) == 0:
                raise layout.error(f"{path} is not a picture of a person {person.name}")
            yield Shot(
                int(name["person"]), int(name["camera"]), int(name["tracklet"]), (int(name["frame"]),), path
            )


Lengths = dict[tuple[str, str], int]
"""Folder and name of each tracklet to its number of frames."""


def _lengths(folder: str, shots: Sequence[Shot]) -> Lengths:
    lengths: Lengths = {}
    for shot in shots:
        key = folder, shot.path.stem.rpartition("F")[0]
        lengths[key] = lengths.get(key, 0) + 1
    return lengths


def _compare(layout: Layout, listing: Path, found: Lengths) -> None:
    """Raise BadDataset unless the listing names exactly what was found."""
    listed: Lengths = {}
    try:
        for line in listing.read_text(encoding="utf-8").splitlines():
            values = json.loads(line)
            listed[str(values["split"]), str(values["tracklet"])] = int(values["frames"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise layout.error(f"{listing} cannot be read ({error!r})") from error
    wrong = sorted(key for key in {*listed, *found} if listed.get(key) != found.get(key))
    if wrong:
        folder, name = wrong[0]
        raise layout.error(
            f"tracklets.jsonl and the folders disagree on {len(wrong)} tracklets, such as {folder}/{name}: "
            f"{listed.get(wrong[0], 0)} frames listed, {found.get(wrong[0], 0)} there"
        )
