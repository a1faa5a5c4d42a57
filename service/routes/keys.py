"""Keys of the API, and the sessions of the page that were opened with them."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from service import keys
from service.auth import CallerDep
from service.key_schemas import KeyIn, KeyList, KeyOut, NewKey, RevokeIn, SignedInList, SignedInOut
from service.problems import declared
from service.state import StateDep

router = APIRouter(prefix="/v1", tags=["keys"])
KeyId = Annotated[str, Path(max_length=64, description="The key")]
SessionId = Annotated[str, Path(max_length=64, description="The session")]


@router.get("/keys", operation_id="listKeys", summary="All keys")
def list_keys(state: StateDep) -> KeyList:
    """What each may do and see, until when, and when it was last used; never a secret."""
    found = state.gallery.keys.list()
    return KeyList(items=[KeyOut.model_validate(one, from_attributes=True) for one in found])


@router.post(
    "/keys", operation_id="createKey", summary="Make a key", status_code=201, responses=declared(413)
)
def create_key(state: StateDep, caller: CallerDep, wanted: KeyIn) -> NewKey:
    """Its secret is shown this once. It may do no more than the key that makes it, and no longer.

    Who came with a token of an issuer makes none: the key would outlast their roles.
    """
    key, secret = keys.make(state, caller, wanted)
    return NewKey(**KeyOut.model_validate(key, from_attributes=True).model_dump(), secret=secret)


@router.post(
    "/keys/{key_id}/revoke",
    operation_id="revokeKey",
    summary="Revoke a key",
    responses=declared(404, 409, 413),
)
def revoke_key(state: StateDep, caller: CallerDep, key_id: KeyId, wanted: RevokeIn) -> KeyOut:
    """The next request with it, or with a session that it opened, is refused. It stays in the list.

    409: no other key could make keys then, and `even_last` is not set.
    """
    key = state.gallery.keys.revoke(key_id, by=caller.key_id, keep_last=not wanted.even_last)
    return KeyOut.model_validate(key, from_attributes=True)


@router.get("/sessions", operation_id="listSessions", summary="Who is signed in on the page")
def list_sessions(state: StateDep) -> SignedInList:
    """Sessions that can be used now."""
    found = state.gallery.sessions.list(idle=state.settings.session_idle)
    return SignedInList(items=[SignedInOut.model_validate(one, from_attributes=True) for one in found])


@router.delete(
    "/sessions/{session_id}",
    operation_id="endSession",
    summary="Sign somebody out",
    status_code=204,
    response_class=Response,
    responses=declared(404),
)
def end_session(state: StateDep, caller: CallerDep, session_id: SessionId) -> None:
    """The next request with it asks to sign in. The key that it was opened with stays."""
    state.gallery.sessions.close(session_id, key_id=caller.key_id)
