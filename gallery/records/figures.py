"""How large a gallery is, and how its work goes on: numbers only, without an id or a name."""

from collections.abc import Mapping
from dataclasses import dataclass

from gallery.records.jobs import JobKind


@dataclass(frozen=True, slots=True)
class KindFigures:
    """The recordings of all jobs of one kind.

    Attributes:
        states: how many are queued, running, succeeded, skipped, failed and cancelled.
        oldest_queued_seconds: since the oldest that waits was filed; 0 if none waits.
        oldest_running_seconds: since the oldest that is worked on was begun; 0 if there is none.
        progress: 0..1, the mean of those that are worked on; 0 if there is none.
        overdue: those whose worker has let its lease run out.
    """

    states: Mapping[str, int]
    oldest_queued_seconds: float
    oldest_running_seconds: float
    progress: float
    overdue: int


@dataclass(frozen=True, slots=True)
class Figures:
    """The gallery at one moment.

    Attributes:
        change: the change sequence.
        videos, tracklets, probes, segments: how many there are.
        tracklet_vectors, clip_vectors: vectors on the disk, of all models, erased ones too until compaction.
        workers: those that hold a lease.
        jobs: by kind.
    """

    change: int
    videos: int
    tracklets: int
    probes: int
    segments: int
    tracklet_vectors: int
    clip_vectors: int
    workers: int
    jobs: Mapping[JobKind, KindFigures]
