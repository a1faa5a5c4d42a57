"""The time of each camera that an answer covers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

MissingReason = Literal["not_recorded", "no_pictures", "other_model", "damaged"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch of time, [start, end), in UTC."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return (self.end - self.start).total_seconds()


@dataclass(frozen=True, slots=True)
class Missing(Interval):
    """A stretch that could not be searched.

    `reason` is "damaged" (its vectors are; `sightline repair` makes them anew), "other_model" (embedded with
    other models only), "no_pictures" (a hole inside a video: motion-only recording, a lost disk) or
    "not_recorded" (no video in the gallery). Where several are true, the first of them is given.
    """

    reason: MissingReason


@dataclass(frozen=True, slots=True)
class CameraCoverage:
    """The part of a camera's time that was searched within some filters, and the part that was not.

    Attributes:
        camera_id, name, site: the camera.
        videos: its videos of the model that pass the filters.
        seconds_indexed: how long the union of their intervals is, holes and overlaps counted out.
        intervals: that union, ascending; gaps under a second, as between a recorder's files, are joined.
        missing: the gaps of a second and more, ascending. Where the filters leave an end open, gaps are
            looked for up to the first and the last picture that the camera has under any model.
        tracklets: how many pass the filters.
        videos_without_model: videos that pass the filters but have no embeddings of the model.
    """

    camera_id: int
    name: str
    site: str | None
    videos: int
    seconds_indexed: float
    intervals: Sequence[Interval]
    missing: Sequence[Missing]
    tracklets: int
    videos_without_model: int

    @property
    def first(self) -> datetime | None:
        """Start of the first interval; None when nothing was searched."""
        return self.intervals[0].start if self.intervals else None

    @property
    def last(self) -> datetime | None:
        """End of the last interval; None when nothing was searched."""
        return self.intervals[-1].end if self.intervals else None


@dataclass(frozen=True, slots=True)
class Coverage:
    """The coverage of an answer under some filters: every camera that passes them, by name."""

    cameras: Sequence[CameraCoverage]
