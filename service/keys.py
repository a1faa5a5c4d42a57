"""Making keys over the API: nobody gives what they do not have."""

from gallery import KeyInfo, NotFound, Scope
from service.auth import Caller
from service.errors import Forbidden, InvalidRequest
from service.key_schemas import CallerOut, KeyIn
from service.scopes import operations_of
from service.state import State


def make(state: State, caller: Caller, wanted: KeyIn) -> tuple[KeyInfo, str]:
    """Make a key that may do no more, and no longer, than the caller's; returns it with its secret.

    Raises:
        Forbidden: it would, or the caller has no key of its own that could answer for it.
        InvalidRequest: no such camera group.
    """
    if (refusal := _too_much(state, caller, wanted)) is not None:
        state.gallery.audit.record(
            "key.refuse", key_id=caller.key_id, subject="createKey", detail={"said": refusal}
        )
        raise Forbidden(refusal)
    try:
        return state.gallery.keys.create(
            wanted.name,
            expires_at=wanted.expires_at,
            scopes=wanted.scopes,
            groups=wanted.camera_groups,
            by=caller.key_id,
        )
    except NotFound as error:
        raise InvalidRequest(f"There is {error}.", "/camera_groups") from error


def _too_much(state: State, caller: Caller, wanted: KeyIn) -> str | None:
    """Why a key would give more than its maker has; None: it would not."""
    if caller.key_id is None:
        return "Keys are made by who has a key: `sightline keys create` makes the first one."
    own = state.gallery.keys.get(caller.key_id)
    if own.subject is not None:
        return "A key would outlast the token that you came with: make keys with a key."
    if lacking := [scope.value for scope in Scope if scope in set(wanted.scopes) - caller.scopes]:
        return f"Your key lacks what you would give: {', '.join(lacking)}."
    if own.expires_at is not None and (wanted.expires_at is None or wanted.expires_at > own.expires_at):
        return f"The key would outlast yours, which expires on {own.expires_at:%Y-%m-%d at %H:%M} UTC."
    return None


def caller_out(state: State, caller: Caller) -> CallerOut:
    """Who asks, as the page needs to know it."""
    key = None if caller.key_id is None else state.gallery.keys.get(caller.key_id)
    session = None if caller.session_id is None else state.gallery.sessions.get(caller.session_id)
    operations = operations_of(caller.scopes, all_cameras=caller.cameras is None)
    return CallerOut(
        key_id=caller.key_id,
        name=None if key is None else key.name,
        scopes=[scope for scope in Scope if scope in caller.scopes],
        all_cameras=caller.cameras is None,
        operations=operations,
        media_folder=state.settings.media_dir is not None and "listMedia" in operations,
        session_expires_at=None if session is None else session.expires_at,
    )
