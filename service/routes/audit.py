"""The audit trail, for keys that may read it."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from service.auth import CallerDep
from service.schemas import Instant
from service.state import StateDep

router = APIRouter(prefix="/v1/audit-events", tags=["audit"])


class AuditEventOut(BaseModel):
    """Who did what, to what, when."""

    id: int = Field(description="Counts up; the place in the trail")
    at: datetime = Field(description="When, in UTC")
    key_id: str | None = Field(description="The key that did it; null for the command line and the system")
    action: str = Field(description="What was done", examples=["search.read"])
    subject: str | None = Field(description="The id of what it was done to")
    detail: dict[str, Any] = Field(description="Parameters; never a picture")
    digest: str = Field(description="SHA-256 of the event and of the digest before it, in hexadecimal")


class AuditEventList(BaseModel):
    """A page of the audit trail."""

    items: list[AuditEventOut] = Field(description="Events, the newest first")
    next_before: int | None = Field(description="`before` of the next page; null on the last one")


class AuditAnchorOut(BaseModel):
    """Where the audit trail ends."""

    event: int = Field(description="The id of the last event; 0 where there is none")
    digest: str = Field(description="Its digest: who has noted it can tell a trail that was written anew")


@router.get("/anchor", operation_id="getAuditAnchor", summary="Where the audit trail ends")
def get_audit_anchor(state: StateDep, _caller: CallerDep) -> AuditAnchorOut:
    """Note it where nobody who can change the database can change it: a later check takes it."""
    return AuditAnchorOut.model_validate(state.gallery.audit.anchor(), from_attributes=True)


@router.get("", operation_id="listAuditEvents", summary="The audit trail, the newest event first")
def list_audit_events(
    state: StateDep,
    caller: CallerDep,
    *,
    action: Annotated[
        str | None,
        Query(max_length=100, description="Only these; `search.` with the dot: all that begin so"),
    ] = None,
    key_id: Annotated[str | None, Query(max_length=32, description="Only what this key did")] = None,
    subject: Annotated[str | None, Query(max_length=1000, description="Only what was done to this")] = None,
    start: Annotated[Instant | None, Query(description="Only events at or after this time")] = None,
    end: Annotated[Instant | None, Query(description="Only events before this time")] = None,
    before: Annotated[int | None, Query(ge=0, lt=2**63, description="Only events before this one")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Events on the page")] = 100,
) -> AuditEventList:
    """Reading it is an event as well. `POST /v1/audit-events/verify` checks it."""
    found = state.gallery.audit.events(
        action=action,
        key_id=key_id,
        subject=subject,
        start=start,
        end=end,
        before=before,
        limit=limit,
    )
    period = [None if one is None else one.isoformat() for one in (start, end)]
    asked: dict[str, Any] = {
        "action": action,
        "key": key_id,
        "subject": subject,
        "before": before,
        "events": len(found),
    }
    asked |= {"period": period} if any(period) else {}
    state.gallery.audit.record("audit.list", key_id=caller.key_id, detail=asked)
    items = [AuditEventOut.model_validate(event, from_attributes=True) for event in found]
    return AuditEventList(items=items, next_before=found[-1].id if len(found) == limit else None)
