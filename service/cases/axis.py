"""Whole clock times along an axis of time, on the clock of one zone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_MOST: Final = 6  # ticks, so that a date and a time fit between them
_DAY: Final = 86_400
_STEPS: Final = (
    *(1, 2, 5, 10, 15, 30),
    *(60 * minutes for minutes in (1, 2, 5, 10, 15, 30)),
    *(3600 * hours for hours in (1, 2, 3, 6, 12)),
)


def ticks(start: datetime, end: datetime, zone: ZoneInfo) -> list[tuple[datetime, str]]:
    """Some instants from start to end at which the clocks of a zone show a round time, and how it is said.

    The date is said at the first of each day after that of `start`, seconds only where ticks are closer than
    a minute.
    """
    seconds = (end - start).total_seconds()
    step = next((step for step in _STEPS if seconds <= step * _MOST), None)
    instants = list(_days(start, end, zone) if step is None else _within_days(start, end, zone, step))
    said, day = [], start.astimezone(zone).date()
    for instant in instants:
        local = instant.astimezone(zone)
        clock = "" if step is None else f"{local:%H:%M:%S}" if step < 60 else f"{local:%H:%M}"
        date = "" if local.date() == day else f"{local:%Y-%m-%d}"
        said.append((instant, f"{date} {clock}".strip()))
        day = local.date()
    return said


def _within_days(start: datetime, end: datetime, zone: ZoneInfo, step: int) -> Iterator[datetime]:
    local = start.astimezone(zone)
    since = local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1e6
    instant = start.astimezone(UTC) + timedelta(seconds=-since % step)
    while instant <= end:
        yield instant
        instant += timedelta(seconds=step)


def _days(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Midnights, so many days apart as are not too many; days are not all equally long."""
    apart = max(1, -(-int((end - start).total_seconds()) // (_DAY * _MOST)))
    date = start.astimezone(zone).date() + timedelta(days=1)
    while (instant := datetime(date.year, date.month, date.day, tzinfo=zone).astimezone(UTC)) <= end:
        yield instant
        date += timedelta(days=apart)
