"""Reader of what `sightline simulate tracklets` makes: the folders and names of MARS without its lists.

The folders decide. tracklets.jsonl may be missing; where it is there, it must name the same tracklets.

A query is the first tracklet of an identity on a camera; the gallery is all tracklets of its world, the
queries among them, as in MARS. Each scene has cameras of its own and is a split of its own: people of other
scenes stand before other backgrounds and would only be easy negatives.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

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
MAX_CAPTION: Final = 2000  # characters


def read(root: Path) -> Dataset:
    """Read a simulated set.

    Raises:
        BadDataset: not laid out as above, or tracklets.jsonl says something else than the folders.
    """
    layout = Layout("simulated", root, TREE)
    train, test = ([*_shots(layout, folder)] for folder in FOLDERS)
    if not train and not test:
        raise layout.error(f"{FOLDERS[0]} and {FOLDERS[1]} are both empty")
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


def captions(root: Path) -> dict[int, str]:
    """What each person looks like, in words, as tracklets.jsonl says.

    Bags and open jackets come and go between the tracklets of a person, and captions with them: the shortest
    counts, as it claims least.

    Raises:
        BadDataset: there is no tracklets.jsonl, or it has no captions.
    """
    layout = Layout("simulated", root, TREE)
    listing = layout.file("tracklets.jsonl")
    found: dict[int, str] = {}
    for line in _lines(layout, listing):
        identity, caption = line.get("identity"), line.get("caption")
        if type(identity) is not int or not isinstance(caption, str):
            raise layout.error(f"{listing} has a line without identity and caption")
        if not 0 < len(caption) <= MAX_CAPTION:
            raise layout.error(f"{listing}: the caption of person {identity} has {len(caption)} characters")
        found[identity] = min(found.get(identity, caption), caption, key=lambda text: (len(text), text))
    return found


def first_of_each(tracklets: Sequence[Tracklet]) -> tuple[Tracklet, ...]:
    """The first tracklet of each identity on each camera."""
    first: dict[tuple[int, int], Tracklet] = {}
    for tracklet in tracklets:
        first.setdefault((tracklet.identity, tracklet.camera), tracklet)
    return tuple(first.values())


def _shots(layout: Layout, folder: str) -> Iterator[Shot]:
    people = layout.folder(folder)
    # A set to train with only, or to judge with only, has one folder with nobody in it.
    for person in layout.folders(people) if layout.entries(people) else ():
        for path in layout.crops(person):
            name = layout.match(NAME, path, EXAMPLE)
            if name["person"] != person.name or int(name["person"]) == 0:
                raise layout.error(f"{path} is not a crop of a person {person.name}")
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
    try:
        listed = {
            (str(line["split"]), str(line["tracklet"])): int(line["frames"])
            for line in _lines(layout, listing)
        }
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise layout.error(f"{listing} cannot be read ({error!r})") from error
    wrong = sorted(key for key in {*listed, *found} if listed.get(key) != found.get(key))
    if wrong:
        folder, name = wrong[0]
        raise layout.error(
            f"tracklets.jsonl and the folders disagree on {len(wrong)} tracklets, such as {folder}/{name}: "
            f"{listed.get(wrong[0], 0)} frames listed, {found.get(wrong[0], 0)} there"
        )


def _lines(layout: Layout, listing: Path) -> list[dict[str, Any]]:
    """The objects of the listing. Raises BadDataset."""
    try:
        lines = [json.loads(line) for line in listing.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError, RecursionError) as error:
        raise layout.error(f"{listing} cannot be read ({error!r})") from error
    if not all(isinstance(line, dict) for line in lines):
        raise layout.error(f"{listing} cannot be read (a line is no object)")
    return lines
