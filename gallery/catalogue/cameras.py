"""What a camera may be called and where it may stand."""

import unicodedata
from typing import Any
from zoneinfo import ZoneInfo

from gallery.errors import InvalidInput
from gallery.validation import optional_text, text

LONGEST_NAME = 100


def camera_name(name: str) -> str:
    """Return a camera's name in its one spelling (Unicode NFC).

    Names stand in URLs, on command lines and in reports: no slash, no control or invisible format characters,
    no space at the ends, and not only dots.
    """
    return _label(name, "the name of a camera")


def site_name(name: str | None) -> str | None:
    """Return a site's name, under the rules of a camera's; None for no site."""
    return None if name is None else _label(name, "the site of a camera")


def _label(name: str, what: str) -> str:
    label = unicodedata.normalize("NFC", text(name, what, longest=LONGEST_NAME))
    if label != label.strip() or "/" in label or not label.strip("."):
        raise InvalidInput(f"{what} cannot be {name!r}: no slash, no space at the ends, not only dots")
    if any(unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp", "Co", "Cn"} for character in label):
        raise InvalidInput(f"{what} has control characters: {name!r}")
    return label


def time_zone_name(name: str) -> str:
    """Return an IANA time zone's name.

    Raises:
        InvalidInput: there is no such time zone.
    """
    text(name, "the time zone of a camera", longest=100)
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # unknown; a path; a directory of zones
        raise InvalidInput(f"no time zone {name!r}: use an IANA name like Europe/Berlin") from error
    return name


def camera_values(
    name: str,
    *,
    site: str | None,
    time_zone: str,
    latitude: float | None = None,
    longitude: float | None = None,
    detector_input: int | None = None,
) -> dict[str, Any]:
    """Check what is known of a camera, and return it as columns.

    Raises:
        InvalidInput: some of it cannot be.
    """
    if (latitude is None) != (longitude is None):
        raise InvalidInput("a position needs latitude and longitude")
    for value, what, limit in ((latitude, "latitude", 90.0), (longitude, "longitude", 180.0)):
        if value is not None and not -limit <= value <= limit:
            raise InvalidInput(f"{what} must lie between {-limit} and {limit}, not {value}")
    if detector_input is not None and not 32 <= detector_input <= 4096:
        raise InvalidInput(f"the detector's input must be 32 to 4096 pixels, not {detector_input}")
    return {
        "name": camera_name(name),
        "site": site_name(optional_text(site, "the site of a camera")),
        "time_zone": time_zone_name(time_zone),
        "latitude": latitude,
        "longitude": longitude,
        "detector_input": detector_input,
    }
