"""Recordings in, gallery rows out."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from gallery import (
    EXPECTED_SECONDS,
    AlreadyIndexed,
    Completion,
    Gallery,
    ModelInfo,
    NewTracklet,
    NewVideo,
    ObjectsUnavailable,
    ObjectUnusable,
    VideoInfo,
    VideoReport,
    VideoWriter,
)
from indexer.counters import Counters, left_out_line
from indexer.decode import Statistics
from indexer.embedding import ClipEmbedder, Settled
from indexer.errors import UnreadableRecording
from indexer.estimate import UNFINISHED, Estimate
from indexer.flow import Flow
from indexer.looking import F, Source, in_order, look_with, looking_here
from indexer.names import shown
from indexer.numbering import by_appearance
from indexer.opened import OpenedFile, opened_file
from indexer.progress import Progress, Silent
from indexer.settings import IndexSettings
from indexer.settle import refined
from indexer.stages import Stages, Steps
from indexer.track import Tracker, warn_of_slow_frames
from indexer.types import Recording, Tracked
from models.detector import Detections, Detector

CHANGES: Final = ", changes"  # of a detector that looked only at what had changed
Complete = Callable[[VideoReport], Completion]


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What became of a recording.

    `already`: the gallery had it, and nothing was done, but that its new place was recorded if it `moved`.
    `counters` are numbers of the whole run as in the video's report; `stage_seconds` how long each stage
    worked, waiting for others not counted.
    """

    video: VideoInfo
    already: bool
    warnings: Sequence[str]
    counters: Mapping[str, int]
    stage_seconds: Mapping[str, float] = field(default_factory=dict)
    moved: bool = False

    def summary(self) -> str:
        """Return what was done, left out and noticed, in one line."""
        left_out = left_out_line(self.video.report.reasons)
        return "; ".join(["indexed", *([left_out] if left_out else []), *self.warnings])


def index_video(
    gallery: Gallery,
    embedder: ClipEmbedder,
    detector: Detector,
    recording: Recording,
    settings: IndexSettings,
    *,
    progress: Progress | None = None,
    complete: Complete | None = None,
    replaces: Callable[[VideoInfo], bool] = lambda _: False,
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
        replaces: says whether what the gallery has of the recording is replaced.

    Raises:
        UnreadableRecording: nothing can be read of the file, or it changed meanwhile.
        Cancelled: `progress` asked for it; nothing was written.
        GalleryError: the gallery refused or could not be reached; nothing was written.
    """
    how = look_with(detector, settings)
    return index_recording(
        gallery,
        embedder,
        recording,
        settings,
        opening=lambda source: looking_here(recording, source, how, settings),
        steps=tracking(settings),
        origin=made_by(detector.name, settings, in_order(detector, settings) is not None),
        progress=progress,
        complete=complete,
        replaces=replaces,
    )


def tracking(settings: IndexSettings) -> Steps[F]:
    """What becomes of the persons that a detector finds on the frames of a recording."""
    tracker = Tracker(start_score=settings.track_score)

    def follow(frame: F, detections: Detections) -> Sequence[Tracked]:
        return tracker.update(detections, frame.time_us)

    return Steps(
        follow=follow,
        refine=lambda stretch, counters: refined(stretch, counters, settings),
        check=lambda recorded: warn_of_slow_frames(recorded.statistics, settings.detect_fps),
    )


def made_by(detector: str, settings: IndexSettings, changes: bool) -> VideoReport:
    """The report's beginning; `changes`: the detector looked only at what had changed."""
    name = detector + (CHANGES if changes else "")
    return VideoReport(detector=name, detect_fps=settings.detect_fps, embed_fps=settings.embed_fps)


def index_recording(
    gallery: Gallery,
    embedder: ClipEmbedder,
    recording: Recording,
    settings: IndexSettings,
    *,
    opening: Callable[[Path], AbstractContextManager[Source[F]]],
    steps: Steps[F],
    origin: VideoReport,
    progress: Progress | None = None,
    complete: Complete | None = None,
    replaces: Callable[[VideoInfo], bool] = lambda _: False,
) -> IndexReport:
    """Like `index_video`, with boxes from anywhere: `opening` opens the recording, by a path that leads to
    the very file that was hashed, and finds them, `steps` says what becomes of them, `origin` begins the
    report.

    `replaces` says whether what the gallery has of the recording goes once the new is complete.
    """
    progress = progress or Silent()
    progress.update("hash", 0.0, {})
    with opened_file(recording.path) as file:
        file.require_as_filed(recording.filed)
        known = gallery.catalogue.is_indexed(file.digest, embedder.id)
        old = gallery.catalogue.find_video(file.digest)
        replaced = old is not None and replaces(old)
        if known is not None and not replaced:
            return already_indexed(known, _followed(gallery, known, recording, file.status))
        return _index_opened(
            gallery,
            embedder,
            recording,
            settings,
            file=file,
            opening=opening,
            steps=steps,
            origin=origin,
            progress=progress,
            complete=complete,
            replaced=replaced,
        )


def _index_opened(
    gallery: Gallery,
    embedder: ClipEmbedder,
    recording: Recording,
    settings: IndexSettings,
    *,
    file: OpenedFile,
    opening: Callable[[Path], AbstractContextManager[Source[F]]],
    steps: Steps[F],
    origin: VideoReport,
    progress: Progress,
    complete: Complete | None,
    replaced: bool,
) -> IndexReport:
    """Index a file that the gallery has not, or that is `replaced`."""
    flow = Flow()
    with (
        opening(file.source) as recorded,
        gallery.writer(file.digest, model_info(embedder)) as writer,
    ):
        with flow:
            stages = Stages(flow, recorded, steps, embedder, settings)
            store(writer, _watch(stages, recorded, flow, progress), flow)
        steps.check(recorded)
        statistics, counters = recorded.statistics, stages.counters
        if replaced:
            statistics.warn("what was recorded of it before was replaced")
        if counters.tracklets == 0:
            statistics.warn("nobody was found, though the recording has frames")
        file.require_unchanged(file.digest)
        _require_same_object(gallery, recording)
        progress.update("commit", UNFINISHED, counters.numbers(statistics))
        origin = replace(origin, track=recorded.track)
        video = new_video(recording, file.digest, file.status, statistics, counters, origin)
        try:
            with flow.clock("store"):
                completion = complete and complete(video.report)
                info = writer.commit(video, completion, replace=replaced)
        except AlreadyIndexed as error:
            return already_indexed(gallery.catalogue.video(error.video_id))
    return IndexReport(info, False, statistics.warnings, counters.numbers(statistics), dict(flow.seconds))


def store(writer: VideoWriter, messages: Iterable[Settled[NewTracklet]], flow: Flow) -> None:
    """Add a stream of tracklets to the writer in order of appearance, as stage "store"."""
    for tracklet in by_appearance(messages):
        with flow.clock("store"):
            writer.add(tracklet)


def already_indexed(video: VideoInfo, now: VideoInfo | None = None) -> IndexReport:
    """The report on a recording that the gallery has; `now` is its record after it was found elsewhere."""
    now = now or video
    said = f"{video.file_name} is indexed already, as video {video.id}"
    moved = now.path != video.path
    return IndexReport(now, True, [said + ("; its new place is recorded" if moved else "")], {}, moved=moved)


def _followed(gallery: Gallery, known: VideoInfo, recording: Recording, status: os.stat_result) -> VideoInfo:
    """Record where a known recording lies, if it moved there; a copy of one that is still there is none."""
    path, stamp = recording.place, recording.stamp_of(status)
    if known.owned or recording.owned or (known.path, known.stamp) == (path, stamp):
        return known
    if known.path != path and _is_there(gallery, known):
        return known
    return gallery.correct_video(known.id, path=path, stamp=stamp)


def _is_there(gallery: Gallery, video: VideoInfo) -> bool:
    try:
        return gallery.places.is_there(video.path, video.size_bytes)
    except ObjectsUnavailable:
        return True  # for all that is known


def _watch(
    stages: Stages[F], recorded: Source[F], flow: Flow, progress: Progress
) -> Iterator[Settled[NewTracklet]]:
    """Pass results on and tell `progress`, also while nothing comes."""
    expected_us = recorded.expected_duration_us or 0
    known = {EXPECTED_SECONDS: round(expected_us / 1e6)} if expected_us > 0 else {}
    estimate = Estimate(expected_us)
    for message in stages.results():
        done = estimate.fraction(stages.counters, flow.seconds)
        progress.update("index", done, {**known, **stages.counters.numbers(recorded.statistics)})
        if message is not None:
            yield message


def new_video(  # noqa: PLR0917  (the parts of a row)
    recording: Recording,
    digest: str,
    status: os.stat_result,
    statistics: Statistics,
    counters: Counters,
    origin: VideoReport,
) -> NewVideo:
    """The video's row; nothing in it depends on when or how fast it was indexed."""
    report = replace(
        origin,
        frames_detected=counters.frames_detected,
        detections=counters.detections,
        tracks=counters.tracks,
        clips=counters.clips,
        reasons=counters.reasons,
        warnings=statistics.warnings,
    )
    return NewVideo(
        content_hash=digest,
        camera_id=recording.camera_id,
        file_name=recording.file_name,
        path=recording.place,
        owned=recording.owned,
        size_bytes=status.st_size,
        start_time=recording.start_time,
        duration_us=statistics.duration_us,
        width=statistics.width,
        height=statistics.height,
        frames_decoded=statistics.frames_decoded,
        frames_bad=statistics.frames_bad,
        report=report,
        intervals=statistics.intervals,
        stamp=recording.stamp_of(status),
    )


def file_status(path: Path) -> os.stat_result:
    """What the file system says of a recording. Raises UnreadableRecording: there is no such file."""
    try:
        return path.stat()
    except OSError as error:
        raise UnreadableRecording(f"{shown(path)}: {error.strerror}") from error


def _require_same_object(gallery: Gallery, recording: Recording) -> None:
    """Make sure that an object is still the one that was copied. Raises UnreadableRecording."""
    if recording.url is None:
        return
    name = shown(recording.path.name)
    try:
        now = gallery.places.seen(recording.url)
    except ObjectUnusable as error:
        raise UnreadableRecording(f"{name}: {error}") from error
    except ObjectsUnavailable:
        return  # who plays it compares it
    if now is not None and now.stamp != recording.stamp:
        raise UnreadableRecording(f"{name}: the object was replaced while it was read")


def model_info(embedder: ClipEmbedder) -> ModelInfo:
    """The gallery's record of the model."""
    return ModelInfo(embedder.id, embedder.name, embedder.dimension, embedder.card)
