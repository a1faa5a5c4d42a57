"""`sightline marks`: say which hits of a search show the person, look at that, and undo it."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from gallery import GallerySettings, Verdict
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
from sightline.failures import CommandError

if TYPE_CHECKING:
    from gallery import Gallery, MarkInfo

_PAGE = 1000

app = typer.Typer(
    help="Mark which hits of a search show the person.", no_args_is_help=True, rich_markup_mode=None
)
Search = Annotated[str, typer.Argument(help="The search's id, as `sightline search` shows it.")]
Hit = Annotated[str, typer.Argument(help="The hit's rank in the answer, or its tracklet's id.")]


@app.command("set")
def set_mark(
    search: Search,
    hit: Hit,
    verdict: Annotated[Verdict, typer.Argument(help="Whether the hit shows the person.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Mark a hit: it shows the person (match), or somebody else (not). The last verdict counts."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir), looks=True) as gallery:
        mark = gallery.marks.set(search, _tracklet(gallery, search, hit), verdict)
    if as_json:
        print_json(asdict(mark))
    else:
        print_line(f"{mark.tracklet_id} is marked: {mark.verdict}.")


@app.command()
def remove(search: Search, hit: Hit, data_dir: DataDir = None) -> None:
    """Take the mark of a hit away."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir), looks=True) as gallery:
        tracklet_id = _tracklet(gallery, search, hit)
        gallery.marks.remove(search, tracklet_id)
    print_line(f"{tracklet_id} is not marked any more.")


@app.command()
def undo(search: Search, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Undo the last change of a search's marks; again, and the one before is undone too."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir), looks=True) as gallery:
        change = gallery.marks.undo(search)
    if as_json:
        print_json(asdict(change))
    else:
        print_line(f"Undone: {change.tracklet_id}, {change.verdict or 'mark taken away'}.")


@app.command("list")
def list_marks(search: Search, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the marks of a search."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir), looks=True) as gallery:
        found, marks = gallery.searches.get(search), gallery.marks.of(search)
        gallery.audit.record("mark.list", subject=search)
    if as_json:
        print_json({"items": [asdict(mark) for mark in marks], "erased": found.marks_erased})
        return
    ranks = {hit.tracklet_id: rank for rank, hit in enumerate(found.hits, start=1)}
    print_table([_row(mark, ranks) for mark in marks], empty="No hit is marked.")
    if found.marks_erased:
        print_note(f"Marks erased with the recordings that they were on: {found.marks_erased}.")


@app.command()
def history(search: Search, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List every change of a search's marks: who, when, and whether it was undone. The newest first."""
    rows: list[dict[str, object]] = []
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir), looks=True) as gallery:
        gallery.audit.record("mark.list", subject=gallery.searches.get(search).id)
        before = None
        while page := gallery.marks.history(search, before=before, limit=_PAGE):
            rows += [asdict(change) for change in page]
            before = page[-1].id
    if as_json:
        print_json(rows)
    else:
        print_table(rows, empty="No hit was ever marked.")


@app.command()
def judge(
    search: Search,
    count: Annotated[int, typer.Option(min=1, max=50, help="How many.")] = 5,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List the hits whose verdict would say most: those near the line, from all cameras in turn."""
    from service.auth import Caller
    from service.networks import LateNetworks
    from service.searches.refining import please_judge
    from service.settings import ServiceSettings
    from service.state import make_state

    settings = read_settings(ServiceSettings, data_dir=data_dir)
    with open_gallery(settings, looks=True) as gallery:
        state = make_state(settings, gallery, LateNetworks(settings, gallery))
        hits = please_judge(state, Caller(gallery.searches.get(search).key_id, operator=True), search, count)
    if as_json:
        print_json({"items": [hit.model_dump(mode="json") for hit in hits]})
        return
    rows = [
        {
            "rank": hit.rank,
            "camera": hit.camera.name,
            "local_time": local_time(hit.start, hit.camera.time_zone),
            "tracklet_id": hit.tracklet_id,
        }
        for hit in hits
    ]
    print_table(rows, empty="Every hit is marked.")


def _row(mark: "MarkInfo", ranks: dict[str, int]) -> dict[str, object]:
    return {"rank": ranks.get(mark.tracklet_id), **asdict(mark)}


def _tracklet(gallery: "Gallery", search_id: str, hit: str) -> str:
    """The tracklet of a hit that is named by its rank or its id."""
    if not hit.isascii() or not hit.isdigit():
        return hit
    hits = gallery.searches.get(search_id).hits
    if not 1 <= int(hit[:9]) <= len(hits):
        raise CommandError(f"there is no hit {hit[:20]}", f"the answer has hits 1 to {len(hits)}")
    return hits[int(hit[:9]) - 1].tracklet_id
