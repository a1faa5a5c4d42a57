"""What passes through the gallery's door: plain frozen records, no ORM rows.

A row object tied to a session would leak the database into its callers; these are values.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

# One detection of a tracklet: microseconds since the video's first frame, index of the decoded frame, box in
# pixels of the upright (rotated as displayed) picture, detector score.
BOX_DTYPE = np.dtype(
    [
        ("time_us", "<i8"),
        ("frame", "<i4"),
        ("x", "<f4"),
        ("y", "<f4"),
        ("w", "<f4"),
        ("h", "<f4"),
        ("score", "<f4"),
    ]
)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Which model made the vectors: `id` is the SHA-256 of its weights."""

    id: str
    name: str
    dimension: int
    card: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewClip:
    """A clip to store: times in µs inside the video, `feature` (D,) float32, L2-normalised."""

    start_us: int
    end_us: int
    frame_count: int
    feature: FloatArray


@dataclass(frozen=True, slots=True)
class NewTracklet:
    """A tracklet to store.

    `boxes` is a BOX_DTYPE array (at least one row, times ascending); `feature` (D,) float32, L2-normalised,
    the frame-weighted mean of its clips' raw features; `thumbnail` a JPEG strip.
    """

    boxes: NDArray[np.void]
    feature: FloatArray
    clips: Sequence[NewClip]
    quality: Mapping[str, float]
    thumbnail: bytes


@dataclass(frozen=True, slots=True)
class NewVideo:
    """A recording to store, known in full only when it has been read to its end."""

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
    report: Mapping[str, Any]


class CameraSettings(TypedDict, total=False):
    """What can be said about a camera besides its name; what is left out gets its default.

    site: where it belongs.
    time_zone: IANA name, for showing local time; recorded times are UTC. Default UTC.
    latitude, longitude: degrees north and east, both or neither.
    detector_input: long side of the detector's input in pixels; None for the detector's default.
    pixel_aspect: width / height of one coded pixel, for recordings that do not say it; None for square ones.
    """

    site: str | None
    time_zone: str
    latitude: float | None
    longitude: float | None
    detector_input: int | None
    pixel_aspect: float | None


class CameraChanges(CameraSettings, total=False):
    """What can be changed of a camera: the keys that are given."""

    name: str


@dataclass(frozen=True, slots=True)
class CameraInfo:
    """A camera as recorded; see CameraSettings."""

    id: int
    name: str
    site: str | None
    time_zone: str
    latitude: float | None
    longitude: float | None
    detector_input: int | None
    pixel_aspect: float | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """A video as recorded; `tracklet_count` over all its tracklets."""

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
    report: Mapping[str, Any]
    indexed_at: datetime
    tracklet_count: int


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """A clip as recorded, times in µs inside its video."""

    number: int
    start_us: int
    end_us: int
    frame_count: int


@dataclass(frozen=True, slots=True)
class TrackletInfo:
    """A tracklet as recorded. `boxes` is None unless asked for."""

    id: str
    video_id: str
    camera_id: int
    number: int
    start_us: int
    end_us: int
    start_time: datetime
    end_time: datetime
    frame_count: int
    quality: Mapping[str, float]
    clips: Sequence[ClipInfo] = ()
    boxes: NDArray[np.void] | None = None


@dataclass(frozen=True, slots=True)
class Filters:
    """What may be in an answer. None means no restriction; an empty set means nothing.

    A tracklet passes the time filter when it overlaps [start, end).
    """

    camera_ids: frozenset[int] | None = None
    video_ids: frozenset[str] | None = None
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class CameraCoverage:
    """What of a camera lies inside some filters: its videos of one model, and the seconds that they cover.

    `first` and `last` are the ends of what is covered, clipped to the filters; None when there is nothing.
    `videos_without_model` counts those that pass the filters but have no embeddings of the model.
    """

    camera_id: int
    name: str
    site: str | None
    videos: int
    seconds_indexed: float
    first: datetime | None
    last: datetime | None
    tracklets: int
    videos_without_model: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """What an answer under some filters rests on: every camera that passes them, by name."""

    cameras: Sequence[CameraCoverage]


@dataclass(frozen=True, slots=True)
class Hit:
    """One ranked tracklet: cosine of probe and tracklet, and the clip that is nearest to the probe."""

    tracklet_id: str
    score: float
    clip_number: int
    clip_score: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """An answer of one snapshot: hits best first, how many tracklets were compared, and how exactly."""

    hits: Sequence[Hit]
    compared: int
    change: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class NewRecording:
    """One recording of a job to file."""

    camera_id: int
    path: str
    file_name: str
    owned: bool
    start_time: datetime


@dataclass(frozen=True, slots=True)
class RecordingInfo:
    """One recording of a job, as it stands."""

    id: str
    number: int
    camera_id: int
    path: str
    file_name: str
    owned: bool
    start_time: datetime
    state: str
    reason: str | None
    video_id: str | None
    attempts: int
    worker: str | None
    stage: str | None
    progress: float
    counters: Mapping[str, Any]
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class JobInfo:
    """A job: state is queued, running, succeeded, failed, cancelled or partial.

    `progress` is 0..1 over its recordings; `eta_seconds` is None until something has been measured.
    """

    id: str
    key_id: str | None
    state: str
    progress: float
    eta_seconds: float | None
    cancel_requested: bool
    created_at: datetime
    recordings: Sequence[RecordingInfo] = field(default=())


@dataclass(frozen=True, slots=True)
class Claim:
    """A recording leased to one worker: renew it before `lease_seconds` are over or lose it."""

    recording: RecordingInfo
    job_id: str
    worker: str


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """An API key as recorded; the secret is shown once, when it is made."""

    id: str
    name: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class EventInfo:
    """One audit event: who did what to what, when."""

    id: int
    at: datetime
    key_id: str | None
    action: str
    subject: str | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ProbeInfo:
    """An uploaded image; `path` is where its bytes lie, `persons` as in the probe table."""

    id: str
    key_id: str | None
    image_hash: str
    media_type: str
    width: int
    height: int
    persons: Sequence[Mapping[str, Any]]
    created_at: datetime
    path: str


@dataclass(frozen=True, slots=True)
class SearchInfo:
    """A recorded search with its whole answer; `hits` are JSON objects as the service wrote them."""

    id: str
    key_id: str | None
    query: Mapping[str, Any]
    model_id: str
    change: int
    coverage: Mapping[str, Any]
    hits: Sequence[Mapping[str, Any]]
    created_at: datetime
