"""`sightline search`: rank the gallery against photos; `sightline refine`: against marked hits too."""

from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from sightline import answers, stretches
from sightline.completion import camera_names, site_names
from sightline.console import AsJson, DataDir, moment, open_gallery, print_json, read_settings
from sightline.failures import CommandError

if TYPE_CHECKING:
    from gallery import Catalogue, Gallery
    from service.answer_schemas import SearchAnswer
    from service.schemas import ProbeChoice, SearchOptions
    from service.settings import ServiceSettings

_BOX: Final = "120,40,64,180"


def search(
    photo: Annotated[
        list[Path] | None, typer.Argument(help="Photos of the person: JPEG, PNG or WebP.")
    ] = None,
    *,
    tracklet: Annotated[
        list[str] | None,
        typer.Option(help="Search for the person of this tracklet too; may be repeated."),
    ] = None,
    camera: Annotated[
        list[str] | None, typer.Option(help="Only this camera; may be repeated.", autocompletion=camera_names)
    ] = None,
    site: Annotated[
        list[str] | None,
        typer.Option(help="Only cameras of this site; may be repeated.", autocompletion=site_names),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Only what was seen after this ISO time.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Only what was seen before this ISO time.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many hits.")] = 10,
    person: Annotated[
        int | None, typer.Option(min=0, help="Which of the persons on the photo, from 0.")
    ] = None,
    box: Annotated[
        str | None,
        typer.Option(metavar="X,Y,WIDTH,HEIGHT", help="Where the person is on the photo, in pixels."),
    ] = None,
    taken_at: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="When the photos were taken, an ISO time: hits of other days are marked."
        ),
    ] = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV for spreadsheets instead of a table.")
    ] = False,
    rerank: Annotated[
        bool,
        typer.Option(
            "--rerank", help="Order the first 200 hits by the neighbours they share with the photo."
        ),
    ] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="Compare every sighting, however large the gallery is.")
    ] = False,
    coverage: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a CSV of all stretches that were and were not searched."),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Find the person on one photo, or on several together, which count by their quality.

    Of several persons on the photo the clearest is taken unless --person or --box says otherwise. Times
    without an offset are those of the cameras searched. The search is recorded like one over REST. Exits
    with 1 when recordings that were asked for were not searched; the answer says which and why.
    """
    from service.schemas import MOST_PROBES, ProbeChoice, SearchOptions
    from service.settings import ServiceSettings

    if as_csv and as_json:
        raise CommandError("--csv and --json exclude each other", "leave one of them out")
    photos, tracklets = photo or [], tracklet or []
    if not 1 <= len(photos) + len(tracklets) <= MOST_PROBES:
        wanted = f"give 1 to {MOST_PROBES} photos and --tracklet together"
        raise CommandError(f"{len(photos) + len(tracklets)} photos and tracklets", wanted)
    if (person is not None or box is not None) and len(photos) != 1:
        raise CommandError("--person and --box need one photo", "crop the others before")
    if taken_at is not None and not photos:
        raise CommandError("--taken-at needs a photo", "when a tracklet was recorded is known")
    choice = ProbeChoice(probe_id="-", person=person, box=None if box is None else _box(box))
    data = [path.read_bytes() for path in photos]
    settings = read_settings(ServiceSettings, data_dir=data_dir)
    with open_gallery(settings, looks=True) as gallery:
        zone = time_zone_of(gallery.catalogue, camera) if start or end or taken_at else "UTC"
        if taken_at is not None:
            choice = choice.model_copy(update={"taken_at": moment(taken_at, zone).astimezone(UTC)})
        options = SearchOptions(
            cameras=camera or None,
            sites=site or None,
            start=None if start is None else moment(start, zone),
            end=None if end is None else moment(end, zone),
            limit=limit,
            rerank=rerank,
            exact=exact,
        )
        answer = _answer(settings, gallery, data, tracklets, choice=choice, options=options)
        if coverage is not None:
            from service.searches.hit_table import written

            text = written(stretches.rows(answer.coverage), stretches.COLUMNS)
            coverage.write_text(text, encoding="utf-8")
        _print(answer, gallery.catalogue, as_csv=as_csv, as_json=as_json)


def refine(
    search_id: Annotated[
        str, typer.Argument(metavar="SEARCH", help="The search's id, as `sightline search` shows it.")
    ],
    *,
    photo: Annotated[
        list[Path] | None, typer.Option(help="A further photo of the person; may be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many hits.")] = 10,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV for spreadsheets instead of a table.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Search again with the marks of a search: towards its matches, away from the others.

    It is a search of its own, under the same filters, and has the marks of the one before. Exits with 1 as
    `sightline search` does.
    """
    from service.auth import Caller
    from service.mark_schemas import RefineIn
    from service.networks import LateNetworks
    from service.probing import add_probe, read_photo
    from service.schemas import ProbeChoice
    from service.searches.refining import search_again
    from service.settings import ServiceSettings
    from service.state import make_state

    if as_csv and as_json:
        raise CommandError("--csv and --json exclude each other", "leave one of them out")
    data = [path.read_bytes() for path in photo or []]
    settings = read_settings(ServiceSettings, data_dir=data_dir)
    with open_gallery(settings, looks=True) as gallery:
        state = make_state(settings, gallery, LateNetworks(settings, gallery))
        owner = Caller(gallery.searches.get(search_id).key_id, operator=True)
        photos = [read_photo(state, owner, one) for one in data]
        added = [ProbeChoice(probe_id=add_probe(state, owner, one)[0].id) for one in photos]
        answer = search_again(state, owner, search_id, RefineIn(probes=added, limit=limit))
        _print(answer, gallery.catalogue, as_csv=as_csv, as_json=as_json)


def _print(answer: "SearchAnswer", catalogue: "Catalogue", *, as_csv: bool, as_json: bool) -> None:
    """Print an answer, and exit with 1 when recordings that were asked for were not searched."""
    if as_json:
        print_json(answer.model_dump(mode="json"))
    elif as_csv:
        answers.print_as_csv(answer, catalogue)
    else:
        answers.show(answer, catalogue)
    if answers.incomplete(answer):
        raise typer.Exit(1)


def _answer(
    settings: "ServiceSettings",
    gallery: "Gallery",
    photos: list[bytes],
    tracklets: list[str],
    *,
    choice: "ProbeChoice",
    options: "SearchOptions",
) -> "SearchAnswer":
    """Search as the service does, without its HTTP: the same checks, the same record."""
    from service.auth import Caller
    from service.networks import LateNetworks
    from service.probing import add_probe, read_photo
    from service.schemas import ProbeChoice
    from service.searches.questions import ask
    from service.searches.searching import search_choices
    from service.state import make_state

    # Filters, then the photos: what can be found wrong in no time is found before the networks load.
    question = ask(gallery, options, settings.rank_by)
    state = make_state(settings, gallery, LateNetworks(settings, gallery))
    caller = Caller(None)
    probes = [
        add_probe(state, caller, one)[0] for one in [read_photo(state, caller, file) for file in photos]
    ]
    choices = [choice.model_copy(update={"probe_id": probe.id}) for probe in probes]
    choices += [ProbeChoice(tracklet_id=one) for one in tracklets]
    return search_choices(state, caller, choices, question)


def _box(text: str) -> tuple[float, ...]:
    try:
        values = tuple(float(value) for value in text.split(","))
    except ValueError as error:
        raise CommandError(f"no box: {text!r}", f"write it like {_BOX}") from error
    if len(values) != 4:
        raise CommandError(f"a box has four numbers, not {len(values)}", f"write it like {_BOX}")
    return values


def time_zone_of(catalogue: "Catalogue", names: list[str] | None) -> str:
    """The time zone that these cameras share, or all; CommandError when there are several."""
    zones = {camera.time_zone for camera in catalogue.cameras() if not names or camera.name in names}
    if len(zones) > 1:
        raise CommandError(
            "the cameras are in several time zones", "write times with an offset, like 09:00+01:00"
        )
    return zones.pop() if zones else "UTC"
