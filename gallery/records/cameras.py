"""Cameras as they are described and recorded."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict


class CameraSettings(TypedDict, total=False):
    """The settings of a camera besides its name; missing keys get their defaults.

    site: where it belongs.
    time_zone: IANA name, for showing local time; recorded times are UTC. Default UTC.
    latitude, longitude: degrees north and east, both or neither.
    detector_input: long side of the detector's input in pixels; None for the detector's default.
    pixel_aspect: width / height of one coded pixel, for recordings that do not say it; None for square ones.
    """

    site: str | None
    time_zone: str
    latitude: float | None
    longitude: float | None
    detector_input: int | None
    pixel_aspect: float | None


class CameraChanges(CameraSettings, total=False):
    """Changes to a camera: only the given keys change."""

    name: str


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """A camera as recorded; see CameraSettings."""

    id: int
    name: str
    site: str | None
    time_zone: str
    latitude: float | None
    longitude: float | None
    detector_input: int | None
    pixel_aspect: float | None
    created_at: datetime
