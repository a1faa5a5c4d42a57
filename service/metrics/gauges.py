"""What `/metrics` shows of the gallery and of the machine, read when it is asked for."""

import importlib.metadata
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from gallery import Figures, KindFigures


@dataclass(frozen=True, slots=True)
class Moment:
    """What was found for one scrape.

    Attributes:
        figures: of the gallery; None: its database does not answer.
        snapshot: the change that searches see, its age in seconds and its tracklets; None before the first.
        ready: whether the networks are loaded.
        waiting: requests that wait for a turn, by lane.
        data_dir: of the gallery, for the room on its disk.
    """

    figures: Figures | None
    snapshot: tuple[int, float, int] | None
    ready: bool
    waiting: dict[str, int]
    data_dir: Path


class Gauges(Collector):
    """Makes the gauges of one moment; for a registry that is thrown away afterwards."""

    def __init__(self, moment: Moment) -> None:
        self._moment = moment

    def collect(self) -> Iterator[Metric]:
        """All gauges."""
        yield _gauge("database_up", "Whether the database answers", self._moment.figures is not None)
        yield _gauge("networks_ready", "Whether the networks are loaded", self._moment.ready)
        version = {"version": importlib.metadata.version("sightline")}
        yield InfoMetricFamily("sightline", "The program", value=version)
        yield _labelled(
            "waiting_requests", "Requests that wait for a turn", "lane", dict(self._moment.waiting)
        )
        yield from self._disk()
        if self._moment.figures is not None:
            yield from _gallery(self._moment.figures)
            yield from _jobs(self._moment.figures)
            yield from self._snapshot(self._moment.figures.change)

    def _disk(self) -> Iterator[Metric]:
        try:
            room = shutil.disk_usage(self._moment.data_dir)
        except OSError:
            return  # /readyz says why; a made-up zero would say that it is full
        yield _gauge("disk_free_bytes", "Room on the disk of the data folder", room.free)
        yield _gauge("disk_bytes", "Size of the disk of the data folder", room.total)

    def _snapshot(self, change: int) -> Iterator[Metric]:
        if self._moment.snapshot is None:
            return
        seen, age, tracklets = self._moment.snapshot
        yield _gauge("snapshot_age_seconds", "Since the vectors that searches see were loaded", age)
        yield _gauge(
            "snapshot_changes_behind", "Changes that the next search loads first", max(0, change - seen)
        )
        yield _gauge("snapshot_tracklets", "Tracklets that a search can find", tracklets)


def _gallery(found: Figures) -> Iterator[Metric]:
    yield _gauge("videos", "Indexed videos", found.videos)
    yield _gauge("tracklets", "Tracklets of indexed videos", found.tracklets)
    yield _gauge("probes", "Probes that are kept", found.probes)
    yield _gauge("segments", "Segments; many small ones are worth compacting", found.segments)
    vectors = {"tracklets": found.tracklet_vectors, "clips": found.clip_vectors}
    yield _labelled("vectors", "Vectors on the disk, of all models, erased ones too", "of", vectors)
    yield _gauge("workers", "Workers that hold a recording", found.workers)


def _jobs(found: Figures) -> Iterator[Metric]:
    states = GaugeMetricFamily(
        "sightline_recordings", "Recordings of jobs, by kind of job and state", labels=["kind", "state"]
    )
    for kind, of_kind in found.jobs.items():
        for state, count in of_kind.states.items():
            states.add_metric([kind.value, state], count)
    yield states
    columns: tuple[tuple[str, str, Callable[[KindFigures], float]], ...] = (
        (
            "queue_oldest_seconds",
            "Since the oldest recording that waits was filed",
            lambda one: one.oldest_queued_seconds,
        ),
        (
            "running_oldest_seconds",
            "Since the oldest recording that is worked on was begun",
            lambda one: one.oldest_running_seconds,
        ),
        (
            "running_progress",
            "Mean progress, 0 to 1, of the recordings that are worked on",
            lambda one: one.progress,
        ),
        ("recordings_overdue", "Recordings whose worker is silent", lambda one: one.overdue),
    )
    for name, said, value in columns:
        values = {kind.value: float(value(of_kind)) for kind, of_kind in found.jobs.items()}
        yield _labelled(name, said, "kind", values)


def _gauge(name: str, said: str, value: float) -> Metric:
    return GaugeMetricFamily(f"sightline_{name}", said, value=float(value))


def _labelled(name: str, said: str, label: str, values: dict[str, int] | dict[str, float]) -> Metric:
    family = GaugeMetricFamily(f"sightline_{name}", said, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
