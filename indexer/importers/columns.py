"""Tables as spreadsheets and programs write them: separators, byte order marks, headers."""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from indexer.errors import MalformedImport
from indexer.names import shown

# What programs call the columns, letters and digits only.
_NAMES: Final = {
    "frame": ("frame", "frameid", "frameindex", "frameno", "framenumber", "image", "imageid", "t"),
    "identity": ("id", "trackid", "identity", "objectid", "personid", "track", "tid", "obj"),
    "left": ("left", "bbleft", "boxleft", "bboxleft", "x", "x1", "xmin", "xtl", "bbx"),
    "top": ("top", "bbtop", "boxtop", "bboxtop", "y", "y1", "ymin", "ytl", "bby"),
    "width": ("width", "bbwidth", "boxwidth", "bboxwidth", "w", "bbw"),
    "height": ("height", "bbheight", "boxheight", "bboxheight", "h", "bbh"),
    "right": ("right", "x2", "xmax", "xbr", "bbright"),
    "bottom": ("bottom", "y2", "ymax", "ybr", "bbbottom"),
    "score": ("conf", "confidence", "score", "prob", "probability"),
    "kind": ("class", "classid", "cls", "category", "categoryid", "label", "classname"),
}
_MOST: Final = 10  # columns of a file without a header


@dataclass(frozen=True, slots=True)
class Columns:
    """Column numbers of a line; `corners`: the box's last two are its right and bottom."""

    frame: int
    identity: int | None
    box: tuple[int, int, int, int]
    corners: bool
    score: int | None
    kind: int | None
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Table:
    """Lines as (number from 1, fields), and what stands where in them."""

    columns: Columns
    rows: Sequence[tuple[int, Sequence[str]]]


def read_table(path: Path) -> Table:
    """Read a table of boxes.

    Raises:
        MalformedImport: not a text, or its header does not say where the boxes are.
    """
    lines = [(number, line.strip()) for number, line in enumerate(_text(path).splitlines(), start=1)]
    lines = [(number, line) for number, line in lines if line]
    separator = _separator(lines[-1][1]) if lines else None
    names: Sequence[str] | None = None
    rows: list[tuple[int, Sequence[str]]] = []
    for number, line in lines:
        fields = _fields(line.lstrip("#"), separator)
        if not rows and names is None and not any(map(_is_number, fields)):
            # A comment before the table is not its header.
            names = None if line.startswith("#") and not _names_frame(fields) else fields
        elif not line.startswith("#"):
            rows.append((number, fields))
    if names is not None:
        return Table(_named(path, names), rows)
    rows = _without_numbered_header(rows)
    # MOT15 has a position in the world where later years have class and visibility.
    kind = 7 if rows and len(rows[0][1]) in {8, 9} else None
    return Table(Columns(0, 1, (2, 3, 4, 5), False, 6, kind, 6, _MOST), rows)


def _names_frame(fields: Sequence[str]) -> bool:
    return any(_plain(field) in _NAMES["frame"] for field in fields)


def _without_numbered_header(rows: list[tuple[int, Sequence[str]]]) -> list[tuple[int, Sequence[str]]]:
    """Take off the numbers that pandas gives to columns and lines that have no names."""
    if not rows:
        return rows
    first = list(rows[0][1])
    lead = int(first[0] == "")
    if first[lead:] != [str(number) for number in range(len(first) - lead)]:
        return rows
    return [(number, fields[lead:]) for number, fields in rows[1:]]


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise MalformedImport(f"{shown(path)}: {error.strerror}") from error
    try:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return content.decode("utf-16")
        # Numbers are the same in every encoding; only a header may have other letters.
        text = content.decode("utf-8-sig", "replace")
    except UnicodeDecodeError as error:
        raise MalformedImport(f"{shown(path)}: not a text file ({error.reason})") from error
    if "\0" in text:
        raise MalformedImport(f"{shown(path)}: not a text file")
    return text


def _separator(line: str) -> str | None:
    """Return the separator of the columns; None for spaces."""
    return next((mark for mark in (";", "\t", ",") if mark in line), None)


def _fields(line: str, separator: str | None) -> list[str]:
    fields = [field.strip().strip("\"'").strip() for field in line.split(separator)]
    if separator != ",":  # then a comma is a decimal point
        fields = [re.sub(r"^(-?\d+),(\d+)$", r"\1.\2", field) for field in fields]
    return fields


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _named(path: Path, names: Sequence[str]) -> Columns:
    """The columns that a header names; others are passed over."""
    plain = [_plain(name) for name in names]

    def at(what: str) -> int | None:
        return next((plain.index(name) for name in _NAMES[what] if name in plain), None)

    frame, left, top = at("frame"), at("left"), at("top")
    width, height, right, bottom = at("width"), at("height"), at("right"), at("bottom")
    corners = width is None or height is None
    ends = (right, bottom) if corners else (width, height)
    if frame is None or left is None or top is None or ends[0] is None or ends[1] is None:
        raise MalformedImport(
            f"{shown(path)}: its header must name frame, left, top, width and height: {', '.join(names)}"
        )
    box = (left, top, ends[0], ends[1])
    identity = at("identity")
    least = max(frame, identity or 0, *box) + 1
    return Columns(frame, identity, box, corners, at("score"), at("kind"), least, len(names))


def _plain(name: str) -> str:
    """A name of a column in lower-case letters and digits."""
    return re.sub("[^a-z0-9]", "", name.lower())
