"""Searches: from a person on a photo to ranked tracklets."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from service import probing
from service.access.slow_bodies import require_rights
from service.answer_schemas import SearchAnswer
from service.auth import Caller, CallerDep
from service.errors import InvalidRequest
from service.history_schemas import RepeatIn, SearchList
from service.images import Photo
from service.problems import declared
from service.routes.parameters import Cursor, SearchId
from service.schemas import MAX_LIMIT, ProbeChoice, SearchQuery, SearchRequest
from service.searches import again, answers, history, questions, searching
from service.searches.questions import Question
from service.state import State, StateDep

router = APIRouter(prefix="/v1/searches", tags=["searches"])
M = TypeVar("M", bound=BaseModel)
_MAX_QUERY = 256 * 1024
_FORM_SAID = (
    "The form needs the photo as a file named `file`, with a file name; all the rest is one field, `query`."
)

_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"$ref": "#/components/schemas/PhotoSearch"},
                "encoding": {"query": {"contentType": "application/json"}},
            },
        },
    }
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/SearchRequest"}}},
    }
}


@router.post(
    "",
    operation_id="createSearch",
    summary="Find a person by a probe or a tracklet",
    status_code=201,
    openapi_extra=_BODY,
    responses=declared(400, 404, 413, 415, 507),
)
async def create_search(
    state: StateDep, caller: CallerDep, request: Request, response: Response
) -> SearchAnswer:
    """Ranks the tracklets of the gallery by their likeness to the person on a probe, or on a tracklet.

    The answer is recorded, with an audit event, before it leaves.
    """
    # One operation has one body, or generated clients break. The form of `searchByPhoto` was described here
    # too, once, and who sends it is still answered.
    if _kind(request) == "multipart/form-data":
        answer = await _from_form(state, caller, request)
    elif _kind(request) == "application/json":
        answer = await _from_json(state, caller, request)
    else:
        raise InvalidRequest("Send application/json.", "content-type")
    return _made(answer, response)


@router.post(
    "/by-photo",
    operation_id="searchByPhoto",
    summary="Find a person by a photo, in one request",
    status_code=201,
    openapi_extra=_FORM,
    responses=declared(400, 413, 415, 507),
)
async def search_by_photo(
    state: StateDep, caller: CallerDep, request: Request, response: Response
) -> SearchAnswer:
    """Uploads the photo as a probe and searches for a person on it.

    A form with the photo as `file` and the rest as JSON in `query`. The answer names the probe, which can be
    searched for again.
    """
    if _kind(request) != "multipart/form-data":
        raise InvalidRequest("Send multipart/form-data.", "content-type")
    return _made(await _from_form(state, caller, request), response)


@router.get("", operation_id="listSearches", summary="Your searches, the newest first")
def list_searches(
    state: StateDep,
    caller: CallerDep,
    cursor: Cursor = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Searches on the page")] = 20,
) -> SearchList:
    """Those of this key only, without their hits. What is asked meanwhile moves no page."""
    return history.page(state, caller, cursor, limit)


@router.post(
    "/{search_id}/again",
    operation_id="searchAgain",
    summary="Ask a recorded search again",
    status_code=201,
    responses=declared(404, 409, 410, 413),
)
async def search_again(  # noqa: PLR0917  (what FastAPI injects, and the request)
    state: StateDep,
    caller: CallerDep,
    request: Request,
    response: Response,
    search_id: SearchId,
    wanted: RepeatIn | None = None,
) -> SearchAnswer:
    """Asks the same question, and answers with a search of its own whose `repeats` compares the two.

    On its snapshot it ranks what it ranked then, whatever was indexed since, and names what was erased. Now
    it ranks all there is, and `new` marks the hits that it could not find then. 409: its snapshot is of
    another model than the one in use. 410: a photo or tracklet that it looked for is not kept any more.
    """
    on = (wanted or RepeatIn()).on

    def repeat() -> SearchAnswer:
        first = answers.own_search(state, caller, search_id)
        return again.ask_again(state, caller, first, on)

    return _made(await state.networks_lane.run(caller.key_id, request, repeat), response)


@router.get(
    "/{search_id}",
    operation_id="getSearch",
    summary="A recorded search, page by page",
    responses=declared(404),
)
def get_search(
    state: StateDep,
    caller: CallerDep,
    search_id: SearchId,
    cursor: Cursor = None,
    limit: Annotated[int | None, Query(ge=1, le=MAX_LIMIT, description="Hits on the page")] = None,
) -> SearchAnswer:
    """The answer as it was, whatever was indexed since; hits erased since are left out, with a warning."""
    return answers.page(state, caller, search_id, cursor, limit)


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _made(answer: SearchAnswer, response: Response) -> SearchAnswer:
    response.headers["Location"] = f"/v1/searches/{answer.id}"
    return answer


async def _from_json(state: State, caller: Caller, request: Request) -> SearchAnswer:
    wanted = _parse(SearchRequest, await request.body())
    require_rights(request)

    def search() -> SearchAnswer:
        question = questions.ask(state.gallery, wanted, state.settings.rank_by)
        return searching.search_choices(state, caller, wanted.probes, question)

    return await state.networks_lane.run(caller.key_id, request, search)


async def _from_form(state: State, caller: Caller, request: Request) -> SearchAnswer:
    async with _form(request) as form:
        file, query = form.get("file"), form.get("query", "{}")
        if not isinstance(file, UploadFile):
            raise InvalidRequest(_FORM_SAID, "/file")
        if not isinstance(query, str):
            raise InvalidRequest("`query` must be a field, not a file.", "/query")
        data = await file.read()
    require_rights(request)
    wanted = _parse(SearchQuery, query.encode())

    def read() -> tuple[Question, Photo]:
        # Wrong filters end here, before anything is decoded.
        question = questions.ask(state.gallery, wanted, state.settings.rank_by)
        return question, probing.read_photo(state, caller, data)

    question, photo = await state.photos_lane.run(caller.key_id, request, read)

    def search() -> SearchAnswer:
        probe, pixels = probing.add_probe(state, caller, photo)
        choice = ProbeChoice(
            probe_id=probe.id, person=wanted.person, box=wanted.box, taken_at=wanted.taken_at
        )
        chosen = probing.choose(probe, pixels, choice)
        return searching.search_probe(state, caller, chosen, question)

    return await state.networks_lane.run(caller.key_id, request, search)


@asynccontextmanager
async def _form(request: Request) -> AsyncIterator[FormData]:
    """The form of a search. A file without a file name is a field to the parser, which would count those."""
    try:
        form = await request.form(max_files=1, max_fields=1, max_part_size=_MAX_QUERY)
    except HTTPException as error:
        if error.status_code != 400:
            raise
        raise HTTPException(error.status_code, f"{error.detail} {_FORM_SAID}") from error
    try:
        yield form
    finally:
        await form.close()


def _parse(model: type[M], body: bytes) -> M:
    """Validate JSON; as FastAPI would, had the body only one type."""
    if len(body) > _MAX_QUERY:
        raise InvalidRequest(f"The query has more than {_MAX_QUERY} bytes.", "/")
    try:
        return model.model_validate(json.loads(body))
    except ValidationError as error:
        located = [{**item, "loc": ("body", *item["loc"])} for item in error.errors(include_url=False)]
        raise RequestValidationError(located) from error
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("The body is not JSON.", "/") from error
