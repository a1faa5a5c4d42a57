"""The axis of a time line: a few whole clock times of a zone, however long the journey is."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from service.cases.axis import ticks

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(
    2026, 3, 28, 22, 59, 58, tzinfo=UTC
)  # two seconds before the day on which summer time begins


def said(start: datetime, seconds: float, zone: ZoneInfo = BERLIN) -> list[str]:
    return [label for _, label in ticks(start, start + timedelta(seconds=seconds), zone)]


def test_ticks_are_whole_times_and_say_a_new_date() -> None:
    assert said(START, 5) == ["23:59:58", "23:59:59", "2026-03-29 00:00:00", *SECONDS]
    assert said(START, 3600) == ["2026-03-29 00:00", "00:10", "00:20", "00:30", "00:40", "00:50"]
    # The clocks skip the hour after two.
    assert said(START, 5 * 3600) == ["2026-03-29 00:00", "01:00", "03:00", "04:00", "05:00"]
    days = [f"2026-{date}" for date in ("03-29", "03-31", "04-02", "04-04", "04-06", "04-08")]
    assert said(START, 10 * 86_400) == days
    assert said(START, 600, ZoneInfo("Asia/Kolkata"))[0] == "04:30"


SECONDS = ["00:00:01", "00:00:02", "00:00:03"]


@given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)), st.floats(1, 1e8))
def test_ticks_are_few_in_order_and_within(start: datetime, seconds: float) -> None:
    first = start.replace(tzinfo=UTC)
    last = first + timedelta(seconds=seconds)
    found = [at for at, _ in ticks(first, last, ZoneInfo("Australia/Lord_Howe"))]
    assert len(found) <= 7
    assert found == sorted(found)
    assert all(first <= at <= last for at in found)
