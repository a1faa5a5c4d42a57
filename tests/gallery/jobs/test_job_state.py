from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery.jobs.state import (
    ENDED,
    RECORDING_STATES,
    RecordingProgress,
    job_eta,
    job_progress,
    job_state,
)

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ("queued", "queued"),
        ("queued queued", "queued"),
        ("queued running", "running"),
        ("queued succeeded", "running"),
        ("queued failed", "running"),
        ("queued skipped", "running"),
        ("queued cancelled", "running"),
        ("running", "running"),
        ("running succeeded failed cancelled", "running"),
        ("succeeded", "succeeded"),
        ("succeeded skipped", "succeeded"),
        ("skipped", "succeeded"),
        ("cancelled", "cancelled"),
        ("succeeded cancelled", "cancelled"),
        ("skipped cancelled", "cancelled"),
        ("failed cancelled", "cancelled"),
        ("failed", "failed"),
        ("failed failed", "failed"),
        ("failed succeeded", "partial"),
        ("failed skipped", "partial"),
        ("failed succeeded skipped", "partial"),
    ],
)
def test_state_of_a_job(states: str, expected: str) -> None:
    assert job_state(states.split()) == expected


@pytest.mark.parametrize("states", ["", "partial", "succeeded lost"])
def test_states_that_no_recording_has(states: str) -> None:
    with pytest.raises(ValueError, match="not the states"):
        job_state(states.split())


@given(st.lists(st.sampled_from(sorted(RECORDING_STATES)), min_size=1, max_size=8))
def test_a_job_has_ended_exactly_when_its_recordings_have(states: list[str]) -> None:
    ended = job_state(states) in {"succeeded", "failed", "cancelled", "partial"}
    assert ended == (set(states) <= ENDED)
    assert job_state(states) == job_state(states[::-1])


def running(progress: float, started: float) -> RecordingProgress:
    return RecordingProgress("running", progress, START + timedelta(seconds=started))


def ended(state: str, started: float, finished: float) -> RecordingProgress:
    at = [START + timedelta(seconds=seconds) for seconds in (started, finished)]
    return RecordingProgress(state, 1.0, *at)


QUEUED = RecordingProgress("queued", 0.0)


@pytest.mark.parametrize(
    ("recordings", "expected"),
    [
        ([QUEUED], None),
        ([running(0.0, 0), QUEUED], None),
        ([running(0.001, 0)], None),
        ([ended("skipped", 0, 1), QUEUED], None),
        ([ended("failed", 0, 1), QUEUED], None),
        ([ended("succeeded", 0, 50), QUEUED], 50.0),
        ([running(0.25, 0)], 300.0),  # 100 s for a quarter
        ([running(0.25, 0), QUEUED], 700.0),  # and then one of 400 s
        ([running(0.5, 0), running(0.5, 0), QUEUED, QUEUED], 300.0),  # two at a time
        ([running(0.5, 0), running(0.1, 0)], 900.0),  # never less than the slowest needs
        ([ended("succeeded", 0, 50), running(0.0, 99)], 50.0),
        ([ended("succeeded", 0, 50), ended("cancelled", 0, 1)], 0.0),
    ],
)
def test_eta(recordings: list[RecordingProgress], expected: float | None) -> None:
    assert job_eta(recordings, START + timedelta(seconds=100)) == (
        None if expected is None else pytest.approx(expected)
    )


def test_eta_survives_a_clock_that_runs_backwards() -> None:
    assert job_eta([running(0.5, 0), QUEUED], START - timedelta(hours=1)) == 0.0


def test_progress() -> None:
    recordings = [ended("failed", 0, 1), running(0.5, 0), QUEUED, ended("skipped", 0, 1)]
    assert job_progress(recordings) == pytest.approx(2.5 / 4)


def test_a_cancelled_job_is_not_done() -> None:
    assert job_progress([RecordingProgress("cancelled", 0.25), RecordingProgress("cancelled", 0.0)]) == 0.125
