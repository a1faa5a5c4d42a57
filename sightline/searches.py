"""`sightline searches`: what was searched for, and asking it again."""

from typing import TYPE_CHECKING, Annotated

import typer

from gallery import RepeatOn
from sightline import answers
from sightline.console import (
    AsJson,
    DataDir,
    open_gallery,
    print_csv,
    print_json,
    print_line,
    print_note,
    print_table,
    read_settings,
)
from sightline.failures import CommandError

if TYPE_CHECKING:
    from gallery import QueriedProbe, SearchInfo
    from service.answer_schemas import RepeatOut

app = typer.Typer(
    help="List earlier searches, and ask one again.", no_args_is_help=True, rich_markup_mode=None
)
_COLUMNS = ("id", "created_at", "searched_for", "cameras", "compared", "hits", "credible", "key_id", "of")


@app.command("list")
def list_searches(
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many, the newest first.")] = 20,
    before: Annotated[
        str | None, typer.Option(metavar="SEARCH", help="Only searches older than this one.")
    ] = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV for spreadsheets instead of a table.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List searches of all keys, the newest first. Looking is recorded."""
    from gallery import GallerySettings

    if as_csv and as_json:
        raise CommandError("--csv and --json exclude each other", "leave one of them out")
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir), looks=True) as gallery:
        found = gallery.searches.page(None, everyones=True, before=before, limit=limit)
        gallery.audit.record("search.list", detail={"limit": limit})
    rows = [_row(search) for search in found]
    if as_json:
        print_json(rows)
    elif as_csv:
        print_csv(rows, _COLUMNS)
    else:
        print_table(rows, empty="Nothing was searched for.")


@app.command()
def again(
    search: Annotated[str, typer.Argument(help="The search's id, as `sightline searches list` shows it.")],
    *,
    now: Annotated[
        bool, typer.Option("--now", help="Among all that is there now instead of what was there then.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Ask a search again, among the tracklets that it was asked among: it ranks as it did.

    What was erased since is named. With --now all that is there is searched, and new hits are marked. The
    answer is recorded as a search of its own. Exits with 1 when recordings that were asked for were not
    searched, or when the ranking is not that of the earlier answer.
    """
    from service.auth import Caller
    from service.networks import LateNetworks
    from service.searches.again import ask_again
    from service.settings import ServiceSettings
    from service.state import make_state

    settings = read_settings(ServiceSettings, data_dir=data_dir)
    with open_gallery(settings, looks=True) as gallery:
        first = gallery.searches.get(search)
        state = make_state(settings, gallery, LateNetworks(settings, gallery))
        answer = ask_again(state, Caller(None), first, RepeatOn.NOW if now else RepeatOn.SNAPSHOT)
        assert answer.repeats is not None
        if as_json:
            print_json(answer.model_dump(mode="json"))
        else:
            answers.show(answer, gallery.catalogue)
            _compare(answer.repeats)
    if answers.incomplete(answer) or answer.repeats.same_ranking is False:
        raise typer.Exit(1)


def _compare(repeat: "RepeatOut") -> None:
    """Say how the answer compares with the earlier one."""
    if repeat.new_hits is not None:
        print_line(f"New since search {repeat.search_id}: {repeat.new_hits} hits.")
    elif repeat.same_ranking:
        print_line(f"The ranking is that of search {repeat.search_id}.")
    else:
        print_note(f"the ranking is not that of search {repeat.search_id}.")
    for hit in repeat.erased:
        print_note(f"hit {hit.rank} of it was erased or indexed anew: tracklet {hit.tracklet_id}.")
    for hit in repeat.damaged:
        print_note(f"the vectors of hit {hit.rank} of it are damaged: tracklet {hit.tracklet_id}.")


def _row(search: "SearchInfo") -> dict[str, object]:
    return {
        "id": search.id,
        "created_at": search.created_at,
        "searched_for": ", ".join(_said(probe) for probe in search.query.probes),
        "cameras": ", ".join(search.query.filters.cameras or ()) or None,
        "compared": search.coverage.get("tracklets_compared"),
        "hits": len(search.hits),
        "credible": search.calibration.credible,
        "key_id": search.key_id,
        "of": None if search.repeats is None else search.repeats.search_id,
    }


def _said(probe: "QueriedProbe") -> str:
    if probe.tracklet_id is not None:
        return f"tracklet {probe.tracklet_id}"
    return f"photo {probe.id}" + ("" if probe.person is None else f" person {probe.person}")
