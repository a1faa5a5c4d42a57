"""The final states of a job's recordings."""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from gallery.errors import InvalidInput
from gallery.jobs import leases
from gallery.jobs.state import ENDED, FAILED, SKIPPED, SUCCEEDED
from gallery.records.jobs import Completion, NewRecording, RecordingInfo
from gallery.validation import json_object, optional_text

_PLACE = re.compile(r"(?<![\w.:/])/(?:[^/\s:'\"]+/)+")


def ended_values(
    recording: RecordingInfo | NewRecording,
    state: str,
    reason: str | None,
    video_id: str | None,
    counters: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Check what is to be recorded of a recording's end, and return it as columns.

    Reasons are read by the person who filed the job: folders of the server are left out of them.

    Raises:
        InvalidInput: not a final state, skipped or failed without a reason, or a value that cannot be stored.
    """
    if state not in ENDED:
        raise InvalidInput(f"a recording ends as one of {', '.join(sorted(ENDED))}, not {state!r:.100}")
    if state in {SKIPPED, FAILED} and not reason:
        raise InvalidInput(f"a recording that is {state} needs a reason")
    values: dict[str, Any] = {
        "reason": optional_text(reason and _without_places(reason, recording), "reason", longest=4000),
        "video_id": optional_text(video_id, "video id", longest=32),
    }
    if counters is not None:
        values["counters"] = json_object(counters, "counters")
    if state == SUCCEEDED:
        values["progress"] = 1.0
    return values


def complete(session: Session, completion: Completion, video_id: str) -> None:
    """End a recording with success, in the transaction that makes its video visible.

    Raises:
        LeaseLost: the recording was handed over, ended or cancelled; it must roll the transaction back.
        InvalidInput: a value that cannot be stored.
    """
    recording = completion.claim.recording
    values = ended_values(recording, SUCCEEDED, completion.reason, video_id, completion.counters)
    leases.end(session, completion.claim, SUCCEEDED, values)


def _without_places(reason: str, recording: RecordingInfo | NewRecording) -> str:
    """Name the recording as its owner does, and other files without their folders."""
    named = reason.replace(recording.path, recording.file_name) if recording.path else reason
    return _PLACE.sub("", named)
