"""When a recording began, as far as its file says so itself."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

LONGEST: Final = 64  # characters of a time that is said
_NO_CLOCK: Final = 1980  # the year of the first day of FAT, the last of such first days
_EARLIEST: Final = datetime(1980, 1, 1, tzinfo=UTC)  # recorders without a clock begin there, or before
_AHEAD: Final = timedelta(days=1)  # that a recorder's clock may be


def said_start(stream: Mapping[str, str], container: Mapping[str, str]) -> str | None:
    """What the metadata of a file's stream, or else of the file, say of when it was recorded, in ISO 8601."""
    said = stream.get("creation_time") or container.get("creation_time")
    return None if said is None else str(said)[:LONGEST]


def start_of(said: str | None) -> datetime | None:
    """The instant that a file names; None where it names none.

    Recorders without a clock write the first day of their count, 1904 or 1970. A time without an offset is
    UTC, as containers have it.
    """
    try:
        start = None if said is None else datetime.fromisoformat(said)
    except ValueError:
        return None
    if start is None or start.year <= _NO_CLOCK:
        return None
    return start.replace(tzinfo=start.tzinfo or UTC)


def is_possible(start: datetime) -> bool:
    """Whether a recording that is here now can have begun at an instant."""
    return _EARLIEST <= start <= datetime.now(UTC) + _AHEAD
