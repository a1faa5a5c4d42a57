"""Sign in on the page and out again."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from gallery import NotFound, Scope
from service import keys
from service.access import cookies
from service.access.limits import address_of
from service.auth import Caller, CallerDep
from service.errors import Unauthenticated
from service.key_schemas import CallerOut
from service.problems import declared
from service.state import StateDep

router = APIRouter(prefix="/v1/session", tags=["session"])


class SessionOut(BaseModel):
    """Who is signed in, and until when."""

    key_id: Annotated[str, Field(description="The key that everything is recorded with")]
    scopes: Annotated[list[Scope], Field(description="What it may do")]
    expires_at: Annotated[datetime, Field(description="When the session ends, however much it is used")]


@router.get("", operation_id="getSession", summary="Who asks, and what they may do")
def get_session(state: StateDep, caller: CallerDep) -> CallerOut:
    """For any key, token or session: a page can offer what is possible, and leave out the rest."""
    return keys.caller_out(state, caller)


@router.post("", operation_id="signIn", summary="Sign in on the page", status_code=201)
def sign_in(state: StateDep, caller: CallerDep, request: Request, response: Response) -> SessionOut:
    """For a browser: from now on it sends a cookie in place of the key.

    The key comes in a header as ever, so no page of another origin can sign a visitor in. Whatever changes
    something needs, with the cookie, the header X-CSRF-Token with the value of the second cookie.
    """
    if caller.key_id is None or caller.session_id is not None:
        raise Unauthenticated("Signing in takes an API key, in the X-API-Key header or as a bearer token.")
    sessions, settings = state.gallery.sessions, state.settings
    before = cookies.token_in(request.scope, request.headers)
    if before and (found := sessions.verify(before, idle=settings.session_idle)):
        with suppress(NotFound):  # another tab was quicker
            sessions.close(found[0].id, key_id=caller.key_id)
    opened, token = sessions.open(
        caller.key_id,
        lasts=_lasts(caller, timedelta(hours=settings.session_hours)),
        roles=caller.roles,
        detail={"address": address_of(request.scope)},
    )
    cookies.put(response, request.scope, token)
    scopes = [scope for scope in Scope if scope in caller.scopes]
    return SessionOut(key_id=caller.key_id, scopes=scopes, expires_at=opened.expires_at)


def _lasts(caller: Caller, longest: timedelta) -> timedelta:
    """How long a session may last: not longer than the token that it was opened with."""
    if caller.until is None:
        return longest
    return max(timedelta(0), min(longest, caller.until - datetime.now(UTC)))


@router.delete(
    "", operation_id="signOut", summary="Sign out on the page", status_code=204, responses=declared(404)
)
def sign_out(state: StateDep, caller: CallerDep, request: Request) -> Response:
    """Ends the session whose cookie is sent, in all tabs of that browser."""
    if caller.session_id is None:
        raise NotFound("this request came with no session")
    state.gallery.sessions.close(caller.session_id, key_id=caller.key_id)
    response = Response(status_code=204)
    cookies.take(response, request.scope)
    return response
