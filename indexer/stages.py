"""The stages from frames to embedded tracklets, each in a thread of its own.

decode -> detect -> track (with crops, refinement, filters and clips) -> embed -> the caller, who iterates
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gallery import NewTracklet
from indexer.active import ActiveTracks
from indexer.clips import Stretch, cut
from indexer.counters import Counters
from indexer.embedding import ClipEmbedder, Settled, embed_in, new_tracklet
from indexer.flow import Flow, Pipe
from indexer.sandbox import Sandboxed
from indexer.settings import IndexSettings
from indexer.track import LOST_SECONDS
from indexer.types import Frame, Tracked
from models.detector import Detections

POLL_SECONDS = 0.25  # how soon a cancellation is noticed while nothing comes


@dataclass(frozen=True, slots=True)
class Steps:
    """What differs between indexing a recording and importing boxes for one.

    `fps`: frames a second to read, None for all. `device`: where `find` computes. `find`: persons on some
    frames, which follow each other. `together`: how many frames like this one `find` is given, None for what
    the settings say. `follow`: a frame's persons with their tracks. `refine`: what an ended track becomes.
    `check`: called when all has been read; what it raises keeps the recording out of the gallery.
    """

    fps: float | None
    device: str
    find: Callable[[Sequence[Frame]], Sequence[Detections]]
    follow: Callable[[Frame, Detections], Sequence[Tracked]]
    refine: Callable[[Stretch, Counters], Sequence[Stretch]]
    check: Callable[[Sandboxed], None] = lambda _: None
    together: Callable[[Frame], int] | None = None


class Stages:
    """The stages of one recording.

    Args:
        flow: runs them.
        recorded: the open recording.
        steps: what they do.
        embedder: the network.
        settings: batches and bounds.
    """

    def __init__(
        self, flow: Flow, recorded: Sandboxed, steps: Steps, embedder: ClipEmbedder, settings: IndexSettings
    ) -> None:
        self.counters = Counters()
        self._flow, self._recorded, self._steps = flow, recorded, steps
        self._embedder, self._settings = embedder, settings
        self._frames: Pipe[Frame] = flow.pipe(
            settings.queue_frames, bytes_of=lambda frame: frame.image.nbytes, most_bytes=settings.queue_bytes
        )
        self._found: Pipe[tuple[Frame, Detections]] = flow.pipe(
            settings.queue_frames,
            bytes_of=lambda found: found[0].image.nbytes,
            most_bytes=settings.queue_bytes,
        )
        self._settled: Pipe[Settled[Stretch]] = flow.pipe(settings.queue_tracks)
        self._embedded: Pipe[Settled[NewTracklet]] = flow.pipe(settings.queue_tracks)
        flow.stage("decode", self._decode, out=self._frames)
        flow.stage("detect", self._detect, out=self._found)
        flow.stage("track", self._track, out=self._settled)
        flow.stage("embed", self._embed, out=self._embedded)

    def results(self) -> Iterator[Settled[NewTracklet] | None]:
        """Yield the embedded tracks in order, and None from time to time while there are none."""
        return self._embedded.poll(POLL_SECONDS)

    def _decode(self) -> None:
        for frame in self._recorded.frames(fps=self._steps.fps):
            self._frames.put(frame)

    def _detect(self) -> None:
        def find(frames: Sequence[Frame]) -> Sequence[tuple[Frame, Detections]]:
            return list(zip(frames, self._steps.find(frames), strict=True))

        device = self._steps.device
        size = self._settings.detect_batch_on(device)
        batches = _batches(self._frames, self._steps.together or (lambda _: size))
        for found in self._flow.side_by_side("detect", find, batches, self._settings.workers_on(device)):
            for frame, detections in found:
                self.counters.frames_detected += 1
                self.counters.detections += len(detections.scores)
                self._found.put((frame, detections))

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


def _batches(frames: Pipe[Frame], together: Callable[[Frame], int]) -> Iterator[list[Frame]]:
    batch: list[Frame] = []
    for frame in frames:
        batch.append(frame)
        if len(batch) >= together(batch[0]):
            yield batch
            batch = []
    if batch:
        yield batch
