"""Evidence packages, and the hits of a search for a spreadsheet."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from service.auth import CallerDep
from service.evidence import package
from service.evidence.package import DEFAULT_HITS, MOST_HITS, Package
from service.evidence_schemas import PackageList, packages_out
from service.problems import declared
from service.routes.parameters import SearchId
from service.searches import answers, hit_table
from service.state import StateDep

router = APIRouter(prefix="/v1/searches/{search_id}", tags=["evidence"])
Hits = Annotated[
    int,
    Query(
        ge=0, le=MOST_HITS, description="So many first hits of a search get clips, besides all marked ones"
    ),
]
OnlyConfirmed = Annotated[
    bool,
    Query(
        description="Clips, and a case's journey, of those hits alone whose mark a second person confirmed; "
        "`hits` counts for nothing then"
    ),
]
ZIP: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The package, made while it is sent",
        "headers": {
            "Sightline-Package": {
                "description": "`package_id` of the package in the list of those that were made",
                "schema": {"type": "string"},
            }
        },
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get(
    "/evidence",
    operation_id="getSearchEvidence",
    summary="The evidence package of a search",
    response_class=StreamingResponse,
    responses={**ZIP, **declared(404, 409)},
)
def get_search_evidence(
    state: StateDep,
    caller: CallerDep,
    request: Request,
    search_id: SearchId,
    *,
    hits: Hits = DEFAULT_HITS,
    only_confirmed: OnlyConfirmed = False,
) -> Response:
    """A ZIP with photo, hits, clips, boxes, coverage, model card, marks, audit trail, report and verifier.

    Its manifest has the SHA-256 of every file and of the recordings; the SHA-256 of the manifest is recorded
    in the audit trail before the last bytes leave, see `/evidence/made`. A recording that is gone, damaged
    or another one is named in `left_out` of the manifest, and no clip of it is in the package. An answer
    that breaks off is no package: the verifier refuses it. 409: `only_confirmed`, and no mark is.
    """
    info = answers.own_search(state, caller, search_id)

    def make() -> Package:
        return package.of_search(state, caller, info, hits, only_confirmed=only_confirmed)

    return sent(request, make, f"search-{info.id[:12]}")


@router.get(
    "/evidence/made",
    operation_id="listSearchEvidence",
    summary="The packages made of a search",
    responses=declared(404),
)
def list_search_evidence(state: StateDep, caller: CallerDep, search_id: SearchId) -> PackageList:
    """The newest first, each with the SHA-256 of its manifest: what to give the verifier as --digest."""
    info = answers.own_search(state, caller, search_id)
    return packages_out(package.made(state, info.id))


@router.get(
    "/hits.csv",
    operation_id="getHitsCsv",
    summary="All hits of a search as CSV",
    response_class=Response,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **declared(404)},
)
def get_hits_csv(state: StateDep, caller: CallerDep, search_id: SearchId) -> Response:
    """Every recorded hit, on the clock of its camera. An apostrophe precedes what would be a formula."""
    info = answers.own_search(state, caller, search_id)
    state.gallery.audit.record("search.read", key_id=caller.key_id, subject=info.id, detail={"as": "csv"})
    rows = hit_table.rows(answers.whole(state, info).hits, state.gallery.catalogue)
    return Response(hit_table.written(rows, hit_table.COLUMNS), media_type="text/csv")


def sent(request: Request, make: Any, name: str) -> Response:
    """A package as an answer; nothing is made for HEAD."""
    headers = {"Content-Disposition": f'attachment; filename="sightline-{name}.zip"'}
    if request.scope["state"].get("headless"):
        return Response(media_type="application/zip", headers=headers)
    made: Package = make()
    headers["Sightline-Package"] = made.id  # finds its digest among those of others
    return StreamingResponse(made.stream(request), media_type="application/zip", headers=headers)
