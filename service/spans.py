"""Stretches of time in words, on the clock of a camera."""

from datetime import datetime
from zoneinfo import ZoneInfo


def span(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """From when to when on the clocks of a zone; one instant, where both are the same.

    In the nights when clocks change, the same time is shown twice, or an hour is left out: the offsets from
    UTC are said where the clock alone would mislead.
    """
    first, last = start.astimezone(zone), end.astimezone(zone)
    offsets = first.utcoffset() != last.utcoffset() or _shown_twice(first) or _shown_twice(last)
    begin = f"{first:%Y-%m-%d %H:%M:%S}{f' {offset(first)}' if offsets else ''}"
    if start == end:
        return begin
    ends = f"{last:%H:%M:%S}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M:%S}"
    return f"{begin} to {ends}{f' {offset(last)}' if offsets else ''}"


def duration(seconds: float) -> str:
    """A length of time in its two largest units."""
    left = max(1, round(seconds))
    parts = []
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        parts.append(f"{count} {unit}" if count else "")
    first = next(index for index, part in enumerate(parts) if part)
    return " ".join(part for part in parts[first : first + 2] if part)


def _shown_twice(local: datetime) -> bool:
    """Whether the clock of the zone shows this time once more an hour later or earlier."""
    return local.replace(fold=1 - local.fold).utcoffset() != local.utcoffset()


def offset(local: datetime) -> str:
    """How far a local time is ahead of UTC, as in UTC+01:00."""
    shift = f"{local:%z}"
    return f"UTC{shift[:3]}:{shift[3:5]}"
