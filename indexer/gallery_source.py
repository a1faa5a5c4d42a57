"""A gallery as the place that adaptation takes tracklets from."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from gallery import Gallery, TrackletInfo, VideoInfo
from indexer.errors import UnreadableRecording
from indexer.kept import CROPS, Asked, Best, tracklets_of
from indexer.recrop import read_kept
from indexer.settings import IndexSettings
from indexer.verdicts import verdicts_of
from models.adaptation.settings import MOST_CROPS
from models.adaptation.source import Crops, Sighting, Verdicts
from models.preprocessing import Preprocessing

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Range:
    """Which tracklets of a gallery: of some cameras (None: all), seen within a time."""

    camera_ids: frozenset[int] | None = None
    start: datetime | None = None
    end: datetime | None = None

    def holds(self, video: VideoInfo) -> bool:
        """Whether tracklets of a video may be wanted."""
        camera = self.camera_ids is None or video.camera_id in self.camera_ids
        return camera and self._overlaps(video.start_time, video.end_time)

    def wants(self, tracklet: TrackletInfo) -> bool:
        """Whether a tracklet of such a video is wanted: somebody was seen within the time."""
        return self._overlaps(tracklet.start_time, tracklet.end_time)

    def _overlaps(self, start: datetime, end: datetime) -> bool:
        return (self.end is None or start < self.end) and (self.start is None or end >= self.start)


@dataclass(slots=True)
class GallerySource:
    """The tracklets of a gallery; see `models.adaptation.source.Source`.

    A recording is named by its video's id, a tracklet by its own.

    Args:
        gallery: which has them.
        settings: limits of the decoder.
        wanted: which of them.
        preprocessing: of the network that learns: crops are kept at no more than its size.
        marks: whether marks on hits count.
        seen: called while recordings are read; what it raises ends the reading.
    """

    gallery: Gallery
    settings: IndexSettings
    wanted: Range
    preprocessing: Preprocessing
    seen: Callable[[int], None] = lambda _: None
    marks: bool = True

    @property
    def name(self) -> str:
        """See Source: no path and no host, for cards travel."""
        return "the tracklets of a gallery"

    def videos(self) -> Iterator[VideoInfo]:
        """Yield the videos whose tracklets may be wanted, in the order of their ids."""
        after = None
        while page := self.gallery.catalogue.videos(after=after, limit=_PAGE):
            yield from filter(self.wanted.holds, page)
            after = page[-1].id

    def sightings(self) -> Sequence[Sighting]:
        """See Source."""
        names = {camera.id: camera.name for camera in self.gallery.catalogue.cameras()}
        return [
            _sighting(tracklet, video, names[video.camera_id])
            for video in self.videos()
            for tracklet in tracklets_of(self.gallery.catalogue, video.id)
            if self.wanted.wants(tracklet)
        ]

    def verdicts(self) -> Sequence[Verdicts]:
        """See Source: the marks on hits."""
        return verdicts_of(self.gallery) if self.marks else []

    def crops(self, ids: Sequence[str]) -> Iterator[Crops]:
        """See Source: a recording at a time, decoded once."""
        by_video: dict[str, set[str]] = defaultdict(set)
        for tracklet_id in ids:
            by_video[tracklet_id.partition("-")[0]].add(tracklet_id)
        for video in self.videos():
            if left := by_video.pop(video.id, None):
                yield from self._crops_of(video, left)
        for left in by_video.values():
            yield from (Crops(lost, missing="their recording was erased") for lost in sorted(left))

    def _crops_of(self, video: VideoInfo, left: set[str]) -> Iterator[Crops]:
        asked = Asked(
            self.preprocessing, lambda tracklet: Best(tracklet, MOST_CROPS), frozenset(left), self.seen
        )
        reason = "no longer in the gallery"
        try:
            for kept in read_kept(self.gallery, video, self.settings, asked):
                left.discard(kept.tracklet.id)
                crops = [taken.crop for taken in kept.samples]
                missing = None if crops else f"{video.file_name}: no frames at the recorded moments"
                yield Crops(kept.tracklet.id, crops, missing)
        except UnreadableRecording as error:
            reason = str(error)
        yield from (Crops(lost, missing=reason) for lost in sorted(left))


def _sighting(tracklet: TrackletInfo, video: VideoInfo, camera: str) -> Sighting:
    if video.report.detector == CROPS:  # of imported crops the times say nothing
        return Sighting(tracklet.id, camera, video.id)
    boxes = tracklet.boxes
    assert boxes is not None
    left, top = boxes["x"], boxes["y"]
    return Sighting(
        id=tracklet.id,
        camera=camera,
        recording=video.id,
        start=tracklet.start_time.timestamp(),
        end=tracklet.end_time.timestamp(),
        times=boxes["time_us"] // 1000,
        boxes=np.stack([left, top, left + boxes["w"], top + boxes["h"]], axis=1),  # (N, 4)
    )
