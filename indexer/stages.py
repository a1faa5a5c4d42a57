"""The stages from frames to embedded tracklets, each in a thread of its own.

decode -> detect -> track (with crops, refinement, filters and clips) -> embed -> the caller, who iterates
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from gallery import NewTracklet
from indexer.active import ActiveTracks
from indexer.clips import Stretch, cut
from indexer.counters import Counters
from indexer.embedding import ClipEmbedder, Settled, embed_in, new_tracklet
from indexer.flow import Flow, Pipe
from indexer.looking import F, Source
from indexer.settings import IndexSettings
from indexer.track import LOST_SECONDS
from indexer.types import Tracked
from models.detector import Detections

POLL_SECONDS = 0.25  # how soon a cancellation is noticed while nothing comes


@dataclass(frozen=True, slots=True)
class Steps(Generic[F]):
    """What differs between indexing a recording and importing boxes for one, once persons are found.

    `follow`: a frame's persons with their tracks. `refine`: what an ended track becomes. `check`: called when
    all has been read; what it raises keeps the recording out of the gallery.
    """

    follow: Callable[[F, Detections], Sequence[Tracked]]
    refine: Callable[[Stretch, Counters], Sequence[Stretch]]
    check: Callable[[Source[Any]], None] = lambda _: None


class Stages(Generic[F]):
    """The stages of one recording.

    Args:
        flow: runs them.
        source: the open recording, and who finds the persons on it.
        steps: what is done with them.
        embedder: the network.
        settings: batches and bounds.
    """

    def __init__(
        self, flow: Flow, source: Source[F], steps: Steps[F], embedder: ClipEmbedder, settings: IndexSettings
    ) -> None:
        self.counters = Counters()
        self._flow = flow
        self._steps: Steps[F] = steps
        self._embedder, self._settings = embedder, settings
        self._settled: Pipe[Settled[Stretch]] = flow.pipe(settings.queue_tracks)
        self._embedded: Pipe[Settled[NewTracklet]] = flow.pipe(settings.queue_tracks)
        self._found: Pipe[tuple[F, Detections]] = source.look(flow, self.counters)
        flow.stage("track", self._track, out=self._settled)
        flow.stage("embed", self._embed, out=self._embedded)

    def results(self) -> Iterator[Settled[NewTracklet] | None]:
        """Yield the embedded tracks in order, and None from time to time while there are none."""
        return self._embedded.poll(POLL_SECONDS)

    def _track(self) -> None:
        active = ActiveTracks(self._settings, self._embedder.preprocessing, lost_seconds=LOST_SECONDS)
        for frame, detections in self._found:
            ended = active.update(frame, self._steps.follow(frame, detections))
            self.counters.crops_active = active.crops
            if ended:
                self._settle(ended, active.horizon_us)
            self.counters.tracked_us = frame.time_us
            self.counters.tracked_frames += 1
        self._settle(active.finish(), active.horizon_us)
        self.counters.crops_active = 0

    def _settle(self, tracks: Sequence[Stretch], horizon_us: int) -> None:
        tracklets: list[Stretch] = []
        for track in tracks:
            self.counters.tracks += 1
            tracklets += self._steps.refine(track, self.counters)
        self.counters.tracklets += len(tracklets)
        self.counters.crops_due += sum(len(tracklet.samples) for tracklet in tracklets)
        self.counters.clips += sum(-(-len(t.samples) // self._settings.clip_frames) for t in tracklets)
        if tracklets:
            self._settled.put(Settled(tracklets, horizon_us))

    def _embed(self) -> None:
        def count(crops: int) -> None:
            self.counters.crops_embedded += crops

        for done in embed_in(
            self._flow,
            self._settled,
            self._embedder,
            self._settings,
            clips_of=lambda stretch: cut(stretch.samples, self._settings.clip_frames),
            made_of=new_tracklet,
            embedded=count,
        ):
            self._embedded.put(done)
