"""From a clock on a wall to UTC: twice a year that is not one time."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from indexer.errors import NoSuchZone, NotOneTime


def zone_of(name: str) -> ZoneInfo:
    """The zone of an IANA name. Raises NoSuchZone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise NoSuchZone(f"no time zone {name!r}") from error


def in_zone(value: datetime, zone: ZoneInfo) -> datetime:
    """A time without an offset, read as the clock of a zone; one with an offset stays.

    Raises:
        NotOneTime: the time comes twice or not at all.
    """
    if value.tzinfo is not None:
        return value
    # A time that is skipped has two readings as well, and neither comes back as itself.
    early, late = (value.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if early.utcoffset() == late.utcoffset():
        return early
    times = "does not exist" if early.astimezone(UTC).astimezone(zone) != early else "comes twice"
    readings = sorted(reading.astimezone(UTC) for reading in (early, late))
    choices = " or ".join(reading.astimezone(zone).isoformat() for reading in readings)
    raise NotOneTime(f"{value.isoformat()} {times} in {zone.key}, as clocks are changed", choices)
