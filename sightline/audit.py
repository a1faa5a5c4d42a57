"""`sightline audit`: who did what and when, and whether the record of it is whole."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from gallery import (
    Anchor,
    ChainReport,
    EventInfo,
    GallerySettings,
    InvalidInput,
    anchor_of,
    check_trail,
    exported,
)
from gallery.signing import check, sign
from gallery.signing import public_key as public_key_of
from gallery.trail_text import FORMAT, KIND, SHORTEST
from sightline.console import (
    AsJson,
    DataDir,
    open_gallery,
    print_json,
    print_line,
    print_table,
    read_settings,
)
from sightline.failures import CommandError

_LONGEST = 100_000  # characters of a file that is read as a signed anchor

app = typer.Typer(
    help="Read the audit trail, and check that nobody changed it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Noted = Annotated[
    list[str] | None,
    typer.Option(
        "--anchor",
        help="What `audit anchor` printed earlier, or a file that it signed; may be repeated.",
        metavar="ID:DIGEST|FILE",
    ),
]


@app.command("list")
def list_events(
    *,
    action: Annotated[str | None, typer.Option(help="Only these, such as search.read.")] = None,
    key: Annotated[str | None, typer.Option(help="Only what this key did, by its id.")] = None,
    subject: Annotated[str | None, typer.Option(help="Only what was done to this id.")] = None,
    before: Annotated[int | None, typer.Option(min=0, help="Only events before this one.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List events, newest first."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        found = gallery.audit.events(action=action, key_id=key, subject=subject, before=before, limit=limit)
        asked = {"action": action, "key": key, "subject": subject, "events": len(found)}
        gallery.audit.record("audit.list", detail=asked)
    if as_json:
        print_json([asdict(event) for event in found])
        return
    rows = [
        {
            "id": event.id,
            "at": f"{event.at:%Y-%m-%d %H:%M:%S} UTC",
            "key": (event.key_id or "-")[:12],
            "action": event.action,
            "subject": event.subject or "-",
            "detail": json.dumps(dict(event.detail), ensure_ascii=False) if event.detail else "",
        }
        for event in found
    ]
    print_table(rows, empty="Nothing is recorded yet.")


@app.command()
def verify(
    file: Annotated[
        Path | None, typer.Option("--file", help="An exported trail, instead of the gallery's.")
    ] = None,
    noted: Noted = None,
    public_key: Annotated[
        str | None, typer.Option(help="Of signed anchors, as `audit key` prints it.", metavar="HEX")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Check that every event is as it was recorded, and none is missing.

    Who can change the database can rewrite all of the trail: give what `audit anchor` printed earlier.
    """
    anchors = [_noted(text, public_key) for text in noted or ()]
    if file is None:
        with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
            report = gallery.audit.verify(anchors)
    else:
        report = _verify_file(file, anchors)
    if as_json:
        print_json(asdict(report))
    elif report.broken_at is None:
        end = f", up to {_text(report.last)}" if report.last else ""
        print_line(f"{report.events} events are as they were recorded{end}.")
    if report.broken_at is not None:
        raise CommandError(f"the audit trail is broken at event {report.broken_at}", report.reason or "")


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="New file, one event a line in JSON.")],
    *,
    after: Annotated[int, typer.Option(min=0, help="Only events after this one.")] = 0,
    data_dir: DataDir = None,
) -> None:
    """Write the trail into a file that `audit verify --file` can check without the gallery."""
    settings = read_settings(GallerySettings, data_dir=data_dir)
    with open_gallery(settings) as gallery:
        start = gallery.audit.anchor_at(after)
        try:
            with out.open("x", encoding="utf-8") as file:
                count = _write(file, start, gallery.audit.trail(after=after))
        except FileExistsError:
            raise CommandError(f"{out} is there already", "name a new file") from None
        except OSError as error:
            raise CommandError(f"{out} cannot be written", error.strerror or str(error)) from None
        gallery.audit.record("audit.export", detail={"after": after, "events": count})
    print_line(f"{count} events are in {out}.")


@app.command()
def anchor(
    *,
    signed: Annotated[
        bool, typer.Option("--sign", help="Sign it, as a line of JSON to be kept in a file.")
    ] = False,
    short: Annotated[
        bool, typer.Option("--short", help="Only the first 24 digits, to be written down by hand.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Print where the trail ends: note it where nobody who can change the database can change it."""
    if signed and short:
        raise CommandError("--sign and --short exclude each other", "leave one of them out")
    settings = read_settings(GallerySettings, data_dir=data_dir)
    with open_gallery(settings) as gallery:
        last = gallery.audit.anchor()
    if signed:
        typer.echo(sign(last, datetime.now(UTC), settings.resolved_anchor_key), nl=False)
    elif as_json:
        print_json(asdict(last))
    elif short:
        fours = [last.digest[at : at + 4] for at in range(0, SHORTEST, 4)]
        typer.echo(f"{last.event}:{'-'.join(fours)}")
    else:
        typer.echo(_text(last))


@app.command()
def key(data_dir: DataDir = None) -> None:
    """Print the public key that signed anchors are checked with; makes the key first if there is none."""
    typer.echo(public_key_of(read_settings(GallerySettings, data_dir=data_dir).resolved_anchor_key))


def _text(anchor: Anchor) -> str:
    return f"{anchor.event}:{anchor.digest}"


def _noted(text: str, public_key: str | None) -> Anchor:
    """An anchor that was noted: as text, or in a signed file, which counts only with its key."""
    path = Path(text)
    if not path.is_file():
        return _anchor(text)
    if public_key is None:
        raise CommandError(f"{path} is signed", "give --public-key, as `audit key` printed it")
    with path.open(encoding="utf-8", errors="replace") as file:
        return check(file.read(_LONGEST), public_key)


def _anchor(text: str) -> Anchor:
    try:
        return anchor_of(text)
    except InvalidInput:
        raise CommandError(
            f"{text!r} is no anchor", "give one as `audit anchor` prints it: ID:DIGEST"
        ) from None


def _write(file: IO[str], start: Anchor, events: Iterable[EventInfo]) -> int:
    count = -1  # the first line only says where it begins
    for line in exported(start, events):
        file.write(line)
        count += 1
    return count


def _verify_file(path: Path, anchors: list[Anchor]) -> ChainReport:
    try:
        with path.open(encoding="utf-8") as file:
            start = _head(path, _values(path, 1, file.readline()))
            return check_trail(_events(path, file), after=start, end=None, anchors=anchors)
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read", str(error)) from None


def _head(path: Path, values: dict[str, Any]) -> Anchor:
    if values.get("kind") != KIND or values.get("format") != FORMAT:
        raise CommandError(f"{path} is no exported audit trail", "`sightline audit export` writes one")
    return _anchor(f"{values.get('after')}:{values.get('digest')}")


def _events(path: Path, lines: Iterable[str]) -> Iterator[EventInfo]:
    for number, line in enumerate(lines, 2):
        values = _values(path, number, line)
        try:
            at = datetime.fromisoformat(values.pop("at"))
            event = EventInfo(at=at, **values)
        except (TypeError, ValueError, KeyError):
            raise CommandError(f"{path}, line {number}, is no event", "the file is damaged") from None
        if not (type(event.id) is int and isinstance(event.detail, dict) and at.tzinfo is not None):
            raise CommandError(f"{path}, line {number}, is no event", "the file is damaged")
        yield event


def _values(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise CommandError(f"{path}, line {number}, is not JSON", "the file is damaged, or not one of ours")
    return values
