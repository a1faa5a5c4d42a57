"""Anchors as they are noted, and files that the audit trail is exported into."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from gallery import Anchor, ChainReport, EventInfo, InvalidInput, anchor_of, check_trail, exported
from gallery.signing import check
from gallery.trail_text import FORMAT, KIND
from sightline.failures import CommandError

_LONGEST = 100_000  # characters of a file that is read as a signed anchor


def text_of(anchor: Anchor) -> str:
    """An anchor as it is printed."""
    return f"{anchor.event}:{anchor.digest}"


def noted_anchor(text: str, public_key: str | None) -> Anchor:
    """An anchor that was noted: as text, or in a signed file, which counts only with its key."""
    path = Path(text)
    if not path.is_file():
        return _anchor(text)
    if public_key is None:
        raise CommandError(f"{path} is signed", "give --public-key, as `audit key` printed it")
    with path.open(encoding="utf-8", errors="replace") as file:
        return check(file.read(_LONGEST), public_key)


def _anchor(text: str) -> Anchor:
    try:
        return anchor_of(text)
    except InvalidInput:
        raise CommandError(
            f"{text!r} is no anchor", "give one as `audit anchor` prints it: ID:DIGEST"
        ) from None


def written(out: Path, start: Anchor, events: Iterable[EventInfo]) -> int:
    """Write events into a new file that is on the disk when this returns; returns how many."""
    try:
        with out.open("x", encoding="utf-8") as file:
            count = _write(file, start, events)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise CommandError(f"{out} is there already", "name a new file") from None
    except OSError as error:
        raise CommandError(f"{out} cannot be written", error.strerror or str(error)) from None
    return count


def checked_copy(out: Path, start: Anchor, events: Iterable[EventInfo], end: Anchor) -> str:
    """Write events that are about to go, read the file again, and return its SHA-256."""
    written(out, start, events)
    report = verify_file(out, [end])
    if report.broken_at is not None or report.last != end:
        raise CommandError(f"{out} is not what was written", "nothing was removed; is the disk in order?")
    with out.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(file: IO[str], start: Anchor, events: Iterable[EventInfo]) -> int:
    count = -1  # the first line only says where it begins
    for line in exported(start, events):
        file.write(line)
        count += 1
    return count


def verify_file(path: Path, anchors: list[Anchor]) -> ChainReport:
    """Check an exported trail. Raises CommandError: it is none."""
    try:
        with path.open(encoding="utf-8") as file:
            start = _head(path, _values(path, 1, file.readline()))
            return check_trail(_events(path, file), after=start, end=None, anchors=anchors)
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read", str(error)) from None


def _head(path: Path, values: dict[str, Any]) -> Anchor:
    if values.get("kind") != KIND or values.get("format") != FORMAT:
        raise CommandError(f"{path} is no exported audit trail", "`sightline audit export` writes one")
    return _anchor(f"{values.get('after')}:{values.get('digest')}")


def _events(path: Path, lines: Iterable[str]) -> Iterator[EventInfo]:
    for number, line in enumerate(lines, 2):
        values = _values(path, number, line)
        try:
            at = datetime.fromisoformat(values.pop("at"))
            event = EventInfo(at=at, **values)
        except (TypeError, ValueError, KeyError):
            raise CommandError(f"{path}, line {number}, is no event", "the file is damaged") from None
        if not (type(event.id) is int and isinstance(event.detail, dict) and at.tzinfo is not None):
            raise CommandError(f"{path}, line {number}, is no event", "the file is damaged")
        yield event


def _values(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise CommandError(f"{path}, line {number}, is not JSON", "the file is damaged, or not one of ours")
    return values
