"""Jobs about models: embed the gallery with another one, adapt one to its cameras."""

from typing import Annotated

from fastapi import APIRouter, Body, Header, Path, Query, Response
from fastapi.responses import FileResponse

from gallery import NotFound
from service import model_jobs
from service.auth import CallerDep
from service.cursors import wrong_cursor
from service.model_job_schemas import ModelJobIn, ModelJobList, ModelJobOut
from service.problems import declared
from service.routes.files import OpenedFile
from service.routes.parameters import Cursor
from service.state import StateDep

router = APIRouter(prefix="/v1/model-jobs", tags=["model jobs"])
JobId = Annotated[str, Path(max_length=64, description="The job")]
_POLL_SECONDS = "5"
# The page has its pictures and its style inside, and needs nothing else.
_REPORT_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
)


@router.post(
    "",
    operation_id="createModelJob",
    summary="Embed with another model, or adapt one",
    status_code=202,
    responses=declared(409, 413),
)
def create_model_job(
    state: StateDep,
    caller: CallerDep,
    response: Response,
    wanted: Annotated[ModelJobIn, Body(discriminator="kind")],
    idempotency_key: Annotated[
        str | None, Header(min_length=1, max_length=255, description="A repeated request files one job")
    ] = None,
) -> ModelJobOut:
    """Files a job and answers at once; workers do the work while searches go on with the model in use.

    `reindex` embeds the recordings that lack a model's features from the boxes that are kept. `adapt` learns
    from the gallery's tracklets, without labels, and keeps the new model if it passes the gate.
    """
    job = model_jobs.file_job(state, caller, wanted, idempotency_key)
    response.headers["Location"] = f"/v1/model-jobs/{job.id}"
    response.headers["Retry-After"] = _POLL_SECONDS
    return model_jobs.job_out(state, job)


@router.get("", operation_id="listModelJobs", summary="Model jobs, the newest first")
def list_model_jobs(
    state: StateDep,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=50, description="Jobs on the page")] = 20,
) -> ModelJobList:
    """A page at a time."""
    try:
        found = state.gallery.jobs.list(limit=limit + 1, after=cursor, kinds=model_jobs.KINDS)
    except NotFound as error:
        raise wrong_cursor() from error
    page = [model_jobs.job_out(state, state.gallery.jobs.get(job.id)) for job in found[:limit]]
    return ModelJobList(items=page, next_cursor=page[-1].id if len(found) > limit else None)


@router.get("/{job_id}", operation_id="getModelJob", summary="A model job", responses=declared(404))
def get_model_job(state: StateDep, response: Response, job_id: JobId) -> ModelJobOut:
    """State, progress, time left, and how it ended."""
    job = model_jobs.find(state, job_id)
    if job.state in {"queued", "running"}:
        response.headers["Retry-After"] = _POLL_SECONDS
    return model_jobs.job_out(state, job)


@router.post(
    "/{job_id}/cancel",
    operation_id="cancelModelJob",
    summary="Cancel a model job",
    responses=declared(404),
)
def cancel_model_job(state: StateDep, caller: CallerDep, job_id: JobId) -> ModelJobOut:
    """What waits is cancelled at once, what runs stops soon; recordings that are embedded stay so."""
    job = state.gallery.jobs.cancel(model_jobs.find(state, job_id).id, key_id=caller.key_id)
    return model_jobs.job_out(state, job)


@router.get(
    "/{job_id}/report",
    operation_id="getModelJobReport",
    summary="The report of an adaptation",
    response_class=FileResponse,
    responses={
        200: {"content": {"text/html": {}}, "description": "A page with its pictures inside"},
        **declared(404),
    },
)
def get_model_job_report(state: StateDep, caller: CallerDep, job_id: JobId) -> FileResponse:
    """What was learnt and how it was judged. It shows people; reading it is recorded."""
    path = model_jobs.report(state, caller, job_id)
    return OpenedFile(path, "text/html", {"Content-Security-Policy": _REPORT_POLICY})
