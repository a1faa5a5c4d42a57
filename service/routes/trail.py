"""The audit trail as a whole: whether it is as it was recorded, and a copy of it to take away."""

from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from itertools import islice
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from gallery import EventInfo, Gallery, InvalidInput, anchor_of, exported
from service.access.slow_bodies import require_still
from service.auth import CallerDep
from service.errors import InvalidRequest
from service.problems import declared
from service.routes.audit import AuditAnchorOut
from service.schemas import RequestModel
from service.state import StateDep
from service.turns import Turns
from service.work import in_turn

router = APIRouter(prefix="/v1/audit-events", tags=["audit"])
MEDIA_TYPE: Final = "application/x-ndjson"
_AT_ONCE = 500  # events in memory, and in one read transaction


class VerifyIn(RequestModel):
    """What the trail is to be held against besides itself."""

    anchors: list[Annotated[str, Field(max_length=200)]] = Field(
        default=[],
        max_length=100,
        description="Digests that were noted before, as `ID:DIGEST`; 24 digits of each will do",
    )


class TrailReport(BaseModel):
    """What a check of the audit trail found."""

    intact: bool = Field(description="Every event is as it was recorded, and none is missing")
    events: int = Field(description="How many were checked")
    last: AuditAnchorOut | None = Field(
        description="Where the trail ends, or the last event that is in order"
    )
    broken_at: int | None = Field(
        description="The first event that is not, or after which events are missing"
    )
    reason: str | None = Field(description="What is wrong there")


@router.post(
    "/verify",
    operation_id="verifyAuditTrail",
    summary="Check that the audit trail is as it was recorded",
    responses=declared(413),
)
async def verify_audit_trail(
    state: StateDep, caller: CallerDep, request: Request, wanted: VerifyIn
) -> TrailReport:
    """Hashes all events again, a minute for each few million of them; one check runs at a time.

    Who can change the database can write all of it anew: only a digest noted elsewhere finds that out.
    """
    try:
        anchors = [anchor_of(text) for text in wanted.anchors]
    except InvalidInput as error:
        raise InvalidRequest(f"{error}.", "/anchors") from error

    def check() -> TrailReport:
        report = state.gallery.audit.verify(anchors)
        detail = {"events": report.events, "anchors": len(anchors), "broken_at": report.broken_at}
        state.gallery.audit.record("audit.verify", key_id=caller.key_id, detail=detail)
        last = (
            None if report.last is None else AuditAnchorOut.model_validate(report.last, from_attributes=True)
        )
        return TrailReport(
            intact=report.broken_at is None,
            events=report.events,
            last=last,
            broken_at=report.broken_at,
            reason=report.reason,
        )

    return await state.trail_lane.run(caller.key_id, request, check)


@router.get(
    "/export",
    operation_id="exportAuditTrail",
    summary="A copy of the audit trail",
    response_class=StreamingResponse,
    responses={
        200: {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
        **declared(404),
    },
)
def export_audit_trail(
    state: StateDep,
    caller: CallerDep,
    request: Request,
    after: Annotated[int, Query(ge=0, lt=2**63, description="Only events after this one")] = 0,
) -> Response:
    """One event a line, in JSON. `sightline audit verify --file` checks it without the gallery."""
    audit = state.gallery.audit
    start, end = audit.anchor_at(after), audit.anchor().event
    headers = {"Content-Disposition": f'attachment; filename="sightline-audit-{after}-{end}.jsonl"'}
    if request.scope["state"].get("headless"):
        return Response(media_type=MEDIA_TYPE, headers=headers)
    audit.record("audit.export", key_id=caller.key_id, detail={"after": after, "until": end})
    lines = exported(start, _events(state.gallery, after, end))
    parts = _while_allowed(request, state.turns, caller.key_id, lines)
    return StreamingResponse(parts, media_type=MEDIA_TYPE, headers=headers)


async def _while_allowed(
    request: Request, turns: Turns, key_id: str | None, lines: Iterator[str]
) -> AsyncIterator[str]:
    """Lines, some at once, while the caller may read them: a copy that breaks off is found to be none.

    Each part is read in its key's turn, so copies leave threads to the others; between parts nothing is held.
    """
    while part := await in_turn(turns, key_id, lambda: "".join(islice(lines, _AT_ONCE))):
        await require_still(request)
        yield part


def _events(gallery: Gallery, after: int, end: int) -> Iterator[EventInfo]:
    """The events up to one, in pages: a slow reader holds no transaction open."""
    while after < end:
        with closing(gallery.audit.trail(after=after)) as rows:  # type: ignore[type-var]
            page = list(islice(rows, _AT_ONCE))
        if not page:
            return
        yield from (event for event in page if event.id <= end)
        after = page[-1].id
