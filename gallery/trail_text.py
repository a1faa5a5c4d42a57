"""The audit trail as text: anchors as people note them, and the lines of an exported trail."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Final

from gallery.errors import InvalidInput
from gallery.records.access import Anchor, EventInfo

KIND: Final = "sightline audit trail"
FORMAT: Final = 1
SHORTEST: Final = 24
"""Hexadecimal digits of a digest that are noted at least: 96 bits, which nobody finds another trail for."""
_DIGEST: Final = re.compile(rf"[0-9a-f]{{{SHORTEST},64}}")


def anchor_of(text: str) -> Anchor:
    """An anchor that was noted: the id of an event, a colon, and its digest, or how that begins.

    Raises:
        InvalidInput: it is none.
    """
    number, _, digits = text.strip().partition(":")
    digest = digits.replace("-", "").lower()
    if not (_DIGEST.fullmatch(digest) and number.isascii() and number.isdigit() and len(number) < 19):
        raise InvalidInput(f"{text[:100]!r} is no anchor: one is an event's id, a colon and its digest")
    return Anchor(int(number), digest)


def exported(start: Anchor, events: Iterable[EventInfo]) -> Iterator[str]:
    """The lines of an exported trail, in JSON: where it begins, then one for each event.

    Args:
        start: the event before the first one.
        events: in the order of their ids.
    """
    head = {"kind": KIND, "format": FORMAT, "after": start.event, "digest": start.digest}
    yield json.dumps(head) + "\n"
    for event in events:
        values = {**asdict(event), "detail": dict(event.detail), "at": event.at.isoformat()}
        yield json.dumps(values, ensure_ascii=False, allow_nan=False) + "\n"
