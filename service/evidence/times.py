"""Times as a person at the camera would read them."""

from datetime import datetime
from zoneinfo import ZoneInfo


def there(value: datetime | str, time_zone: str) -> str:
    """A time on the clock of a camera, to the second, with its offset."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.astimezone(ZoneInfo(time_zone)).isoformat(sep=" ", timespec="seconds")


def span(start: datetime | str, end: datetime | str, time_zone: str) -> str:
    """A stretch of time on the clock of a camera."""
    return f"{there(start, time_zone)} to {there(end, time_zone)}"
