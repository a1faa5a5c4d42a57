"""What the path of a recording says of its camera and its start, by a pattern that the operator gives."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from indexer.errors import BadPattern, UnreadablePath

_FIELDS: Final = {
    "camera": r"[^/]+?",
    "year": r"\d{4}",
    "month": r"\d{2}",
    "day": r"\d{2}",
    "hour": r"\d{2}",
    "minute": r"\d{2}",
    "second": r"\d{2}",
    "fraction": r"\d{1,9}",
    "offset": r"Z|[+-]\d{2}:?\d{2}",
    "epoch": r"\d{10}(?:\d{3})?",
}
_ANYTHING: Final = {"*": r"[^/]*", "**": r".*"}
_LEAST: Final = ("year", "month", "day", "hour", "minute")
_EXAMPLE: Final = "{camera}/{year}-{month}-{day}_{hour}-{minute}-{second}.mp4"


@dataclass(frozen=True, slots=True)
class Said:
    """What a path says.

    Attributes:
        camera: its name; None if the pattern does not look for it.
        start: of the recording, with an offset, or by the camera's clock; None if the pattern does not look.
    """

    camera: str | None
    start: datetime | None


class Pattern:
    """A template like `{camera}/{year}-{month}-{day}_{hour}{minute}{second}.mp4`, or a regular expression.

    It is compared with the whole path below the watched folder, with `/` between folders. A template has
    fields in braces, `{*}` for anything within a name and `{**}` for anything at all; a field that comes
    twice has to say the same. A regular expression has named groups of the same names.

    Args:
        text: the pattern; with `(?P<` in it, it is a regular expression.
        camera: whether it has to name the camera.
        start: whether it has to name the start.

    Raises:
        BadPattern: it cannot be read, has unknown fields, or lacks some.
    """

    def __init__(self, text: str, *, camera: bool, start: bool) -> None:
        source = text if "(?P<" in text else _compiled(text)
        try:
            self._expression = re.compile(source, re.ASCII)
        except (re.error, OverflowError, RecursionError) as error:
            raise BadPattern(f"the pattern {text!r} cannot be read: {error}") from error
        has = set(self._expression.groupindex)
        if unknown := has - set(_FIELDS):
            named = ", ".join(sorted(unknown))
            raise BadPattern(f"the pattern looks for {named}; it can look for {', '.join(_FIELDS)}")
        self._has_start = "epoch" in has or has.issuperset(_LEAST)
        if camera and "camera" not in has:
            raise BadPattern(f"the pattern does not say where the camera's name stands, as in {_EXAMPLE}")
        if start and not self._has_start:
            raise BadPattern(f"the pattern does not say where the start stands, as in {_EXAMPLE}")

    def read(self, path: str) -> Said:
        """Read a path below the watched folder. Raises UnreadablePath."""
        found = self._expression.fullmatch(path)
        if found is None:
            raise UnreadablePath("its path does not fit the pattern")
        said = {name: value for name, value in found.groupdict().items() if value is not None}
        camera = said.get("camera")
        if camera is not None and not camera.strip():
            raise UnreadablePath("its path names no camera")
        return Said(camera, _start(said) if self._has_start else None)


def _compiled(template: str) -> str:
    """A regular expression for a template."""
    parts, seen = [], set()
    for literal, field in re.findall(r"([^{}]*)(?:\{([^{}]*)\}|$)", template):
        parts.append(re.escape(literal))
        if field in _ANYTHING:
            parts.append(_ANYTHING[field])
        elif field in seen:
            parts.append(f"(?P={field})")
        elif field in _FIELDS:
            seen.add(field)
            parts.append(f"(?P<{field}>{_FIELDS[field]})")
        elif field:
            raise BadPattern(
                f"the pattern looks for {field!r}; it can look for {', '.join(_FIELDS)}, * and **"
            )
    if template.count("{") != template.count("}") or "{}" in template:
        raise BadPattern(f"the braces of the pattern {template!r} do not match")
    return "".join(parts)


def _start(said: dict[str, str]) -> datetime:
    """The time that the fields say. Raises UnreadablePath."""
    try:
        if "epoch" in said:
            epoch = said["epoch"]
            milliseconds = int(epoch) if len(epoch) > 10 else int(epoch) * 1000
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
        values = [int(said[name]) for name in (*_LEAST, "second") if name in said]
        fraction = int(f"{said.get('fraction', '0'):0<6}"[:6])
        start = datetime(*values, microsecond=fraction)  # type: ignore[misc, arg-type]
        return start.replace(tzinfo=_offset(said["offset"])) if "offset" in said else start
    except (ValueError, OverflowError, KeyError) as error:
        raise UnreadablePath(f"its path says no time: {error}") from error


def _offset(text: str) -> timezone:
    if text == "Z":
        return UTC
    sign, hours, minutes = -1 if text[0] == "-" else 1, int(text[1:3]), int(text[-2:])
    return timezone(sign * timedelta(hours=hours, minutes=minutes))
