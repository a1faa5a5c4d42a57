"""Tracklets that the gallery holds, with crops of them: which are asked for, and which are kept."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from gallery import Catalogue, TrackletInfo
from indexer.clips import Sample
from indexer.thumbnails import goodness
from models.preprocessing import Preprocessing

CROPS: Final = "crops"  # how a report names the detector of imported folders of crops
_PAGE: Final = 100  # tracklets with their boxes in memory


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """A tracklet of the gallery, with its boxes, and crops of it in order of time."""

    tracklet: TrackletInfo
    samples: Sequence[Sample]


class Collector(Protocol):
    """Decides which crops of one tracklet are kept."""

    def add(self, taken: Sample) -> None:
        """Look at the next crop."""

    def samples(self) -> Sequence[Sample]:
        """The crops that are kept, in order of time."""


class Everything:
    """Keeps every crop."""

    def __init__(self, _tracklet: TrackletInfo) -> None:
        self._samples: list[Sample] = []

    def add(self, taken: Sample) -> None:
        """See Collector."""
        self._samples.append(taken)

    def samples(self) -> Sequence[Sample]:
        """See Collector."""
        return self._samples


class Best:
    """Keeps at most `most` crops: the one that shows most of each of so many stretches of the tracklet."""

    def __init__(self, tracklet: TrackletInfo, most: int) -> None:
        assert tracklet.boxes is not None
        self._heights = tracklet.boxes["h"]
        self._most = most
        self._kept: dict[int, tuple[float, Sample]] = {}

    def add(self, taken: Sample) -> None:
        """See Collector."""
        stretch = taken.box * self._most // len(self._heights)
        shows = goodness(float(self._heights[taken.box]), taken.sharpness, taken.at_border)
        if stretch not in self._kept or shows > self._kept[stretch][0]:
            self._kept[stretch] = shows, taken

    def samples(self) -> Sequence[Sample]:
        """See Collector."""
        return [taken for _, (_, taken) in sorted(self._kept.items())]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is read of a video.

    Attributes:
        preprocessing: crops are kept at no more than its size.
        collect: makes the collector of a tracklet.
        wanted: ids of the tracklets; None for all. Nothing after the last of them is decoded.
        seen: told how far into the video everything has been read, in µs; what it raises ends the reading.
    """

    preprocessing: Preprocessing
    collect: Callable[[TrackletInfo], Collector] = Everything
    wanted: frozenset[str] | None = None
    seen: Callable[[int], None] = lambda _: None


def tracklets_of(
    catalogue: Catalogue, video_id: str, wanted: Collection[str] | None = None
) -> Iterator[TrackletInfo]:
    """Yield the tracklets of a video by number, with their boxes; only a page of them is in memory."""
    after = -1
    while page := catalogue.tracklets_of(video_id, after=after, limit=_PAGE, with_boxes=True):
        yield from (tracklet for tracklet in page if wanted is None or tracklet.id in wanted)
        after = page[-1].number
