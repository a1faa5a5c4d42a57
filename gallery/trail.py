"""Digests of audit events, and whether events are as they were recorded: of the database, or of a file."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from typing import Any, Final

from gallery.records.access import Anchor, ChainReport, EventInfo

FIRST: Final = "0" * 64
"""What the first event is hashed together with."""

_ANEW: Final = "its digest is not the one that was noted: the trail was written anew"
START: Final = Anchor(0, FIRST)
"""Where a trail begins."""


def check_trail(
    events: Iterable[EventInfo], *, after: Anchor = START, end: Anchor | None, anchors: Sequence[Anchor] = ()
) -> ChainReport:
    """Hash events again, one after the other.

    Args:
        events: in the order of their ids.
        after: the event before the first one; what was noted of it must be it.
        end: what the last one has to be; None if that is not known.
        anchors: digests noted earlier, or how they begin, of events from the first one on.
    """
    noted: dict[int, set[str]] = {}
    for anchor in anchors:
        noted.setdefault(anchor.event, set()).add(anchor.digest)
    count, last = 0, after
    if not all(after.digest.startswith(one) for one in noted.pop(after.event, ())):
        return ChainReport(0, after, after.event, _ANEW)
    for event in events:
        count += 1
        reason = _wrong(event, last, noted.pop(event.id, set()))
        if reason is not None:
            return ChainReport(count, last, event.id, reason)
        last = Anchor(event.id, event.digest)
    reached = last if last.event else None
    if end is not None and end != last:
        return ChainReport(count, reached, last.event, f"the trail went on to event {end.event}")
    if missing := [event for event in noted if event > after.event]:
        reason = f"event {min(missing)}, of which a digest was noted, is not there"
        return ChainReport(count, reached, min(missing), reason)
    return ChainReport(count, reached, None, None)


def _wrong(event: EventInfo, last: Anchor, noted: set[str]) -> str | None:
    if event.id <= last.event:
        return f"it stands after event {last.event}"
    try:
        right = digest_of(last.digest, event.id, event)
    except (ValueError, TypeError, OverflowError, RecursionError):
        right = None  # it holds what no event can hold: a number that is none, a time before all times
    if event.digest != right:
        return "it is not what was recorded, or not what was recorded next"
    if not all(event.digest.startswith(one) for one in noted):
        return _ANEW
    return None


def digest_of(before: str, number: int, event: Any) -> str:
    """SHA-256 of an event and the digest before it: of a JSON array in one form only.

    Args:
        before: digest of the event before, or FIRST.
        number: the event's id.
        event: with the attributes of `Event`.
    """
    parts = [
        before,
        number,
        event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        event.key_id,
        event.action,
        event.subject,
        _plain(event.detail),
    ]
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """JSON in which a number has one form: PostgreSQL gives 1e20 back as a whole number."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
