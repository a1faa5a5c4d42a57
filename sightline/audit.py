"""`sightline audit`: who did what and when, and whether the record of it is whole."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from gallery import GallerySettings
from gallery.signing import public_key as public_key_of
from gallery.signing import sign
from gallery.trail_text import SHORTEST
from sightline.console import (
    AsJson,
    DataDir,
    moment,
    open_gallery,
    print_json,
    print_line,
    print_table,
    read_settings,
)
from sightline.failures import CommandError
from sightline.trail_files import checked_copy, noted_anchor, text_of, verify_file, written

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
    anchors = [noted_anchor(text, public_key) for text in noted or ()]
    if file is None:
        with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
            report = gallery.audit.verify(anchors)
    else:
        report = verify_file(file, anchors)
    if as_json:
        print_json(asdict(report))
    elif report.broken_at is None:
        end = f", up to {text_of(report.last)}" if report.last else ""
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
        count = written(out, gallery.audit.anchor_at(after), gallery.audit.trail(after=after))
        gallery.audit.record("audit.export", detail={"after": after, "events": count})
    print_line(f"{count} events are in {out}.")


@app.command()
def prune(
    *,
    noted: Annotated[
        str,
        typer.Option(
            "--anchor",
            help="What `audit anchor` printed, or a file that it signed: events after it stay.",
            metavar="ID:DIGEST|FILE",
        ),
    ],
    before: Annotated[str, typer.Option(help="Only events of before this ISO time, in UTC.")],
    public_key: Annotated[
        str | None, typer.Option(help="Of a signed anchor, as `audit key` prints it.", metavar="HEX")
    ] = None,
    export_to: Annotated[
        Path | None, typer.Option("--export", help="New file to write them into first, and check.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Remove them; else they are only counted.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Remove the oldest events, no further than to an anchor, with an event that says which went.

    Without --yes nothing is removed. Events younger than SIGHTLINE_AUDIT_KEEP_DAYS stay, and all of them
    while a legal hold is in force.
    """
    settings = read_settings(GallerySettings, data_dir=data_dir)
    known, end = noted_anchor(noted, public_key), moment(before, "UTC")
    if end > datetime.now(UTC) - timedelta(days=settings.audit_keep_days):
        kept = f"events are kept for {settings.audit_keep_days} days"
        raise CommandError(kept, "name an earlier time; SIGHTLINE_AUDIT_KEEP_DAYS says how long")
    with open_gallery(settings) as gallery:
        found = gallery.audit.prunable(known, end)
        if not found.events:
            print_line("No event is that old, or all that are come after the anchor.")
            return
        what = f"{found.events} events of {found.first_at:%Y-%m-%d} to {found.last_at:%Y-%m-%d}"
        if not yes:
            print_line(f"{what} would be removed, up to {text_of(found.up_to)}. --yes does it.")
            return
        digest = None
        if export_to is not None:
            events = gallery.audit.trail(after=found.after.event, up_to=found.up_to.event)
            digest = checked_copy(export_to, found.after, events, found.up_to)
        gallery.audit.prune(known, end, exported=digest)
    print_line(f"{what} are removed. The trail begins after {text_of(found.up_to)}.")


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
        typer.echo(text_of(last))


@app.command()
def key(data_dir: DataDir = None) -> None:
    """Print the public key that signed anchors are checked with; makes the key first if there is none."""
    typer.echo(public_key_of(read_settings(GallerySettings, data_dir=data_dir).resolved_anchor_key))
