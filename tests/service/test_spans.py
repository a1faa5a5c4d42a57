"""Stretches of time in words, also in the nights when clocks change."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from service.spans import duration, span

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 s"),
        (59.6, "1 min"),
        (592, "9 min 52 s"),
        (3600, "1 h"),
        (7260, "2 h 1 min"),
        (90_061, "1 d 1 h"),
    ],
)
def test_says_how_long(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        ("2026-03-01T12:00", "2026-03-01T12:10", "2026-03-01 13:00:00 to 13:10:00"),
        ("2026-03-01T22:59", "2026-03-02T00:00", "2026-03-01 23:59:00 to 2026-03-02 01:00:00"),
        ("2026-03-01T12:00", "2026-03-01T12:00", "2026-03-01 13:00:00"),
        # Over the change of clocks: without offsets, an hour would be lost or won.
        ("2026-03-29T00:30", "2026-03-29T01:30", "2026-03-29 01:30:00 UTC+01:00 to 03:30:00 UTC+02:00"),
        ("2026-10-25T00:50", "2026-10-25T01:10", "2026-10-25 02:50:00 UTC+02:00 to 02:10:00 UTC+01:00"),
        # Within the hour that clocks show twice: which of the two.
        ("2026-10-25T01:10", "2026-10-25T01:20", "2026-10-25 02:10:00 UTC+01:00 to 02:20:00 UTC+01:00"),
        ("2026-10-25T00:10", "2026-10-25T00:10", "2026-10-25 02:10:00 UTC+02:00"),
        ("2026-10-25T02:00", "2026-10-25T02:10", "2026-10-25 03:00:00 to 03:10:00"),
    ],
)
def test_says_when(start: str, end: str, text: str) -> None:
    times = [datetime.fromisoformat(time).replace(tzinfo=UTC) for time in (start, end)]
    assert span(times[0], times[1], BERLIN) == text


def test_an_offset_of_half_an_hour_is_said_in_full() -> None:
    start = datetime(2026, 11, 1, 4, 0, tzinfo=UTC)
    assert span(start, start, ZoneInfo("America/St_Johns")) == "2026-11-01 01:30:00 UTC-02:30"
