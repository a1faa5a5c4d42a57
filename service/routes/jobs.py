"""Index jobs: file, follow, cancel, try again what failed."""

from typing import Annotated

from fastapi import APIRouter, Body, Header, Path, Query, Response

from gallery import JobInfo, JobKind, NotFound
from service import filing, retrying
from service.auth import Caller, CallerDep
from service.cursors import wrong_cursor
from service.problems import declared
from service.record_schemas import IndexJobIn, IndexJobList, IndexJobOut, RetryIn
from service.routes.parameters import Cursor
from service.state import State, StateDep

router = APIRouter(prefix="/v1/index-jobs", tags=["index jobs"])
JobId = Annotated[str, Path(max_length=64, description="The job")]
IdempotencyKey = Annotated[
    str | None, Header(min_length=1, max_length=255, description="A repeated request files one job")
]
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
    idempotency_key: IdempotencyKey = None,
) -> IndexJobOut:
    """Files a job and answers at once; workers index the files.

    A file whose content is indexed already is skipped, whatever its name.
    """
    return _filed(state, caller, response, filing.file_job(state, caller, wanted, idempotency_key))


@router.get("", operation_id="listIndexJobs", summary="Index jobs, the newest first")
def list_index_jobs(
    state: StateDep,
    caller: CallerDep,
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
        items=retrying.jobs_out(state, caller, page), next_cursor=page[-1].id if len(found) > limit else None
    )


@router.get("/{job_id}", operation_id="getIndexJob", summary="An index job", responses=declared(404))
def get_index_job(state: StateDep, caller: CallerDep, response: Response, job_id: JobId) -> IndexJobOut:
    """State, progress, time left, and for every file why it was skipped or failed."""
    job = filing.find(state, job_id)
    if job.state in {"queued", "running"}:
        response.headers["Retry-After"] = _POLL_SECONDS
    return retrying.jobs_out(state, caller, [job])[0]


@router.post(
    "/{job_id}/cancel",
    operation_id="cancelIndexJob",
    summary="Cancel an index job",
    responses=declared(404),
)
def cancel_index_job(state: StateDep, caller: CallerDep, job_id: JobId) -> IndexJobOut:
    """Waiting files are cancelled at once, running ones stop soon, indexed ones stay."""
    job = state.gallery.jobs.cancel(filing.find(state, job_id).id, key_id=caller.key_id)
    return retrying.jobs_out(state, caller, [job])[0]


@router.post(
    "/{job_id}/retry",
    operation_id="retryIndexJob",
    summary="Try what failed in an index job again",
    status_code=202,
    responses=declared(404, 409, 413),
)
def retry_index_job(
    *,
    state: StateDep,
    caller: CallerDep,
    response: Response,
    job_id: JobId,
    wanted: Annotated[RetryIn | None, Body()] = None,
    idempotency_key: IdempotencyKey = None,
) -> IndexJobOut:
    """Files recordings that failed again, as another job, which it answers with; this one stays as it ended.

    `retry` of each recording says whether it can be tried again. What was filed again already is not filed
    twice. 409: one of those named cannot be tried again, or none of all can.
    """
    job = retrying.retry_job(state, caller, job_id, wanted or RetryIn(), idempotency_key)
    return _filed(state, caller, response, job)


def _filed(state: State, caller: Caller, response: Response, job: JobInfo) -> IndexJobOut:
    """The answer to a request that filed a job."""
    response.headers["Location"] = f"/v1/index-jobs/{job.id}"
    response.headers["Retry-After"] = _POLL_SECONDS
    return retrying.jobs_out(state, caller, [job])[0]
