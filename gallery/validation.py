"""Checks of values before they are stored: what passes, both databases store and give back the same.

PostgreSQL refuses NUL in text and JSON, NaN in JSON and varchar over its length; SQLite takes all of it.
Refusing at the door gives callers one clear error instead of two databases' habits.
"""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gallery.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Co", "Cn"})
_JOINERS = frozenset("\u200c\u200d")  # Persian, Indian languages and emoji are written with them
# What shows as nothing although Unicode counts it among letters, marks and symbols: the fillers of Hangul,
# vowels that Khmer implies, the blank of Braille, a note without a head, what holds accents together.
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U0001d159")
_MOST_ATTACHED = 8  # accents and the like to one letter: more run into the lines around it
_LAYOUT = str.maketrans("\n\t", "  ")
MAX_JSON_BYTES = 32 * 1024 * 1024
_MODEL_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_ID = re.compile(r"[0-9a-f]{32}")
_TRACKLET_ID = re.compile(r"[0-9a-f]{32}-(0|[1-9][0-9]{0,6})")
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


def text(value: str, what: str, *, longest: int = 1000) -> str:
    """Return `value` if it can be stored: 1 to `longest` characters, UTF-8 encodable, no NUL."""
    if not isinstance(value, str):
        raise InvalidInput(f"{what} must be text, not {type(value).__name__}")
    if not 1 <= len(value) <= longest:
        raise InvalidInput(f"{what} must have 1 to {longest} characters, not {len(value)}")
    if "\0" in value:
        raise InvalidInput(f"{what} contains a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(f"{what} cannot be written as UTF-8: {value!r}") from error
    return value


def given_name(value: str, what: str, *, longest: int = 200) -> str:
    """Return a name that somebody gives to something, in its one spelling (Unicode NFC).

    Names stand in lists, logs, reports and on command lines: one line, no blank at the ends, and nothing that
    does not show or turns the text around it.

    Raises:
        InvalidInput: it is something else.
    """
    given = unicodedata.normalize("NFC", text(value, what, longest=longest))
    if given != given.strip():
        raise InvalidInput(f"{what} has blanks at its ends, or nothing else: {given!r:.200}")
    _require_shown(given, what)
    return given


def given_words(value: str, what: str, *, longest: int) -> str:
    """Return what somebody writes: lines and tabs are welcome, other control characters are not.

    Raises:
        InvalidInput: only blanks, or characters that do not show or turn the text around them.
    """
    said = text(value, what, longest=longest)
    if not said.strip():
        raise InvalidInput(f"{what} has nothing but blanks")
    _require_shown(said.replace("\r\n", "\n").translate(_LAYOUT), what)
    return said


def optional_name(value: str | None, what: str, *, longest: int = 200) -> str | None:
    """Like `given_name`, but None passes."""
    return None if value is None else given_name(value, what, longest=longest)


def optional_words(value: str | None, what: str, *, longest: int) -> str | None:
    """Like `given_words`, but None passes."""
    return None if value is None else given_words(value, what, longest=longest)


def _require_shown(value: str, what: str) -> None:
    attached = _MOST_ATTACHED  # to what came last; a blank bears nothing
    for one in value:
        category = unicodedata.category(one)
        if one in _JOINERS or category[0] == "M":  # variation selectors are marks, too
            attached += 1
        else:
            attached = _MOST_ATTACHED if category == "Zs" else 0
        if attached > _MOST_ATTACHED or one in _FILLERS or (category in _UNSEEN and one not in _JOINERS):
            raise InvalidInput(
                f"{what} has characters that do not show or that change the text around them: {value!r:.200}"
            )


def model_name(name: str) -> str:
    """Return a name that a model may have, as cards have them: it is the name of a folder too."""
    if not isinstance(name, str) or _MODEL_NAME.fullmatch(name) is None:
        raise InvalidInput(f"no name of a model: {name!r:.100}; up to 64 of a-z, 0-9, '.', '_' and '-'")
    return name


def optional_text(value: str | None, what: str, *, longest: int = 1000) -> str | None:
    """Like `text`, but None passes."""
    return None if value is None else text(value, what, longest=longest)


def known_id(value: str, what: str) -> str:
    """Return `value` if it has the form of an id (32 hex digits), else nothing can bear it: NotFound."""
    if not isinstance(value, str) or _ID.fullmatch(value) is None:
        raise NotFound(f"no {what} {value!r}"[:200])
    return value


def is_tracklet_id(value: str) -> bool:
    """Tell whether `value` has the form of a tracklet's id: a video's id and a number."""
    return _TRACKLET_ID.fullmatch(value) is not None


def moment(value: datetime, what: str) -> datetime:
    """Return an aware time between 1970 and 2200 as UTC."""
    if value.tzinfo is None:
        raise InvalidInput(f"{what} has no time zone: {value.isoformat()}")
    try:
        in_utc = value.astimezone(UTC)
    except OverflowError as error:
        raise InvalidInput(f"{what} is out of range: {value.isoformat()}") from error
    if not _EARLIEST <= in_utc < _LATEST:
        raise InvalidInput(f"{what} must lie between 1970 and 2200: {value.isoformat()}")
    return in_utc


def json_object(value: "Mapping[str, Any] | DataclassInstance", what: str) -> dict[str, Any]:
    """Return a plain copy of a mapping or record if it is a JSON object that both databases store."""
    copy = _json_copy(value, what)
    if not isinstance(copy, dict):
        raise InvalidInput(f"{what} must be a JSON object")
    return copy


def json_list(value: Sequence[Any], what: str) -> list[Any]:
    """Return a plain copy of `value` if it is a JSON array that both databases store."""
    copy = _json_copy(value, what)
    if not isinstance(copy, list):
        raise InvalidInput(f"{what} must be a JSON array")
    return copy


def _json_copy(value: object, what: str) -> object:
    try:
        encoded = json.dumps(value, allow_nan=False, ensure_ascii=False, default=_plain).encode()
    except (TypeError, ValueError, RecursionError) as error:  # UnicodeEncodeError is a ValueError
        raise InvalidInput(f"{what} is not JSON: {error}"[:500]) from error
    if len(encoded) > MAX_JSON_BYTES:
        raise InvalidInput(f"{what} has {len(encoded)} bytes of JSON, more than {MAX_JSON_BYTES}")
    if b"\\u0000" in encoded and _has_nul(json.loads(encoded)):
        raise InvalidInput(f"{what} contains a NUL character")
    return json.loads(encoded)


def _plain(value: object) -> object:
    """Mappings of any kind and records become objects, times ISO 8601."""
    if isinstance(value, Mapping):
        return dict(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _has_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in key or _has_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(_has_nul(item) for item in value)
