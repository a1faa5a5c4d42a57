"""Searches in a snapshot: what may be found, and what was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Filters:
    """What may be in an answer. None means no restriction; an empty set means nothing.

    A tracklet passes the time filter when it overlaps [start, end).
    """

    camera_ids: frozenset[int] | None = None
    video_ids: frozenset[str] | None = None
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """One ranked tracklet: cosine of probe and tracklet, and the clip that is nearest to the probe."""

    tracklet_id: str
    score: float
    clip_number: int
    clip_score: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """An answer of one snapshot: hits best first, how many tracklets were compared, and how exactly."""

    hits: Sequence[Hit]
    compared: int
    change: int
    exact: bool = True
