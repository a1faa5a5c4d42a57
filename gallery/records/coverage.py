"""What of the cameras' time an answer rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CameraCoverage:
    """What of a camera lies inside some filters: its videos of one model, and the seconds that they cover.

    `first` and `last` are the ends of what is covered, clipped to the filters; None when there is nothing.
    `videos_without_model` counts those that pass the filters but have no embeddings of the model.
    """

    camera_id: int
    name: str
    site: str | None
    videos: int
    seconds_indexed: float
    first: datetime | None
    last: datetime | None
    tracklets: int
    videos_without_model: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """What an answer under some filters rests on: every camera that passes them, by name."""

    cameras: Sequence[CameraCoverage]
