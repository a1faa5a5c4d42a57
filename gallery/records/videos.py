"""Videos as they are stored and recorded, and the models that embedded them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypedDict


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The model that made the vectors; `id` is the SHA-256 of its weights."""

    id: str
    name: str
    dimension: int
    card: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoReport:
    """The indexer's report on a recording; every number is of the whole recording.

    Attributes:
        detector: which detector found the people, or how they were imported.
        detect_fps: frames a second that were looked at; None for all.
        embed_fps: crops a second that were embedded; None for all.
        track: number of the video stream in the file that was read; None where nobody noted it: the first.
        boxes: name of the imported file of boxes.
        boxes_hash: SHA-256 of that file's content.
        lines_ignored: why lines of that file were left out, and how many.
        frames_detected, detections, tracks, clips: how many there were.
        reasons: why people were dropped, trimmed or split, and how often.
        warnings: what its owner should know, a sentence each.
    """

    detector: str
    detect_fps: float | None = None
    embed_fps: float | None = None
    track: int | None = None
    boxes: str | None = None
    boxes_hash: str | None = None
    lines_ignored: Mapping[str, int] = field(default_factory=dict)
    frames_detected: int = 0
    detections: int = 0
    tracks: int = 0
    clips: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    warnings: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class FileStamp:
    """Time stamps and inode of a file: if any of them differs, the content may differ."""

    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> "FileStamp":
        """Take it from a file's status; 63 bits of the inode number, as both databases have no more."""
        return cls(status.st_mtime_ns, status.st_ctime_ns, status.st_ino & (2**63 - 1))


@dataclass(frozen=True, slots=True)
class NewVideo:
    """A recording to store, known in full only when it has been read to its end.

    `intervals` are the stretches that have pictures, (start, end) in µs since the first frame, ascending and
    apart, within 0 and `duration_us`; None: no holes. `stamp` is the file's when its content was hashed.
    """

    content_hash: str
    camera_id: int
    file_name: str
    path: str
    owned: bool
    size_bytes: int
    start_time: datetime
    duration_us: int
    width: int
    height: int
    frames_decoded: int
    frames_bad: int
    report: VideoReport
    intervals: Sequence[tuple[int, int]] | None = None
    stamp: FileStamp | None = None


class VideoChanges(TypedDict, total=False):
    """Corrections to a video: only the given keys change.

    start_time: the time of its first frame.
    camera_id: the camera that recorded it.
    path: where the recording is now; the caller has compared its content.
    file_name: what people call it.
    stamp: what the file system says of the file at `path`.
    """

    start_time: datetime
    camera_id: int
    path: str
    file_name: str
    stamp: FileStamp | None


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """A video as recorded; `tracklet_count` over all its tracklets, `stamp` None where it is not known."""

    id: str
    content_hash: str
    camera_id: int
    file_name: str
    path: str
    owned: bool
    size_bytes: int
    start_time: datetime
    end_time: datetime
    duration_us: int
    width: int
    height: int
    frames_decoded: int
    frames_bad: int
    report: VideoReport
    indexed_at: datetime
    tracklet_count: int
    stamp: FileStamp | None
