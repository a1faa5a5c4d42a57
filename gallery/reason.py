"""Why people are looked at: the purpose and case number that every audit event of a request carries."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from gallery.records.access import Reason
from gallery.validation import given_words

LONGEST_PURPOSE: Final = 500
LONGEST_CASE_NUMBER: Final = 100
_current: Final[ContextVar[Reason | None]] = ContextVar("reason", default=None)


@contextmanager
def because(purpose: str | None = None, case_number: str | None = None) -> Iterator[None]:
    """Let every audit event say why, until the block ends.

    It holds for this thread or task, and for those that begin with a copy of its context.

    Args:
        purpose: in one's own words; white space counts as one space.
        case_number: as it is called elsewhere. What is empty was not given.

    Raises:
        InvalidInput: too long, or with characters that do not show or change the text around them.
    """
    given = Reason(
        _line(purpose, "the purpose", LONGEST_PURPOSE),
        _line(case_number, "the case number", LONGEST_CASE_NUMBER),
    )
    before = _current.set(given)
    try:
        yield
    finally:
        _current.reset(before)


def current() -> Reason:
    """Why what is done now is done, as far as it was said."""
    return _current.get() or Reason()


def as_detail() -> dict[str, Any]:
    """The reason as the detail of an event holds it: under `reason`, and nothing where nothing was said."""
    given = current()
    parts = {"purpose": given.purpose, "case_number": given.case_number}
    said = {name: value for name, value in parts.items() if value is not None}
    return {"reason": said} if said else {}


def _line(value: str | None, what: str, longest: int) -> str | None:
    line = " ".join((value or "").split())
    if not line:
        return None
    return given_words(line, what, longest=longest)
