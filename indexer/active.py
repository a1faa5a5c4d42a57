"""Active tracks: boxes and sampled crops of people who are being followed, until their tracks end.

Memory is bounded by the people in view, never by the length of the file: a crop is kept at no more than the
size the network takes, a track that lasts too long goes on as a new tracklet, and so does the largest one
when all crops together outgrow their budget.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gallery import BOX_DTYPE
from indexer.clips import Sample, Stretch
from indexer.sampling import CutFrame, Slots, sample
from indexer.settings import IndexSettings
from indexer.types import Frame, Tracked
from models.preprocessing import Preprocessing


@dataclass(slots=True)
class ActiveTrack:
    """A track that may go on: a row of boxes a detected frame, and the sampled moments among them.

    `first_frame` and `last_frame` count the frames that were looked at, to the first box and the last.
    """

    rows: list[tuple[int, int, float, float, float, float, float]] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    crop_bytes: int = 0
    first_frame: int = 0
    last_frame: int = 0

    @property
    def start_us(self) -> int:
        """Time of the first box."""
        return self.rows[0][0]

    @property
    def last_us(self) -> int:
        """Time of the last box."""
        return self.rows[-1][0]

    def ended(self) -> Stretch:
        """What the track was, now that it has ended."""
        pace_us = (self.last_us - self.start_us) / max(1, self.last_frame - self.first_frame)
        return Stretch(np.array(self.rows, dtype=BOX_DTYPE), self.samples, pace_us)


class ActiveTracks:
    """Collects what the tracker reports, frame by frame, and hands over tracks that have ended.

    Args:
        settings: sampling and bounds.
        preprocessing: the network's input size.
        lost_seconds: a track not seen for longer has ended.
    """

    def __init__(self, settings: IndexSettings, preprocessing: Preprocessing, *, lost_seconds: float) -> None:
        self._preprocessing = preprocessing
        self._slots = Slots(settings.embed_fps)
        self._longest_us = round(settings.max_track_seconds * 1e6)
        self._budget = settings.max_crop_bytes
        self._lost_us = round(lost_seconds * 1e6)
        self._tracks: dict[int, ActiveTrack] = {}
        self._now_us = -1
        self._frames = 0

    @property
    def crops(self) -> int:
        """How many crops are held."""
        return sum(len(track.samples) for track in self._tracks.values())

    @property
    def crop_bytes(self) -> int:
        """Bytes of all crops that are held."""
        return sum(track.crop_bytes for track in self._tracks.values())

    @property
    def horizon_us(self) -> int:
        """Nothing that is handed over from now on begins before this time."""
        return min((track.start_us for track in self._tracks.values()), default=self._now_us + 1)

    def update(self, frame: Frame | CutFrame, tracked: Sequence[Tracked]) -> list[Stretch]:
        """Take the next frame; return the tracks that have ended, in the order in which they began."""
        self._now_us = frame.time_us
        self._frames += 1
        sampled = self._slots.take(frame.time_us)
        for person in tracked:
            self._continue(frame, person, sampled)
        return self._ended()

    def finish(self) -> list[Stretch]:
        """The file has ended, and so have all tracks."""
        tracks = [track.ended() for track in self._tracks.values()]
        self._tracks.clear()
        return tracks

    def _continue(self, frame: Frame | CutFrame, person: Tracked, sampled: bool) -> None:
        left, top, right, bottom = person.box
        if not (right > left and bottom > top):
            return
        track = self._tracks.setdefault(person.track, ActiveTrack(first_frame=self._frames))
        if sampled:
            taken = sample(frame, person.box, len(track.rows), self._preprocessing)
            if taken is not None:
                track.samples.append(taken)
                track.crop_bytes += taken.crop.nbytes
        track.last_frame = self._frames
        track.rows.append((frame.time_us, frame.index, left, top, right - left, bottom - top, person.score))

    def _ended(self) -> list[Stretch]:
        ended = [
            key
            for key, track in self._tracks.items()
            if self._now_us - track.last_us > self._lost_us
            or track.last_us - track.start_us >= self._longest_us
        ]
        tracks = [self._tracks.pop(key) for key in ended]
        while self.crop_bytes > self._budget:
            largest = max(self._tracks, key=lambda key: self._tracks[key].crop_bytes)
            tracks.append(self._tracks.pop(largest))
        return [track.ended() for track in tracks]
