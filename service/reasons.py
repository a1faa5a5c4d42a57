"""Why a request is made: two headers that stand in every audit event of it, and may have to be there.

Like the key they are checked before a byte of the body is read, and for every route at once.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from gallery import InvalidInput, because
from gallery import Scope as KeyScope
from service import problems
from service.errors import InvalidRequest, ReasonMissing
from service.scopes import NEEDED

PURPOSE: Final = "X-Purpose"
CASE_NUMBER: Final = "X-Case-Number"

_PEOPLE: Final = frozenset({KeyScope.SEARCH, KeyScope.VIEW, KeyScope.REVIEW})
_OF_OTHER_SCOPES: Final = frozenset({"planErasure", "erase", "eraseVideo", "getModelJobReport"})
# A plan lists who is near a person, a certificate says who was, a report shows pictures.
LOOKS: Final = _OF_OTHER_SCOPES | {
    operation for operation, needed in NEEDED.items() if needed and needed <= _PEOPLE
}
"""The operations that show people or what was found out about them, or erase them."""


class Reasons:
    """ASGI middleware: reads why, and refuses looks that do not say it.

    It is inside of authentication, which notes the operation.

    Args:
        app: what is asked.
        purpose, case_number: whether an operation of LOOKS must say it.
    """

    def __init__(self, app: ASGIApp, *, purpose: bool, case_number: bool) -> None:
        self._app = app
        self._required = {PURPOSE: purpose, CASE_NUMBER: case_number}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request under /v1 through with its reason, and everything else as it is."""
        if scope["type"] != "http" or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        with ExitStack() as stack:
            try:
                stack.enter_context(self._read(scope))
            except (InvalidRequest, ReasonMissing) as error:
                await problems.from_error(scope, error)(scope, receive, send)
                return
            await self._app(scope, receive, send)

    def _read(self, scope: Scope) -> ExitStack:
        """The reason that the headers give, to be entered."""
        given = {name: _value(scope, name) for name in (PURPOSE, CASE_NUMBER)}
        reason = ExitStack()
        try:
            reason.enter_context(because(given[PURPOSE], given[CASE_NUMBER]))
        except InvalidInput as error:
            raise InvalidRequest(f"{error}.", PURPOSE if "purpose" in str(error) else CASE_NUMBER) from error
        missing = [
            name for name, needed in self._required.items() if needed and not (given[name] or "").strip()
        ]
        if missing and scope["state"].get("operation") in LOOKS:
            reason.close()
            raise ReasonMissing(
                f"Who looks at people here says why: send {' and '.join(missing)} with each request."
            )
        return reason


def _value(scope: Mapping[str, Any], name: str) -> str | None:
    """A header as text: UTF-8, which most clients can only send percent-encoded, as in a URL."""
    found = [value for key, value in scope["headers"] if key == name.lower().encode()]
    if len(found) > 1:
        raise InvalidRequest(f"{name} comes {len(found)} times.", name)
    try:
        return unquote_to_bytes(found[0]).decode() if found else None
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{name} is not UTF-8, percent-encoded as in a URL.", name) from error
