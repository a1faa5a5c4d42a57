"""Searches: from a person on a photo to ranked tracklets."""

import json
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile

from service import probing, searching
from service.auth import Caller, CallerDep
from service.errors import InvalidRequest
from service.problems import declared
from service.schemas import MAX_LIMIT, ProbeChoice, SearchAnswer, SearchQuery, SearchRequest
from service.state import State, StateDep

router = APIRouter(prefix="/v1/searches", tags=["searches"])
M = TypeVar("M", bound=BaseModel)
_MAX_QUERY = 256 * 1024

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/SearchRequest"}},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "query": {"$ref": "#/components/schemas/SearchQuery"},
                    },
                },
                "encoding": {"query": {"contentType": "application/json"}},
            },
        },
    }
}


@router.post(
    "",
    operation_id="createSearch",
    summary="Find a person",
    status_code=201,
    openapi_extra=_BODY,
    responses=declared(400, 404, 413, 415, 507),
)
async def create_search(
    state: StateDep, caller: CallerDep, request: Request, response: Response
) -> SearchAnswer:
    """Ranks the tracklets of the gallery by their likeness to the person on a probe.

    Send JSON that names a probe (or a tracklet of an earlier answer), or a form with the photo as `file` and
    the rest as JSON in `query`. The answer is recorded, with an audit event, before it leaves.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        answer = await _from_form(state, caller, request)
    elif kind == "application/json":
        answer = await _from_json(state, caller, request)
    else:
        raise InvalidRequest("Send application/json or multipart/form-data.", "content-type")
    response.headers["Location"] = f"/v1/searches/{answer.id}"
    return answer


@router.get(
    "/{search_id}",
    operation_id="getSearch",
    summary="A recorded search, page by page",
    responses=declared(404),
)
def get_search(
    state: StateDep,
    caller: CallerDep,
    search_id: Annotated[str, Path(max_length=64)],
    cursor: Annotated[
        str | None, Query(max_length=100, description="`next_cursor` of the page before")
    ] = None,
    limit: Annotated[int | None, Query(ge=1, le=MAX_LIMIT, description="Hits on the page")] = None,
) -> SearchAnswer:
    """The answer as it was, whatever was indexed since; hits erased since are left out, with a warning."""
    return searching.page(state, caller, search_id, cursor, limit)


async def _from_json(state: State, caller: Caller, request: Request) -> SearchAnswer:
    wanted = _parse(SearchRequest, await request.body())
    choice = wanted.probes[0]

    def search() -> SearchAnswer:
        question = searching.ask(state.gallery, wanted, state.settings.rank_by)
        if choice.tracklet_id is not None:
            return searching.search_tracklet(state, caller, choice.tracklet_id, question)
        assert choice.probe_id is not None
        probe = probing.own_probe(state, caller, choice.probe_id)
        chosen = probing.choose(probe, probing.probe_pixels(probe), choice)
        return searching.search_probe(state, caller, chosen, question)

    return await state.networks_lane.run(caller.key_id, request, search)


async def _from_form(state: State, caller: Caller, request: Request) -> SearchAnswer:
    async with request.form(max_files=1, max_fields=1, max_part_size=_MAX_QUERY) as form:
        file, query = form.get("file"), form.get("query", "{}")
        if not isinstance(file, UploadFile):
            raise InvalidRequest("The form needs the photo as a file named `file`.", "/file")
        if not isinstance(query, str):
            raise InvalidRequest("`query` must be a field, not a file.", "/query")
        data = await file.read()
    wanted = _parse(SearchQuery, query.encode())

    def search() -> SearchAnswer:
        # Wrong filters end here, before anything is stored.
        question = searching.ask(state.gallery, wanted, state.settings.rank_by)
        probe, pixels = probing.add_probe(state, caller, data)
        choice = ProbeChoice(probe_id=probe.id, person=wanted.person, box=wanted.box)
        chosen = probing.choose(probe, pixels, choice)
        return searching.search_probe(state, caller, chosen, question)

    return await state.networks_lane.run(caller.key_id, request, search)


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
