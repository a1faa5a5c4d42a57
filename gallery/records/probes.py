"""Uploaded probe photos."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gallery.records.notices import Notice


@dataclass(frozen=True, slots=True)
class PersonQuality:
    """Image quality of a person on a probe.

    Height in pixels, fine detail as a share of contrast, and how much colours differ in grey levels; None in
    probes of before it was measured, which have `warnings` in words instead of `notices`.
    """

    height_px: float
    sharpness: float
    warnings: Sequence[str] = ()
    colour: float | None = None
    notices: Sequence[Notice] = ()


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """A person found on a probe: `box` is x, y, width, height in pixels, `score` the detector's."""

    box: tuple[float, float, float, float]
    score: float
    quality: PersonQuality


@dataclass(frozen=True, slots=True)
class ProbeInfo:
    """An uploaded probe photo.

    `path` is where its bytes lie, `persons` are best first, `notices` are about the photo as a whole.
    """

    id: str
    key_id: str | None
    image_hash: str
    media_type: str
    width: int
    height: int
    persons: Sequence[FoundPerson]
    created_at: datetime
    path: str
    notices: Sequence[Notice] = ()
