"""Searches in a snapshot: what may be found, and what was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RankBy(StrEnum):
    """The order of an answer.

    STANDARD_SCORE: the cosine as standardised within its camera (gallery.vectors.levels), so that hits of all
        cameras compare.
    COSINE: the cosine itself, which is higher for everybody in cameras that see like the probe's.
    """

    STANDARD_SCORE = "standard_score"
    COSINE = "cosine"


@dataclass(frozen=True, slots=True)
class Filters:
    """Restrictions on an answer. None means no restriction; an empty set means nothing.

    A tracklet passes the time filter when it overlaps [start, end).
    """

    camera_ids: frozenset[int] | None = None
    video_ids: frozenset[str] | None = None
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """One ranked tracklet and its clip that is nearest to the probe.

    Attributes:
        score: cosine of probe and tracklet.
        standard_score: how many standard deviations above what the probe scores in that camera on average.
        clip_score: cosine of probe and clip.
    """

    tracklet_id: str
    score: float
    standard_score: float
    clip_number: int
    clip_score: float


@dataclass(frozen=True, slots=True)
class DamagedSegment:
    """A segment that cannot be searched: why, and the ids of the videos that are missing for it."""

    segment_id: str
    reason: str
    video_ids: Sequence[str]


@dataclass(frozen=True, slots=True)
class Approximation:
    """What of an answer was not compared one by one.

    Attributes:
        tracklets: how many were looked for in clusters, of which only the nearest were compared.
        recall: the least share of the true best that was found so when the clusters were made, measured with
            the gallery's own vectors.
    """

    tracklets: int
    recall: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """An answer of one snapshot: hits best first, how many tracklets were compared, and how exactly.

    `damaged` segments were left out, whatever the filters: `Catalogue.coverage` says which times they held.
    `approximate`: None where each tracklet was compared.
    """

    hits: Sequence[Hit]
    compared: int
    change: int
    by: RankBy
    damaged: Sequence[DamagedSegment] = ()
    approximate: Approximation | None = None

    @property
    def exact(self) -> bool:
        """Whether the probe was compared with each tracklet."""
        return self.approximate is None
