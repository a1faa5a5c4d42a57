"""Jobs, their recordings, files of watched folders that become recordings, and who is told of an end."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal

Outlived = Literal["filed_again", "indexed"]
"""Why a failure is not the last word: the same file was filed again, or it was indexed since."""
EXPECTED_SECONDS: Final = "expected_seconds"  # counter of a recording: how long it is, as its header says


class JobKind(StrEnum):
    """What a job does: index recordings, embed the gallery's with another model, or adapt a model."""

    INDEX = "index"
    REINDEX = "reindex"
    ADAPT = "adapt"


@dataclass(frozen=True, slots=True)
class ReindexOptions:
    """Which model's features the recordings of a job get: its name, and its id for certain."""

    model: str
    model_id: str


@dataclass(frozen=True, slots=True)
class AdaptOptions:
    """What an adaptation learns from, and for how long.

    Attributes:
        name: of the model that it makes.
        parent: name of the model that it begins with.
        camera_ids: of these cameras only; None for all.
        start, end: tracklets within this time only, ISO 8601 with an offset; None for no bound.
        hours: ends after the last round that fits into them; None for no bound.
        rounds: at most so many.
        seed: of all chance.
        marks: whether marks on hits say who is one person and who is not.
    """

    name: str
    parent: str
    camera_ids: Sequence[int] | None = None
    start: str | None = None
    end: str | None = None
    hours: float | None = None
    rounds: int = 6
    seed: int = 1
    marks: bool = True


@dataclass(frozen=True, slots=True)
class FiledFile:
    """A file as it was when it was filed: in a file that was written to or replaced, one of these differs.

    Of an object it is when the store says that it was written, and in place of the inode's time of change, of
    its ETag as much as fits.

    The inode's time of change is no program's to set, and is a new one when a file is put in the place of
    another. The inode's number is left out: where the same folder is mounted elsewhere it may be another.
    Where the content was read when it was filed its SHA-256 is known, and nothing else counts.
    """

    size_bytes: int
    mtime_ns: int
    ctime_ns: int
    sha256: str | None = None

    @classmethod
    def of(cls, status: os.stat_result) -> "FiledFile":
        """Take it from a file's status, without its content."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    @classmethod
    def at(cls, path: str | os.PathLike[str]) -> "FiledFile | None":
        """The file at a path, of a link the link itself; None: there is none that this process can see."""
        try:
            return cls.of(os.stat(path, follow_symlinks=False))
        except (OSError, ValueError):
            return None


@dataclass(frozen=True, slots=True)
class NewRecording:
    """One recording of a job to file.

    `path` may be the URL of an object. `filed` is what it was like when it was looked at; None: the gallery
    looks now, at a file; nobody has looked at an object. An upload, which is
    `owned`, is nobody's to change.
    """

    camera_id: int
    path: str
    file_name: str
    owned: bool
    start_time: datetime
    filed: FiledFile | None = None


@dataclass(frozen=True, slots=True)
class RecordingInfo:
    """One recording of a job, as it stands; an adaptation's has no camera and no start.

    `filed` is its file as it was then; None: nobody looked.
    """

    id: str
    number: int
    camera_id: int | None
    path: str
    file_name: str
    owned: bool
    start_time: datetime | None
    state: str
    reason: str | None
    video_id: str | None
    attempts: int
    worker: str | None
    stage: str | None
    progress: float
    counters: Mapping[str, int]
    started_at: datetime | None
    finished_at: datetime | None
    filed: FiledFile | None = None

    @property
    def by_command(self) -> bool:
        """Whether `sightline index` read it, with options of its own, and no worker ever had it."""
        return not self.owned and self.attempts == 0


@dataclass(frozen=True, slots=True)
class FailedRecording:
    """A recording of a job that failed and was not filed again, nor indexed since."""

    job_id: str
    recording: RecordingInfo


@dataclass(frozen=True, slots=True)
class JobInfo:
    """A job: state is queued, running, succeeded, failed, cancelled or partial.

    `options` is {} of an index job, else the fields of ReindexOptions or AdaptOptions. `progress` is 0..1
    over its recordings; `eta_seconds` is None until something has been measured.
    """

    id: str
    kind: JobKind
    options: Mapping[str, Any]
    key_id: str | None
    state: str
    progress: float
    eta_seconds: float | None
    cancel_requested: bool
    created_at: datetime
    recordings: Sequence[RecordingInfo] = field(default=())


@dataclass(frozen=True, slots=True)
class Claim:
    """A recording leased to one worker: renew it before `lease_seconds` are over or lose it.

    `kind` and `options` are those of its job.
    """

    recording: RecordingInfo
    job_id: str
    worker: str
    kind: JobKind = JobKind.INDEX
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Completion:
    """The recording of a job that succeeds in the transaction that makes its video visible.

    `reason` is what its owner should know about it: warnings; None for nothing.
    """

    claim: Claim
    reason: str | None
    counters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WatchedStamp:
    """What tells a file with its content from others without reading it; a rename keeps it."""

    inode: int
    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class WatchedFile:
    """A file that has settled, with the SHA-256 of its content, in hexadecimal."""

    recording: NewRecording
    content_hash: str
    stamp: WatchedStamp


@dataclass(frozen=True, slots=True)
class WebhookInfo:
    """A webhook as recorded; its secret is shown once, when it is made.

    `listening`: False while its key was revoked, has expired or may not keep webhooks; then it is not told.
    """

    id: str
    url: str
    key_id: str | None
    created_at: datetime
    listening: bool


@dataclass(frozen=True, slots=True)
class DeliveryInfo:
    """What a webhook is told of a job, and how that goes.

    `next_at` is None once it was delivered or given up; `reason` says why the last attempt failed.
    """

    id: str
    job_id: str
    attempts: int
    next_at: datetime | None
    delivered_at: datetime | None
    reason: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """A delivery that is to be tried now: `attempts` counts this one, and is the fence against late words."""

    id: str
    url: str
    secret: str
    body: str
    attempts: int
