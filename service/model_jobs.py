"""Jobs about models: requests are checked and filed here; workers do the work."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from gallery import AdaptOptions, JobInfo, JobKind, NotFound, RecordingInfo, ReindexOptions
from models.names import DEFAULT, SHIPPED, shipped_ids
from service.auth import Caller
from service.errors import InvalidRequest
from service.filing import key_used_once
from service.missing import no_camera
from service.model_job_schemas import AdaptJobIn, AdaptOutcome, ModelJobOut, NotableRecording, ReindexJobIn
from service.state import State

KINDS: Final = (JobKind.REINDEX, JobKind.ADAPT)
_SHOWN: Final = 100
_SILENT: Final = ("queued", "succeeded")


def file_job(
    state: State, caller: Caller, wanted: ReindexJobIn | AdaptJobIn, idempotency_key: str | None
) -> JobInfo:
    """File a job, or find the one that the same request filed before.

    Raises:
        InvalidRequest: an unknown camera or model, or an idempotency key used before for another request.
        Conflict: every recording has the model's features already.
    """
    cameras = None if wanted.cameras is None else _cameras(state, wanted.cameras)
    jobs = state.gallery.jobs
    with key_used_once():
        if isinstance(wanted, ReindexJobIn):
            options = ReindexOptions(wanted.model, _model_id(state, wanted.model, "/model"))
            return jobs.file_reindex(
                options, camera_ids=cameras, key_id=caller.key_id, idempotency_key=idempotency_key
            )
        return jobs.file_adapt(
            _adapt_options(state, wanted, cameras), key_id=caller.key_id, idempotency_key=idempotency_key
        )


def find(state: State, job_id: str) -> JobInfo:
    """A job about a model. Raises NotFound."""
    job = state.gallery.jobs.get(job_id)
    if job.kind not in KINDS:
        raise NotFound(f"no model job {job_id}")
    return job


def report(state: State, caller: Caller, job_id: str) -> Path:
    """The page of an adaptation that has ended. Raises NotFound."""
    job = find(state, job_id)
    if _outcome(state, job) is None:
        raise NotFound(f"no report of job {job_id}")
    path = state.gallery.adaptations.report(job.options["name"])
    state.gallery.audit.record("report.read", key_id=caller.key_id, subject=job.id)
    return path


def job_out(state: State, job: JobInfo) -> ModelJobOut:
    """A job as the API says it."""
    names: dict[int | None, str] = {camera.id: camera.name for camera in state.gallery.catalogue.cameras()}
    alone = job.recordings[0] if job.kind == JobKind.ADAPT else None
    notable = [one for one in job.recordings if one.state not in _SILENT]
    return ModelJobOut(
        id=job.id,
        kind=job.kind,
        options=_options_out(job, names),
        state=job.state,
        stage=next((one.stage for one in job.recordings if one.stage), None),
        progress=job.progress,
        eta_seconds=job.eta_seconds,
        cancel_requested=job.cancel_requested,
        created_at=job.created_at,
        counts=dict(Counter(one.state for one in job.recordings)),
        recordings=[_recording_out(one, names) for one in notable[:_SHOWN] if alone is None],
        reason=alone and alone.reason,
        outcome=_outcome(state, job),
    )


def _outcome(state: State, job: JobInfo) -> AdaptOutcome | None:
    """How an adaptation ended, if it has."""
    recording = job.recordings[0]
    if job.kind != JobKind.ADAPT or recording.state != "succeeded":
        return None
    told: Mapping[str, Any] = recording.counters
    try:
        state.gallery.adaptations.report(job.options["name"])
        url: str | None = f"/v1/model-jobs/{job.id}/report"
    except NotFound:  # none was written, or a recording that it showed was erased
        url = None
    return AdaptOutcome(
        outcome=told["outcome"],
        reason=recording.reason or "",
        model_id=told["model_id"],
        counts=told["counts"],
        figures=told["figures"],
        report_url=url,
    )


def _options_out(job: JobInfo, names: Mapping[int | None, str]) -> dict[str, Any]:
    """The options as they were asked for: cameras by name."""
    options = {name: value for name, value in job.options.items() if name != "camera_ids"}
    if job.kind == JobKind.ADAPT:
        ids = job.options["camera_ids"]
        options["cameras"] = None if ids is None else [names.get(one, "?") for one in ids]
    return options


def _recording_out(recording: RecordingInfo, names: Mapping[int | None, str]) -> NotableRecording:
    return NotableRecording(
        camera=names.get(recording.camera_id),
        file_name=recording.file_name,
        state=recording.state,
        reason=recording.reason,
        progress=recording.progress,
    )


def _cameras(state: State, wanted: Sequence[str]) -> list[int]:
    """Ids of cameras. Raises InvalidRequest: one does not exist."""
    by_name = {camera.name: camera.id for camera in state.gallery.catalogue.cameras()}
    for index, name in enumerate(wanted):
        if name not in by_name:
            raise no_camera(state.gallery, name, f"/cameras/{index}")
    return sorted({by_name[name] for name in wanted})


def _model_id(state: State, name: str, pointer: str) -> str:
    """The id of a model that workers can load by this name. Raises InvalidRequest: there is none."""
    try:
        found = state.gallery.models.find(name)
    except NotFound:
        found = None
    if found is not None and found.folder is not None:
        return found.id
    if name in SHIPPED:
        return shipped_ids()[name]
    raise InvalidRequest(f"There is no model {name!r}.", pointer)


def _adapt_options(state: State, wanted: AdaptJobIn, cameras: list[int] | None) -> AdaptOptions:
    parent = wanted.parent
    if parent is None:
        promoted = state.gallery.models.promoted()
        parent = promoted.name if promoted else state.gallery.models.settled(shipped_ids()) or DEFAULT
    _model_id(state, parent, "/parent")
    return AdaptOptions(
        name=wanted.name,
        parent=parent,
        camera_ids=cameras,
        start=None if wanted.start is None else wanted.start.isoformat(),
        end=None if wanted.end is None else wanted.end.isoformat(),
        hours=wanted.hours,
        rounds=wanted.rounds,
        seed=wanted.seed,
        marks=wanted.marks,
    )
