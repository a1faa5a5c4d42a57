"""`sightline search`: rank the gallery against a photo."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.console import (
    AsJson,
    DataDir,
    local_time,
    moment,
    open_gallery,
    output,
    print_json,
    print_note,
    print_table,
    read_settings,
)
from sightline.failures import CommandError

if TYPE_CHECKING:
    from gallery import Catalogue, Gallery
    from service.schemas import SearchAnswer, SearchFilters
    from service.settings import ServiceSettings


def search(
    photo: Annotated[Path, typer.Argument(help="Picture of the person: JPEG, PNG or WebP.")],
    *,
    camera: Annotated[list[str] | None, typer.Option(help="Only this camera; may be repeated.")] = None,
    site: Annotated[
        list[str] | None, typer.Option(help="Only cameras of this site; may be repeated.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Only what was seen after this ISO time.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Only what was seen before this ISO time.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many hits.")] = 10,
    person: Annotated[
        int | None, typer.Option(min=0, help="Which of the persons on the photo, from 0.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Find the person on a photo.

    Of several persons on the photo the clearest is taken unless --person says otherwise. Times without an
    offset are those of the cameras searched. The search is recorded like one over REST.
    """
    from service.schemas import SearchFilters
    from service.settings import ServiceSettings

    data = photo.read_bytes()
    settings = read_settings(ServiceSettings, data_dir=data_dir)
    with open_gallery(settings) as gallery:
        zone = _time_zone(gallery.catalogue, camera) if start or end else "UTC"
        filters = SearchFilters(
            cameras=camera or None,
            sites=site or None,
            start=None if start is None else moment(start, zone),
            end=None if end is None else moment(end, zone),
        )
        answer = _answer(settings, gallery, data, person=person, filters=filters, limit=limit)
        if as_json:
            print_json(answer.model_dump(mode="json"))
        else:
            _show(answer, gallery.catalogue)


def _answer(
    settings: "ServiceSettings",
    gallery: "Gallery",
    photo: bytes,
    *,
    person: int | None,
    filters: "SearchFilters",
    limit: int,
) -> "SearchAnswer":
    """Search as the service does, without its HTTP: the same checks, the same record."""
    from service.auth import Caller
    from service.networks import Networks, load
    from service.probing import add_probe, choose
    from service.schemas import ProbeChoice
    from service.searching import ask, search_probe
    from service.state import make_state

    state = make_state(settings, gallery, Networks(*load(settings)))
    question = ask(state, filters, limit)
    probe, pixels = add_probe(state, Caller(None), photo)
    choice = ProbeChoice(probe_id=probe.id, person=person)
    return search_probe(state, Caller(None), choose(probe, pixels, choice), question)


def _time_zone(catalogue: "Catalogue", names: list[str] | None) -> str:
    """The time zone that the searched cameras share; CommandError when there are several."""
    zones = {camera.time_zone for camera in catalogue.cameras() if not names or camera.name in names}
    if len(zones) > 1:
        raise CommandError(
            "the cameras lie in several time zones", "write times with an offset, like 09:00+01:00"
        )
    return zones.pop() if zones else "UTC"


def _show(answer: "SearchAnswer", catalogue: "Catalogue") -> None:
    rows = [
        {
            "rank": hit.rank,
            "score": hit.score,
            "camera": hit.camera.name,
            "local_time": local_time(hit.start, hit.camera.time_zone),
            "seconds": f"{(hit.end - hit.start).total_seconds():.1f}",
            "recording": catalogue.video(hit.video_id).file_name,
            "best_at": _clock(hit.best_moment.offset_seconds),
        }
        for hit in answer.hits
    ]
    print_table(rows, empty="Nothing was found.")
    output.print(f"{answer.coverage.tracklets_compared} tracklets were compared.")
    for warning in answer.warnings:
        print_note(warning)


def _clock(seconds: float) -> str:
    """Seconds into a recording the way players show them."""
    minutes, rest = divmod(max(0.0, seconds), 60)
    return f"{int(minutes // 60)}:{int(minutes % 60):02}:{rest:04.1f}"
