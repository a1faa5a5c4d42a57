"""Times as the columns of segments hold them, and ranges of time as filters name them."""

from datetime import UTC, datetime, timedelta

from gallery.errors import InvalidInput
from gallery.records.searching import Filters
from gallery.validation import moment

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(time: datetime) -> int:
    """Count the microseconds since 1970, exactly."""
    return (time - EPOCH) // timedelta(microseconds=1)


def time_at(time_us: int) -> datetime:
    """Return the time that lies so many microseconds after 1970, exactly."""
    return EPOCH + timedelta(microseconds=time_us)


def time_range(filters: Filters) -> tuple[datetime | None, datetime | None]:
    """Return the ends of a time filter in UTC.

    Raises:
        InvalidInput: a time without a zone, or a range with nothing in it.
    """
    start = None if filters.start is None else moment(filters.start, "start")
    end = None if filters.end is None else moment(filters.end, "end")
    if start is not None and end is not None and start >= end:
        raise InvalidInput(f"the time range from {start} to {end} is empty")
    return start, end
