"""What files say of their own start."""

from datetime import UTC, datetime, timedelta

import pytest

from gallery.recorded import is_possible, said_start, start_of


@pytest.mark.parametrize(
    ("said", "start"),
    [
        ("2026-01-05T09:00:00Z", datetime(2026, 1, 5, 9, tzinfo=UTC)),
        ("2026-01-05 09:00:00", datetime(2026, 1, 5, 9, tzinfo=UTC)),
        ("2026-01-05T10:00:00+01:00", datetime(2026, 1, 5, 9, tzinfo=UTC)),
        ("1904-01-01T00:00:00Z", None),
        ("1970-01-01T00:00:00Z", None),
        ("1980-01-06T00:00:00Z", None),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_a_time_is_read_as_utc_and_the_first_day_of_a_clock_is_none(
    said: str | None, start: datetime | None
) -> None:
    assert start_of(said) == start


def test_no_time_of_a_file_is_too_much() -> None:
    for said in ("9999-12-31T23:59:59-12:00", "9999-12-31T23:59:59+14:00"):
        start = start_of(said)
        assert start is not None
        assert not is_possible(start)
    assert is_possible(datetime.now(UTC) + timedelta(hours=14)), "a recorder whose clock is ahead by a zone"
    assert said_start({}, {"creation_time": "x" * 1000}) == "x" * 64
    assert said_start({"creation_time": "a"}, {"creation_time": "b"}) == "a"
    assert said_start({}, {}) is None
