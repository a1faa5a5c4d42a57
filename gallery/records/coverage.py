"""The time of each camera that an answer covers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

FiledState = Literal["being_indexed", "waiting", "failed"]
MissingReason = Literal["damaged", "other_model", FiledState, "no_pictures", "not_recorded"]


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
    other models only), "being_indexed", "waiting" or "failed" (a recording of it was filed), "no_pictures" (a
    hole inside a video: motion-only recording, a lost disk) or "not_recorded" (no video in the gallery, none
    filed). Where several are true, the first of them is given; a recording whose length is known comes before
    all holes, one of unknown length after them.

    `at_most`: how long that filed recording is, nobody knows yet; it may cover less than the stretch, which
    ends where the camera's next recording begins.
    """

    reason: MissingReason
    at_most: bool = False


@dataclass(frozen=True, slots=True)
class Unindexed:
    """A recording that was filed and is not in the gallery: no search can find what it shows.

    Attributes:
        file_name: as it was filed.
        start: when it begins.
        end: when it ends: by its header, where `exact`, else at the latest: when the camera's next recording
            begins. None where nothing is known.
        exact: whether a worker has read how long it is.
        state: what has become of it so far.
        reason: why it failed.
        progress: of its indexing, 0 to 1.
    """

    file_name: str
    start: datetime
    end: datetime | None
    exact: bool
    state: FiledState
    reason: str | None
    progress: float


@dataclass(frozen=True, slots=True)
class CameraCoverage:
    """The part of a camera's time that was searched within some filters, and the part that was not.

    Attributes:
        camera_id, name, site, time_zone: the camera.
        videos: its videos of the model that pass the filters.
        seconds_indexed: how long the union of their intervals is, holes and overlaps counted out.
        intervals: that union, ascending; gaps under a second, as between a recorder's files, are joined.
        missing: the gaps of a second and more, ascending. Where the filters leave an end open, gaps are
            looked for up to the first and the last picture that the camera has under any model, or is known
            to have in a filed recording.
        unindexed: the filed recordings that pass the filters as far as is known, by their start.
        tracklets: how many pass the filters.
        videos_without_model: videos that pass the filters but have no embeddings of the model.
    """

    camera_id: int
    name: str
    site: str | None
    time_zone: str
    videos: int
    seconds_indexed: float
    intervals: Sequence[Interval]
    missing: Sequence[Missing]
    unindexed: Sequence[Unindexed]
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
