"""Index jobs as the API says them, and which of their recordings that failed can be tried again."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from gallery import JobInfo, NotFound, Outlived, RecordingInfo
from service import filing
from service.auth import Caller
from service.errors import InvalidRequest, StateConflict
from service.record_schemas import (
    FailedRecordingOut,
    IndexJobOut,
    Obstacle,
    RecordingOut,
    RetryIn,
    RetryOut,
)
from service.recordings import media_path
from service.state import State

_WORDS: Final[Mapping[Obstacle, str]] = {
    "filed_again": "it was filed again",
    "indexed": "it is indexed by now",
    "upload_deleted": "the uploaded file was deleted; upload it again",
    "file_missing": "the file is not in the media folder any more",
    "server_file": "a key that is limited to cameras cannot name files of the server",
    "by_command": "a command on the server read it; run that again there",
}


def retry_job(
    state: State, caller: Caller, job_id: str, wanted: RetryIn, idempotency_key: str | None
) -> JobInfo:
    """File recordings of a job that failed again, or find the job that the same request filed.

    Raises:
        NotFound: no such index job.
        InvalidRequest: a recording that the job has not, or an idempotency key used for another request.
        StateConflict, Conflict: a recording did not fail or cannot be tried again; or none of all can.
    """
    job = filing.find(state, job_id)
    request_hash = hashlib.sha256(f"{job.id} {wanted.model_dump_json()}".encode()).hexdigest()
    chosen, refusal = _chosen(state, caller, job, wanted)
    with filing.key_used_once():
        # What the same request has filed already is no refusal: so this is asked after what can be tried.
        before = state.gallery.jobs.filed(caller.key_id, idempotency_key, request_hash)
        if before is not None:
            return before
        if refusal is not None:
            raise refusal
        uploads = [upload for one in chosen if (upload := state.uploads.at(Path(one.path))) is not None]
        try:
            with state.uploads.filing(uploads) as belongs_to:
                again = state.gallery.failures.retry(
                    job.id,
                    [one.id for one in chosen],
                    key_id=caller.key_id,
                    idempotency_key=idempotency_key,
                    request_hash=request_hash,
                )
                belongs_to(again.id)
        except NotFound as error:  # removed since it was looked for
            raise StateConflict("What was to be tried again was deleted this moment.") from error
    return again


def jobs_out(state: State, caller: Caller, jobs: Sequence[JobInfo]) -> list[IndexJobOut]:
    """Jobs as the API says them."""
    told = _Telling(state, caller, [one for job in jobs for one in job.recordings])
    return [
        IndexJobOut(
            id=job.id,
            state=job.state,
            progress=job.progress,
            eta_seconds=job.eta_seconds,
            cancel_requested=job.cancel_requested,
            created_at=job.created_at,
            recordings=[told.recording(one) for one in job.recordings],
        )
        for job in jobs
    ]


def failures_out(
    state: State, caller: Caller, *, camera_id: int | None, cursor: str | None, limit: int
) -> list[FailedRecordingOut]:
    """Recordings that failed, as the API says them. Raises NotFound: `cursor` is none."""
    found = state.gallery.failures.list(camera_id=camera_id, after=cursor, limit=limit)
    told = _Telling(state, caller, [one.recording for one in found])
    return [
        FailedRecordingOut(job_id=one.job_id, **told.recording(one.recording).model_dump()) for one in found
    ]


class _Telling:
    """Says recordings to a caller."""

    def __init__(self, state: State, caller: Caller, recordings: Sequence[RecordingInfo]) -> None:
        self._state, self._caller = state, caller
        self._outlived = state.gallery.failures.outlived(recordings)
        self._names: dict[int | None, str] = {one.id: one.name for one in state.gallery.catalogue.cameras()}

    def recording(self, one: RecordingInfo) -> RecordingOut:
        return RecordingOut(
            id=one.id,
            camera=self._names.get(one.camera_id, "?"),
            file_name=one.file_name,
            start=one.start_time,
            state=one.state,
            reason=one.reason,
            video_id=one.video_id,
            stage=one.stage,
            progress=one.progress,
            counters=dict(one.counters),
            attempts=one.attempts,
            started_at=one.started_at,
            finished_at=one.finished_at,
            retry=_retry(self._state, self._caller, one, self._outlived) if one.state == "failed" else None,
        )


def _retry(state: State, caller: Caller, failed: RecordingInfo, outlived: Mapping[str, Outlived]) -> RetryOut:
    """Whether a recording that failed can be tried again; what its file is like, its worker finds out."""
    obstacle = _obstacle(state, caller, failed, outlived)
    kept_until = None
    if obstacle is None and failed.owned:
        upload = state.uploads.at(Path(failed.path))
        try:
            kept_until = None if upload is None else state.uploads.kept_until(upload)
        except NotFound:
            upload = None
        obstacle = "upload_deleted" if upload is None else None
    return RetryOut(possible=obstacle is None, obstacle=obstacle, kept_until=kept_until)


def _obstacle(
    state: State, caller: Caller, failed: RecordingInfo, outlived: Mapping[str, Outlived]
) -> Obstacle | None:
    """What stands in the way, of uploads besides that their file may be gone."""
    if failed.id in outlived:
        return outlived[failed.id]
    if failed.owned:
        return None
    if caller.cameras is not None:
        return "server_file"  # another recording may lie there by now, of a camera that it may not see
    if failed.by_command:
        return "by_command"
    return "file_missing" if _is_missing(state.settings.media_dir, Path(failed.path)) else None


def _is_missing(media_dir: Path | None, path: Path) -> bool:
    """Whether a file was taken out of the media folder; of watched folders only their workers can tell."""
    if media_dir is None or not path.is_relative_to(root := media_dir.resolve()):
        return False
    try:
        return media_path(media_dir, str(path.relative_to(root)), "path") != path
    except InvalidRequest:
        return True


def _chosen(
    state: State, caller: Caller, job: JobInfo, wanted: RetryIn
) -> tuple[Sequence[RecordingInfo], StateConflict | None]:
    """The recordings to try again, or why there are none. Raises InvalidRequest: the job has not all."""
    by_id = {one.id: one for one in job.recordings}
    for number, one in enumerate(wanted.recordings or []):
        if one not in by_id:
            raise InvalidRequest(f"The job has no recording {one}.", f"/recordings/{number}")
    ids = by_id if wanted.recordings is None else dict.fromkeys(wanted.recordings)
    outlived = state.gallery.failures.outlived(job.recordings)
    failed = [by_id[one] for one in ids if by_id[one].state == "failed"]
    told = {one.id: _retry(state, caller, one, outlived) for one in failed}
    possible = [one for one in failed if told[one.id].possible]
    if possible and (wanted.recordings is None or len(possible) == len(ids)):
        return possible, None
    if wanted.recordings is None and not failed:
        return [], StateConflict("No recording of the job failed.")
    return [], StateConflict(_refusal((by_id[one], told.get(one)) for one in ids))


def _refusal(recordings: Iterable[tuple[RecordingInfo, RetryOut | None]]) -> str:
    """Why recordings cannot be tried again: the first that failed, or the first that did not fail."""
    for one, retry in recordings:
        if retry is None:
            said = "it did not fail"
        elif retry.obstacle is not None:
            said = _WORDS[retry.obstacle]
        else:
            continue
        return f"{one.file_name} cannot be tried again: {said}."
    raise AssertionError("something stands in the way")
