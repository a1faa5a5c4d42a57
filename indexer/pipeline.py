"""Recordings in, gallery rows out."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gallery import (
    AlreadyIndexed,
    Completion,
    Gallery,
    ModelInfo,
    NewTracklet,
    NewVideo,
    VideoInfo,
    VideoWriter,
)
from indexer.counters import Counters
from indexer.decode import Recorded, Statistics, open_recording
from indexer.embedding import ClipEmbedder, Settled
from indexer.errors import UnreadableRecording
from indexer.flow import Flow
from indexer.hashing import content_hash
from indexer.numbering import by_appearance
from indexer.progress import Progress, Silent
from indexer.settings import IndexSettings
from indexer.settle import refined
from indexer.stages import Stages, Steps
from indexer.track import Tracker
from indexer.types import Recording
from models.detector import Detector

Complete = Callable[[Mapping[str, Any]], Completion]


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What became of a recording.

    `already`: the gallery had it, and nothing was done. `counters` are numbers of the whole run as in the
    video's report; `stage_seconds` how long each stage worked, waiting for others not counted.
    """

    video: VideoInfo
    already: bool
    warnings: Sequence[str]
    counters: Mapping[str, int]
    stage_seconds: Mapping[str, float] = field(default_factory=dict)


def index_video(
    gallery: Gallery,
    embedder: ClipEmbedder,
    detector: Detector,
    recording: Recording,
    settings: IndexSettings,
    *,
    progress: Progress | None = None,
    complete: Complete | None = None,
) -> IndexReport:
    """Index one recording, unless it is in the gallery already under this model.

    The same file, model and settings give the same rows, vectors and thumbnails on the same machine, bit
    for bit.

    Args:
        gallery: where to.
        embedder: makes the features.
        detector: finds persons.
        recording: the file, its camera and the time of its first frame.
        settings: sampling, filters, bounds.
        progress: is told several times a second and may cancel.
        complete: says, given the video's report, which recording of a job ends in the transaction that makes
            the video visible.

    Raises:
        UnreadableRecording: nothing can be read of the file, or it changed meanwhile.
        Cancelled: `progress` asked for it; nothing was written.
        GalleryError: the gallery refused or could not be reached; nothing was written.
    """
    tracker = Tracker(start_score=settings.track_score)
    steps = Steps(
        fps=settings.detect_fps,
        device=detector.device,
        find=lambda frames: detector.detect([frame.image for frame in frames]),
        follow=lambda frame, detections: tracker.update(detections, frame.time_us),
        refine=lambda stretch, counters: refined(stretch, counters, settings),
    )
    origin = {"detector": detector.name, "detect_fps": settings.detect_fps, "embed_fps": settings.embed_fps}
    return index_recording(
        gallery,
        embedder,
        recording,
        settings,
        steps=steps,
        origin=origin,
        progress=progress,
        complete=complete,
    )


def index_recording(
    gallery: Gallery,
    embedder: ClipEmbedder,
    recording: Recording,
    settings: IndexSettings,
    *,
    steps: Steps,
    origin: Mapping[str, Any],
    progress: Progress | None = None,
    complete: Complete | None = None,
) -> IndexReport:
    """Like `index_video`, with boxes from anywhere: `steps` finds them, `origin` goes into the report."""
    progress = progress or Silent()
    progress.update("hash", 0.0, {})
    state = _file_state(recording.path)
    digest = content_hash(recording.path)
    known = gallery.catalogue.is_indexed(digest, embedder.id)
    if known is not None:
        return already_indexed(known)
    flow = Flow()
    with (
        open_recording(recording.path) as recorded,
        gallery.writer(digest, model_info(embedder)) as writer,
    ):
        with flow:
            stages = Stages(flow, recorded, steps, embedder, settings)
            store(writer, _watch(stages, recorded, progress), flow)
        steps.check(recorded)
        if _file_state(recording.path) != state:
            raise UnreadableRecording(f"{recording.path.name}: the file changed while it was read")
        progress.update("commit", 1.0, stages.counters.numbers(recorded.statistics))
        video = new_video(
            recording,
            digest,
            size_bytes=state[0],
            statistics=recorded.statistics,
            counters=stages.counters,
            origin=origin,
        )
        try:
            with flow.clock("store"):
                info = writer.commit(video, complete and complete(video.report))
        except AlreadyIndexed as error:
            return already_indexed(gallery.catalogue.video(error.video_id))
    warnings = [*recorded.statistics.warnings, *([embedder.warning] if embedder.warning else [])]
    counters = stages.counters.numbers(recorded.statistics)
    return IndexReport(info, False, warnings, counters, dict(flow.seconds))


def store(writer: VideoWriter, messages: Iterable[Settled[NewTracklet]], flow: Flow) -> None:
    """Add a stream of tracklets to the writer in order of appearance, as stage "store"."""
    for tracklet in by_appearance(messages):
        with flow.clock("store"):
            writer.add(tracklet)


def already_indexed(video: VideoInfo) -> IndexReport:
    """The report on a recording that the gallery has."""
    return IndexReport(video, True, [f"{video.file_name} is indexed already, as video {video.id}"], {})


def _watch(stages: Stages, recorded: Recorded, progress: Progress) -> Iterator[Settled[NewTracklet]]:
    """Pass results on and tell `progress`, also while nothing comes."""
    expected = recorded.expected_duration_us or 0
    for message in stages.results():
        done = min(1.0, stages.counters.time_us / expected) if expected > 0 else 0.0
        progress.update("index", done, stages.counters.numbers(recorded.statistics))
        if message is not None:
            yield message


def new_video(
    recording: Recording,
    digest: str,
    *,
    size_bytes: int,
    statistics: Statistics,
    counters: Counters,
    origin: Mapping[str, Any],
) -> NewVideo:
    """The video's row; nothing in it depends on when or how fast it was indexed."""
    report = {
        **origin,
        "frames_detected": counters.frames_detected,
        "detections": counters.detections,
        "tracks": counters.tracks,
        "clips": counters.clips,
        "reasons": counters.reasons,
        "warnings": statistics.warnings,
    }
    return NewVideo(
        content_hash=digest,
        camera_id=recording.camera_id,
        file_name=recording.file_name,
        path=str(recording.path.absolute()),
        owned=recording.owned,
        size_bytes=size_bytes,
        start_time=recording.start_time,
        duration_us=statistics.duration_us,
        width=statistics.width,
        height=statistics.height,
        frames_decoded=statistics.frames_decoded,
        frames_bad=statistics.frames_bad,
        report=report,
    )


def _file_state(path: Path) -> tuple[int, int]:
    """Size in bytes and time of the last change."""
    try:
        status = path.stat()
    except OSError as error:
        raise UnreadableRecording(f"{path}: {error.strerror}") from error
    return status.st_size, status.st_mtime_ns


def model_info(embedder: ClipEmbedder) -> ModelInfo:
    """The gallery's record of the model."""
    return ModelInfo(embedder.id, embedder.name, embedder.dimension, embedder.card)
