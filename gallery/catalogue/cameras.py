"""Checks of a camera's name, site, clock and place."""

import unicodedata
from zoneinfo import ZoneInfo

from gallery.errors import InvalidInput
from gallery.records.cameras import CameraChanges, CameraSettings
from gallery.validation import given_name, optional_text, text

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


def group_name(name: str) -> str:
    """Return a camera group's name, under the rules of a camera's."""
    return _label(name, "the name of a camera group")


def _label(name: str, what: str) -> str:
    label = given_name(name, what, longest=LONGEST_NAME)
    if "/" in label or not label.strip("."):
        raise InvalidInput(f"{what} cannot be {name!r}: no slash, not only dots")
    if any(unicodedata.category(character) == "Cf" for character in label):  # it stands in URLs
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


CAMERA_DEFAULTS = CameraSettings(
    site=None, time_zone="UTC", latitude=None, longitude=None, detector_input=None, pixel_aspect=None
)


def camera_values(camera: CameraChanges) -> CameraChanges:
    """Check all that is known of a camera together, and return it as columns.

    Raises:
        InvalidInput: a value that is out of range or invalid.
    """
    values: CameraChanges = {**CAMERA_DEFAULTS, **camera}
    values["name"] = camera_name(values["name"])
    values["site"] = site_name(optional_text(values["site"], "the site of a camera"))
    values["time_zone"] = time_zone_name(values["time_zone"])
    if (values["latitude"] is None) != (values["longitude"] is None):
        raise InvalidInput("a position needs latitude and longitude")
    _within(values["latitude"], -90.0, 90.0, "latitude")
    _within(values["longitude"], -180.0, 180.0, "longitude")
    _within(values["detector_input"], 32, 4096, "the detector's input in pixels")
    _within(values["pixel_aspect"], 0.25, 4.0, "the pixel aspect")
    return values


def _within(value: float | None, least: float, most: float, what: str) -> None:
    if value is not None and not least <= value <= most:
        raise InvalidInput(f"{what} must lie between {least} and {most}, not {value}")
