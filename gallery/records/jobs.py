"""Jobs and their recordings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


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
    counters: Mapping[str, int]
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
class Completion:
    """The recording of a job that succeeds in the transaction that makes its video visible.

    `reason` is what its owner should know about it: warnings; None for nothing.
    """

    claim: Claim
    reason: str | None
    counters: Mapping[str, Any]
