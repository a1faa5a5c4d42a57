"""`sightline cases`: what belongs to one investigation, its journey, and its evidence."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from gallery import GallerySettings
from sightline.console import (
    AsJson,
    DataDir,
    local_time,
    open_gallery,
    print_json,
    print_line,
    print_note,
    print_table,
    read_settings,
)
from sightline.evidence import Hits, OnlyConfirmed, Output, write
from sightline.failures import CommandError

if TYPE_CHECKING:
    from gallery import CaseChanges, CaseInfo, Gallery
    from service.cases.schemas import JourneyOut, TransitionOut

app = typer.Typer(
    help="Gather photos and searches in cases, see the journey, make evidence.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
Case = Annotated[str, typer.Argument(help="Id of the case.")]
Number = Annotated[str | None, typer.Option(help="The number that it has elsewhere.")]
Purpose = Annotated[str | None, typer.Option(help="Why people are searched for.")]


@app.callback()
def cases(context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Gather photos and searches in cases, see the journey, make evidence."""
    if context.invoked_subcommand is None:
        list_cases(data_dir=data_dir, as_json=as_json)


@app.command("list")
def list_cases(
    *,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 50,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List the cases of all keys, the newest first."""
    with _gallery(data_dir) as gallery:
        found = gallery.cases.list(everybody=True, limit=limit)
    rows = [
        {
            "id": one.id,
            "number": one.number,
            "title": one.title,
            "since_utc": local_time(one.created_at, "UTC"),
            "key": one.key_id,
        }
        for one in found
    ]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, empty="No case yet: `sightline cases create` opens one.")


@app.command()
def create(
    title: Annotated[str, typer.Argument(help="What people call it.")],
    *,
    number: Number = None,
    purpose: Purpose = None,
    key: Annotated[
        str | None, typer.Option(help="Id of the key that it is for; none: the command line's own.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Open a case. It takes photos and searches of the key that it is for."""
    with _gallery(data_dir) as gallery:
        if key is not None and key not in {known.id for known in gallery.keys.list()}:
            raise CommandError(f"no key {key!r}", "`sightline keys list` shows them")
        case = gallery.cases.add(title, number=number, purpose=purpose, key_id=key)
        _show(case, as_json)


@app.command()
def show(case: Case, *, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show a case with its photos, searches and notes."""
    with _gallery(data_dir) as gallery:
        _show(gallery.cases.get(case), as_json)


@app.command()
def edit(
    case: Case,
    *,
    title: Annotated[str | None, typer.Option(help="Its new title.")] = None,
    number: Number = None,
    purpose: Purpose = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Change what is known of a case; what is not named stays."""
    changes: CaseChanges = {}
    if title is not None:
        changes["title"] = title
    if number is not None:
        changes["number"] = number or None
    if purpose is not None:
        changes["purpose"] = purpose or None
    if not changes:
        raise CommandError("nothing to change", "`sightline cases edit --help` lists what can be")
    with _gallery(data_dir) as gallery:
        _show(gallery.cases.change(case, **changes), as_json)


@app.command()
def delete(case: Case, *, data_dir: DataDir = None) -> None:
    """Delete a case with its notes; photos, searches and marks stay."""
    with _gallery(data_dir) as gallery:
        gallery.cases.remove(case)
    print_line(f"Case {case} is deleted.")


@app.command()
def add(
    case: Case,
    *,
    search: Annotated[
        list[str] | None, typer.Option(help="Id of a search; may be repeated. Its photos come along.")
    ] = None,
    photo: Annotated[list[str] | None, typer.Option(help="Id of a probe; may be repeated.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Put searches and photos into a case; both must be of the key that the case is for."""
    from gallery import ItemKind

    items = [(ItemKind.SEARCH, one) for one in search or []] + [(ItemKind.PHOTO, one) for one in photo or []]
    if not items:
        raise CommandError("nothing to add", "name --search or --photo")
    with _gallery(data_dir) as gallery:
        for kind, subject in items:
            found = gallery.cases.put(case, kind, subject)
        _show(found, as_json)


@app.command()
def remove(
    case: Case,
    item: Annotated[str, typer.Argument(help="Id of the search or probe.")],
    *,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Take a search or photo out of a case; it stays where it is."""
    with _gallery(data_dir) as gallery:
        _show(gallery.cases.take(case, item), as_json)


@app.command()
def note(
    case: Case,
    text: Annotated[str, typer.Argument(help="What should be known.")],
    *,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Add a note, with the time."""
    with _gallery(data_dir) as gallery:
        _show(gallery.cases.note(case, text), as_json)


@app.command()
def journey(case: Case, *, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show where the person was when, by the hits marked as a match; exits with 1 if that is impossible."""
    from service.cases.showing import journey_out, limits_of
    from service.cases.sightings import journey_of
    from service.settings import ServiceSettings

    settings = read_settings(ServiceSettings, data_dir=data_dir)
    with open_gallery(settings, looks=True) as gallery:
        found = journey_out(journey_of(gallery, gallery.cases.get(case), limits_of(settings)))
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        _show_journey(found)
    if found.conflicts_found:
        raise typer.Exit(1)


@app.command()
def evidence(
    case: Case,
    *,
    output: Output = None,
    hits: Hits = 0,
    only_confirmed: OnlyConfirmed = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make the evidence package of a case: its searches, marked hits with clips, notes and journey.

    Prints the SHA-256 of the manifest, as `sightline evidence` does. Exits with 1 when something could not be
    packed; it is named.
    """
    from service.auth import Caller
    from service.cases.chapter import of_case
    from service.networks import Networks
    from service.settings import ServiceSettings
    from service.state import make_state

    settings = read_settings(ServiceSettings, data_dir=data_dir)
    with open_gallery(settings, looks=True) as gallery:
        state = make_state(settings, gallery, Networks())
        found = gallery.cases.get(case)
        made = of_case(state, Caller(None), found, hits, only_confirmed=only_confirmed)
        write(made, output, as_json=as_json)


def _gallery(data_dir: DataDir) -> "Gallery":
    return open_gallery(read_settings(GallerySettings, data_dir=data_dir), looks=True)


def _show(case: "CaseInfo", as_json: bool) -> None:
    if as_json:
        print_json(asdict(case))
        return
    print_line(f"Case {case.id}: {case.title}" + (f" (number {case.number})" if case.number else ""))
    if case.purpose:
        print_line(f"Purpose: {case.purpose}")
    rows = [
        {"what": one.kind.value, "id": one.subject_id, "added_utc": local_time(one.added_at, "UTC"),
         "erased_utc": None if one.erased_at is None else local_time(one.erased_at, "UTC")}
        for one in case.items
    ]  # fmt: skip
    print_table(rows, empty="Nothing is in it: `sightline cases add` puts searches and photos into it.")
    for one in case.notes:
        print_line(f"{local_time(one.at, 'UTC')} UTC  {one.text}")


def _show_journey(found: "JourneyOut") -> None:
    rows = [
        {
            "number": one.number,
            "camera": one.camera.name,
            "from": one.start_local,
            "to": one.end_local,
            "probability": one.probability,
            "tracklet": one.tracklet_id,
        }
        for one in found.sightings
    ]
    print_table(rows, empty="No hit is marked as a match: `sightline marks set` marks one.")
    for step in found.transitions:
        print_line(_said(step))
    for conflict in found.conflicts:
        print_note(f"Impossible for one person: {conflict.before} and {conflict.after}: {conflict.reason}")
    for one in found.sightings:
        if one.doubted:
            print_note(f"{one.number} is marked as somebody else on search {', '.join(one.doubted)}")
    for gap in found.gaps:
        print_line(
            f"Not recorded here between {gap.start_local} and {gap.end_local}: {gap.camera} ({gap.reason})"
        )


def _said(step: "TransitionOut") -> str:
    way = "positions not known" if step.metres is None else f"{step.metres:.0f} m"
    speed = "" if step.speed is None else f", {step.speed:.1f} m/s"
    return f"{step.before} to {step.after}: {step.seconds:.1f} s, {way}{speed}"
