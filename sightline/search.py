"""`sightline search`: rank the gallery against a photo."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from sightline import answers
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
    photo: Annotated[Path, typer.Argument(help="Photo of the person: JPEG, PNG or WebP.")],
    *,
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
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV for spreadsheets instead of a table.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Find the person on a photo.

    Of several persons on the photo the clearest is taken unless --person or --box says otherwise. Times
    without an offset are those of the cameras searched. The search is recorded like one over REST. Exits
    with 1 when recordings that were asked for were not searched; the answer says which and why.
    """
    from service.schemas import ProbeChoice, SearchOptions
    from service.settings import ServiceSettings

    if as_csv and as_json:
        raise CommandError("--csv and --json exclude each other", "leave one of them out")
    chosen = ProbeChoice(probe_id="-", person=person, box=None if box is None else _box(box))
    data = photo.read_bytes()
    settings = read_settings(ServiceSettings, data_dir=data_dir)
    with open_gallery(settings) as gallery:
        zone = time_zone_of(gallery.catalogue, camera) if start or end else "UTC"
        options = SearchOptions(
            cameras=camera or None,
            sites=site or None,
            start=None if start is None else moment(start, zone),
            end=None if end is None else moment(end, zone),
            limit=limit,
        )
        answer = _answer(settings, gallery, data, chosen=chosen, options=options)
        if as_json:
            print_json(answer.model_dump(mode="json"))
        elif as_csv:
            answers.print_as_csv(answer, gallery.catalogue)
        else:
            answers.show(answer, gallery.catalogue)
    if answers.incomplete(answer):
        raise typer.Exit(1)


def _answer(
    settings: "ServiceSettings",
    gallery: "Gallery",
    photo: bytes,
    *,
    chosen: "ProbeChoice",
    options: "SearchOptions",
) -> "SearchAnswer":
    """Search as the service does, without its HTTP: the same checks, the same record."""
    from service.auth import Caller
    from service.networks import LateNetworks
    from service.probing import add_probe, choose
    from service.searching import ask, search_probe
    from service.state import make_state

    # Filters, then the photo: what can be found wrong in no time is found before the networks load.
    question = ask(gallery, options, settings.rank_by)
    state = make_state(settings, gallery, LateNetworks(settings, gallery))
    probe, pixels = add_probe(state, Caller(None), photo)
    choice = chosen.model_copy(update={"probe_id": probe.id})
    return search_probe(state, Caller(None), choose(probe, pixels, choice), question)


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
