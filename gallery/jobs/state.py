"""A job's state, progress and remaining time, derived from its recordings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

QUEUED: Final = "queued"
RUNNING: Final = "running"
SUCCEEDED: Final = "succeeded"
SKIPPED: Final = "skipped"
FAILED: Final = "failed"
CANCELLED: Final = "cancelled"
PARTIAL: Final = "partial"  # of a job only

ENDED: Final = frozenset({SUCCEEDED, SKIPPED, FAILED, CANCELLED})
_LEAST_PROGRESS: Final = 0.005  # below it starting up outweighs working, and the rate means nothing
RECORDING_STATES: Final = ENDED | {QUEUED, RUNNING}


@dataclass(frozen=True, slots=True)
class RecordingProgress:
    """A recording as far as the estimates need it."""

    state: str
    progress: float  # 0..1
    started_at: datetime | None = None
    finished_at: datetime | None = None


def job_state(states: Sequence[str]) -> str:
    """Derive the state of a job from the states of its recordings.

    The first rule that fits decides:

    1. all queued: queued
    2. any queued or running: running
    3. all succeeded or skipped: succeeded (a recording that was indexed before is where its owner wants it)
    4. any cancelled: cancelled (somebody stopped the job; what had succeeded stays indexed)
    5. all failed: failed
    6. else, some failed and some not: partial
    """
    found = set(states)
    if not found or found - RECORDING_STATES:
        raise ValueError(f"not the states of a job's recordings: {sorted(found)}")
    if found == {QUEUED}:
        return QUEUED
    if found & {QUEUED, RUNNING}:
        return RUNNING
    if found <= {SUCCEEDED, SKIPPED}:
        return SUCCEEDED
    if CANCELLED in found:
        return CANCELLED
    return FAILED if found == {FAILED} else PARTIAL


def job_progress(recordings: Sequence[RecordingProgress]) -> float:
    """Mean progress, 0..1, each recording weighing the same.

    Whatever has ended counts as done, except what was cancelled: that stays where it was.
    """
    done = (1.0 if r.state in ENDED - {CANCELLED} else r.progress for r in recordings)
    return sum(done) / len(recordings)


def job_eta(recordings: Sequence[RecordingProgress], now: datetime) -> float | None:
    """Estimate the seconds until the last recording ends, or None while nothing has been measured.

    A running recording goes on at the rate it has kept so far. A queued one takes as long as the mean of
    those measured (those that failed or were skipped say nothing about it), and as many are worked on side by
    side as run now.
    """
    running = [r for r in recordings if r.state == RUNNING]
    queued = sum(r.state == QUEUED for r in recordings)
    if not running and not queued:
        return 0.0
    totals = [total for r in recordings if (total := _measured_seconds(r, now)) is not None]
    if not totals:
        return None
    mean = sum(totals) / len(totals)
    left = [_seconds_left(r, mean, now) for r in running]
    return max(max(left, default=0.0), (sum(left) + queued * mean) / max(1, len(running)))


def _measured_seconds(recording: RecordingProgress, now: datetime) -> float | None:
    """Return the seconds that the whole recording takes, or None if nothing was measured."""
    if recording.started_at is None:
        return None
    if recording.state == RUNNING and recording.progress >= _LEAST_PROGRESS:
        return max(0.0, (now - recording.started_at).total_seconds()) / recording.progress
    if recording.state == SUCCEEDED and recording.finished_at is not None:
        return max(0.0, (recording.finished_at - recording.started_at).total_seconds())
    return None


def _seconds_left(recording: RecordingProgress, mean: float, now: datetime) -> float:
    """Return the seconds a running recording still needs: at its own rate, else by the mean."""
    own = _measured_seconds(recording, now)
    return mean if own is None else own * (1.0 - recording.progress)
