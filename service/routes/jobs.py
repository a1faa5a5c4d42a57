"""Index jobs: file, follow, cancel."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response

from gallery import JobKind, NotFound
from service import filing
from service.auth import CallerDep
from service.cursors import wrong_cursor
from service.problems import declared
from service.record_schemas import IndexJobIn, IndexJobList, IndexJobOut
from service.routes.parameters import Cursor
from service.state import StateDep

router = APIRouter(prefix="/v1/index-jobs", tags=["index jobs"])
JobId = Annotated[str, Path(max_length=64, description="The job")]
_POLL_SECONDS = "2"


@router.post(
    "",
    operation_id="createIndexJob",
    summary="Index videos",
    status_code=202,
    responses=declared(413),
)
def create_index_job(
    state: StateDep,
    caller: CallerDep,
    response: Response,
    wanted: IndexJobIn,
    idempotency_key: Annotated[
        str | None, Header(min_length=1, max_length=255, description="A repeated request files one job")
    ] = None,
) -> IndexJobOut:
    """Files a job and answers at once; workers index the files.

    A file whose content is indexed already is skipped, whatever its name.
    """
    job = filing.file_job(state, caller, wanted, idempotency_key)
    response.headers["Location"] = f"/v1/index-jobs/{job.id}"
    response.headers["Retry-After"] = _POLL_SECONDS
    return filing.jobs_out(state, [job])[0]


@router.get("", operation_id="listIndexJobs", summary="Index jobs, the newest first")
def list_index_jobs(
    state: StateDep,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=50, description="Jobs on the page")] = 20,
) -> IndexJobList:
    """A page at a time."""
    try:
        found = state.gallery.jobs.list(limit=limit + 1, after=cursor, kinds=[JobKind.INDEX])
    except NotFound as error:
        raise wrong_cursor() from error
    page = [state.gallery.jobs.get(job.id) for job in found[:limit]]
    return IndexJobList(
        items=filing.jobs_out(state, page), next_cursor=page[-1].id if len(found) > limit else None
    )


@router.get("/{job_id}", operation_id="getIndexJob", summary="An index job", responses=declared(404))
def get_index_job(state: StateDep, response: Response, job_id: JobId) -> IndexJobOut:
    """State, progress, time left, and for every file why it was skipped or failed."""
    job = filing.find(state, job_id)
    if job.state in {"queued", "running"}:
        response.headers["Retry-After"] = _POLL_SECONDS
    return filing.jobs_out(state, [job])[0]


@router.post(
    "/{job_id}/cancel",
    operation_id="cancelIndexJob",
    summary="Cancel an index job",
    responses=declared(404),
)
def cancel_index_job(state: StateDep, caller: CallerDep, job_id: JobId) -> IndexJobOut:
    """Waiting files are cancelled at once, running ones stop soon, indexed ones stay."""
    job = state.gallery.jobs.cancel(filing.find(state, job_id).id, key_id=caller.key_id)
    return filing.jobs_out(state, [job])[0]
