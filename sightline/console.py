"""Shared by the commands: printing, reading settings, showing lists."""

import io
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

import typer
from pydantic_settings import BaseSettings
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from indexer.errors import NoSuchZone, NotOneTime
from indexer.local_time import in_zone, zone_of
from indexer.names import shown
from sightline.failures import CommandError

if TYPE_CHECKING:
    from gallery import Gallery, GallerySettings


class PlainConsole(Console):
    """A console that shows text as it is: nothing in it is markup, and nothing steers the terminal."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """As rich does, with what does not print escaped; lines stay lines."""
        return super().render_str("\n".join(map(shown, text.split("\n"))), **options)


output = PlainConsole()
errors = PlainConsole(stderr=True)

DataDir = Annotated[
    Path | None,
    typer.Option(help="Folder of the gallery; SIGHTLINE_DATA_DIR says the same, ./data is the default."),
]
Runtime = Annotated[
    str | None,
    typer.Option(help="What embeds: auto, torch or onnx [default: SIGHTLINE_INDEX_RUNTIME, or auto]."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of a table.")]

_Settings = TypeVar("_Settings", bound=BaseSettings)


def never_fail_to_print() -> None:
    """Escape what a terminal's encoding cannot show instead of ending in UnicodeEncodeError."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def read_settings(kind: type[_Settings], **options: Any) -> _Settings:
    """Settings from the environment, overridden by the options that were given (None: not given)."""
    return kind(**{name: value for name, value in options.items() if value is not None})


def open_gallery(settings: "GallerySettings", *, looks: bool = False) -> "Gallery":
    """Open the gallery; a first one is made on the spot, an older one is never migrated unasked.

    Args:
        settings: which gallery.
        looks: people are shown, or what was found out about them: that may need a reason.

    Raises:
        CommandError: it needs one, and none was given.
    """
    from gallery import Gallery
    from gallery.reason import current

    if looks:
        wanted = [
            option
            for option, required, given in (
                ("--purpose", settings.require_purpose, current().purpose),
                ("--case-number", settings.require_case_number, current().case_number),
            )
            if required and given is None
        ]
        if wanted:
            options = " ".join(f"{option} ..." for option in wanted)
            raise CommandError("looks at people must say why here", f"sightline {options} COMMAND")

    first = settings.database_url is None and not (settings.data_dir / "gallery.sqlite3").exists()
    return Gallery.open(settings, create=first)


def moment(text: str, time_zone: str) -> datetime:
    """A time in ISO 8601; without an offset it is the clock of `time_zone` (an IANA name).

    Raises:
        CommandError: no such time or zone; or, as clocks are changed, the time comes twice or not at all.
    """
    try:
        value = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"not a time: {text!r}", "write it like 2026-01-31T09:00:00+01:00") from error
    if value.tzinfo is not None:
        return value
    try:
        return in_zone(value, zone_of(time_zone))
    except NoSuchZone as error:
        raise CommandError(str(error), "use an IANA name like Europe/Berlin") from error
    except NotOneTime as error:
        said = str(error).replace(value.isoformat(), text, 1)
        raise CommandError(said, f"give an offset: {error.choices}") from error


def print_json(value: object) -> None:
    """Print for programs: no colour, no wrapping; ASCII where the terminal has no other characters."""
    text = json.dumps(value, ensure_ascii=False, indent=2, default=_plain)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=2, default=_plain)
    typer.echo(text)


def print_csv(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> None:
    """Print rows for a spreadsheet, under the names of `columns`.

    Text that a spreadsheet would compute is preceded by an apostrophe, for names come from outside; what does
    not print is escaped, as a terminal may be what reads it.
    """
    from service.searches.hit_table import written

    printed = [
        {name: shown(cell) if isinstance(cell, str) else cell for name, cell in row.items()} for row in rows
    ]
    typer.echo(written(printed, columns), nl=False)


def print_table(rows: Sequence[Mapping[str, object]], *, empty: str = "") -> None:
    """Print rows under the names of the first row's keys, or `empty` when there is none."""
    if not rows:
        output.print(empty)
        return
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", padding=0)
    for name in rows[0]:
        numbers = any(isinstance(row.get(name), int | float) for row in rows)
        side: Literal["left", "right"] = "right" if numbers else "left"
        table.add_column(name.replace("_", " "), justify=side, overflow="fold")  # ids can be copied whole
    for row in rows:
        table.add_row(*(shown(_cell(value)) for value in row.values()))
    # A pipe has no width: a line a row, whatever its length, can be searched and cut.
    (output if output.is_terminal else PlainConsole(width=1000)).print(table)


def local_time(value: datetime, time_zone: str) -> str:
    """A time on the clock of a camera, to the second."""
    return value.astimezone(ZoneInfo(time_zone)).strftime("%Y-%m-%d %H:%M:%S")


def print_line(text: str) -> None:
    """Print a line of any length, unbroken."""
    output.print(text, soft_wrap=True)


def print_note(text: str) -> None:
    """Print what should be known about a result."""
    output.print(f"Note: {text}", style="yellow", soft_wrap=True)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)
