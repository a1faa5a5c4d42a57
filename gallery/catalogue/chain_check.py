"""Whether audit events are as they were recorded: those of the database, or of a file that was exported."""

from collections.abc import Iterable, Sequence

from gallery.records.access import Anchor, ChainReport, EventInfo
from gallery.sql.chain import FIRST, digest_of

START = Anchor(0, FIRST)
"""Where a trail begins."""


def check_trail(
    events: Iterable[EventInfo], *, after: Anchor = START, end: Anchor | None, anchors: Sequence[Anchor] = ()
) -> ChainReport:
    """Hash events again, one after the other.

    Args:
        events: in the order of their ids.
        after: the event before the first one.
        end: what the last one has to be; None if that is not known.
        anchors: digests noted earlier, of events from the first one on.
    """
    noted: dict[int, set[str]] = {}
    for anchor in anchors:
        noted.setdefault(anchor.event, set()).add(anchor.digest)
    count, last = 0, after
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
    if event.digest != digest_of(last.digest, event.id, event):
        return "it is not what was recorded, or not what was recorded next"
    if noted - {event.digest}:
        return "its digest is not the one that was noted: the trail was written anew"
    return None
