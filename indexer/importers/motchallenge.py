"""Import of MOTChallenge box files with their video."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from gallery import Gallery, VideoInfo, VideoReport
from indexer.clips import Stretch
from indexer.counters import Counters
from indexer.embedding import ClipEmbedder
from indexer.errors import MalformedImport
from indexer.hashing import content_hash
from indexer.importers.boxes import BoxFile, FrameBoxes, read_boxes
from indexer.looking import Look, Source, looking_here
from indexer.names import shown
from indexer.pipeline import IndexReport, index_recording
from indexer.progress import Progress
from indexer.settings import IndexSettings
from indexer.settle import refined
from indexer.stages import Steps
from indexer.track import Tracker, warn_of_slow_frames
from indexer.types import Frame, Recording, Tracked
from models.detector import Detections

DETECTOR: Final = "motchallenge"  # how a report names these imports
NOTHING = FrameBoxes(
    np.zeros((0, 4), dtype=np.float32), np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.int64)
)


def import_boxes(
    gallery: Gallery,
    embedder: ClipEmbedder,
    recording: Recording,
    boxes: Path,
    settings: IndexSettings,
    *,
    progress: Progress | None = None,
) -> IndexReport:
    """Index a recording with the persons that a box file names.

    Boxes with identities are taken as the tracks they are: each identity becomes a tracklet, unless it is
    away for longer than a lost track may be, or longer than a track may last. Boxes without (identity -1) go
    through the tracker, the refinement and the filters like a detector's. All frames are read, whatever their
    rate.

    Other boxes of the recording that were imported before are replaced, with every model's features of them.
    People that a detector found stay until they are erased.

    Raises:
        MalformedImport: the file is not in the format, or names frames that the video does not have.
        UnreadableRecording: nothing can be read of the video.
        Cancelled: `progress` asked for it; nothing was written.
        GalleryError: the gallery refused or could not be reached; nothing was written.
    """
    file, digest = read_boxes(boxes), content_hash(boxes)
    steps = _tracked_steps(file) if file.tracked else _untracked_steps(file, settings)

    def check(recorded: Source[Any]) -> None:
        _check_frames(file, boxes, recorded)
        for note in file.notes:
            recorded.statistics.warn(note)
        if not file.tracked:
            warn_of_slow_frames(recorded.statistics, None)

    def replaces(video: VideoInfo) -> bool:
        imported = video.report.detector == DETECTOR and not video.owned
        return imported and video.report.boxes_hash != digest

    origin = VideoReport(
        detector=DETECTOR, boxes=shown(boxes.name), boxes_hash=digest, lines_ignored=dict(file.ignored)
    )
    how = Look(fps=None, device="cpu", find=lambda frames: _find(file, frames))
    return index_recording(
        gallery,
        embedder,
        recording,
        settings,
        opening=lambda source: looking_here(recording, source, how, settings),
        steps=replace(steps, check=check),
        origin=origin,
        progress=progress,
        replaces=replaces,
    )


def _tracked_steps(file: BoxFile) -> Steps[Frame]:
    def follow(frame: Frame, _: Detections) -> Sequence[Tracked]:
        found = _scaled(file.frames.get(frame.index, NOTHING), frame)
        return [
            Tracked(int(identity), (float(box[0]), float(box[1]), float(box[2]), float(box[3])), float(score))
            for identity, box, score in zip(found.ids, found.boxes, found.scores, strict=True)
        ]

    def keep(stretch: Stretch, counters: Counters) -> Sequence[Stretch]:
        if stretch.samples:
            return [stretch]
        counters.count("never_in_the_picture")
        return []

    return Steps(follow=follow, refine=keep)


def _untracked_steps(file: BoxFile, settings: IndexSettings) -> Steps[Frame]:
    tracker = Tracker(start_score=settings.track_score)
    # Detectors score on scales of their own. Scores outside 0..1 say nothing to the tracker: all count alike.
    comparable = all(
        bool(np.all((found.scores >= 0) & (found.scores <= 1))) for found in file.frames.values()
    )

    def follow(frame: Frame, found: Detections) -> Sequence[Tracked]:
        scores = found.scores if comparable else np.ones_like(found.scores)
        return tracker.update(Detections(found.boxes, scores), frame.time_us)

    return Steps(follow=follow, refine=lambda stretch, counters: refined(stretch, counters, settings))


def _find(file: BoxFile, frames: Sequence[Frame]) -> list[Detections]:
    found = [_scaled(file.frames.get(frame.index, NOTHING), frame) for frame in frames]
    return [Detections(boxes.boxes, boxes.scores) for boxes in found]


def _scaled(found: FrameBoxes, frame: Frame) -> FrameBoxes:
    """Bring boxes from pixels as coded, in which others count, to those of the frame."""
    height, width = frame.image.shape[:2]
    scale = width / frame.coded[0], height / frame.coded[1]
    if scale == (1, 1):
        return found
    return replace(found, boxes=found.boxes * np.array([*scale, *scale], dtype=np.float32))


def _check_frames(file: BoxFile, boxes: Path, recorded: Source[Any]) -> None:
    last, count = max(file.frames, default=-1), recorded.statistics.frames_decoded
    if last >= count:
        raise MalformedImport(
            f"{boxes}: boxes on frame {last + 1}, but {recorded.path.name} has {count} frames"
        )
