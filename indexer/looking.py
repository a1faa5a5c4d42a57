"""The first stages: frames of a recording with the persons on each, found on this machine."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from indexer.counters import Counters
from indexer.decode import Statistics
from indexer.flow import Flow, Pipe
from indexer.sampling import CutFrame
from indexer.sandbox import Sandboxed, open_sandboxed
from indexer.settings import IndexSettings
from indexer.types import Frame, Recording, Share
from models.detector import ConsecutiveDetector, Detections, Detector

F = TypeVar("F", Frame, CutFrame)


class Source(Protocol[F]):
    """An open recording, and what finds the persons on its frames.

    Attributes are as in `indexer.decode.OpenRecording`; `statistics` are of what has been looked at.
    """

    @property
    def path(self) -> Path:
        """The file."""

    @property
    def statistics(self) -> Statistics:
        """What has been read so far."""

    @property
    def track(self) -> int:
        """Number of the video track that is read."""

    @property
    def expected_duration_us(self) -> int | None:
        """What the header says."""

    def look(self, flow: Flow, counters: Counters) -> Pipe[tuple[F, Detections]]:
        """Start the stages that fill the pipe, in order of time; once."""


@dataclass(frozen=True, slots=True)
class Look:
    """How the persons on frames are found.

    `fps`: frames a second to read, None for all. `device`: where `find` computes. `find`: persons on some
    frames, which follow each other. `together`: how many frames like this one `find` is given, None for what
    the settings say.
    """

    fps: float | None
    device: str
    find: Callable[[Sequence[Frame]], Sequence[Detections]]
    together: Callable[[Frame], int] | None = None


def look_with(detector: Detector, settings: IndexSettings) -> Look:
    """How a detector is used: on a CPU one that can looks only at what changes."""
    changing = in_order(detector, settings)
    find = changing.detect_consecutive if changing else detector.detect
    return Look(
        fps=settings.detect_fps,
        device=detector.device,
        find=lambda frames: find([frame.image for frame in frames]),
        together=(lambda frame: settings.consecutive_frames(frame.image.nbytes)) if changing else None,
    )


def in_order(detector: Detector, settings: IndexSettings) -> ConsecutiveDetector | None:
    """The detector, if it is to look only at what changes: a GPU is faster with whole frames together."""
    if settings.detect_changes and isinstance(detector, ConsecutiveDetector) and detector.device == "cpu":
        return detector
    return None


class Looking:
    """Looks at an open recording, or at a share of it, in two stages.

    Args:
        recorded: the open recording.
        how: persons are found.
        settings: batches and bounds.
        share: of the frames; None for all.
    """

    def __init__(
        self, recorded: Sandboxed, how: Look, settings: IndexSettings, share: Share | None = None
    ) -> None:
        self.path, self.statistics, self.track = recorded.path, recorded.statistics, recorded.track
        self.expected_duration_us = recorded.expected_duration_us
        self._recorded, self._how, self._settings, self._share = recorded, how, settings, share

    def look(self, flow: Flow, counters: Counters) -> Pipe[tuple[Frame, Detections]]:
        """See Source."""
        most = self._settings.queue_bytes
        frames: Pipe[Frame] = flow.pipe(
            self._settings.queue_frames, bytes_of=lambda frame: frame.image.nbytes, most_bytes=most
        )
        found: Pipe[tuple[Frame, Detections]] = flow.pipe(
            self._settings.queue_frames, bytes_of=lambda found: found[0].image.nbytes, most_bytes=most
        )

        def decode() -> None:
            for frame in self._recorded.frames(fps=self._how.fps, share=self._share):
                frames.put(frame)

        flow.stage("decode", decode, out=frames)
        flow.stage("detect", lambda: self._detect(flow, counters, frames, found), out=found)
        return found

    def _detect(
        self, flow: Flow, counters: Counters, frames: Pipe[Frame], out: Pipe[tuple[Frame, Detections]]
    ) -> None:
        def find(some: Sequence[Frame]) -> Sequence[tuple[Frame, Detections]]:
            return list(zip(some, self._how.find(some), strict=True))

        device = self._how.device
        size = self._settings.detect_batch_on(device)
        batches = in_runs(frames, self._how.together or (lambda _: size))
        for found in flow.side_by_side("detect", find, batches, self._settings.workers_on(device)):
            for frame, detections in found:
                counters.frames_detected += 1
                counters.detections += len(detections.scores)
                out.put((frame, detections))


def in_runs(frames: Pipe[Frame], together: Callable[[Frame], int]) -> Iterator[list[Frame]]:
    """Frames in lists of as many as `together` says of the first one; the last list may be shorter."""
    batch: list[Frame] = []
    for frame in frames:
        batch.append(frame)
        if len(batch) >= together(batch[0]):
            yield batch
            batch = []
    if batch:
        yield batch


@contextmanager
def looking_here(recording: Recording, source: Path, how: Look, settings: IndexSettings) -> Iterator[Looking]:
    """Open a recording, to be looked at on this machine; `source` leads to its file.

    Raises UnreadableRecording.
    """
    aspect = recording.pixel_aspect
    with open_sandboxed(recording.path, settings, aspect=aspect, source=source) as recorded:
        yield Looking(recorded, how, settings)
