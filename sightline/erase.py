"""`sightline erase`: list what would go, and erase it with a certificate."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from gallery import ErasureKind, ErasureTarget
from indexer.names import shown
from sightline.completion import camera_names
from sightline.console import AsJson, DataDir, moment, open_gallery, print_json, print_line, read_settings
from sightline.failures import CommandError
from sightline.plans import print_plan

if TYPE_CHECKING:
    from gallery import ErasureInfo, ErasurePlan, Gallery
    from service.settings import ServiceSettings

_REMEDY = "name recordings, or --tracklet, --case, --search with --above, or --camera, --from and --to"


def erase(
    videos: Annotated[
        list[str] | None, typer.Argument(help="Ids of recordings, as `sightline videos` shows them.")
    ] = None,
    *,
    tracklet: Annotated[list[str] | None, typer.Option(help="A single tracklet; may be repeated.")] = None,
    case: Annotated[
        list[str] | None,
        typer.Option(help="A case with its searches, photos, marks and notes; may be repeated."),
    ] = None,
    search: Annotated[
        str | None, typer.Option(help="A person: all tracklets near what this search looked for.")
    ] = None,
    above: Annotated[
        float | None, typer.Option(min=0, max=1, help="The least cosine that is near, with --search.")
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(help="A tracklet that shows somebody else, with --search; may be repeated."),
    ] = None,
    camera: Annotated[
        str | None, typer.Option(help="All that it saw, or between two times.", autocompletion=camera_names)
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="What was seen after this ISO time, by one camera or all.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="What was seen before this ISO time.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would go.")] = False,
    skip_held: Annotated[
        bool, typer.Option("--skip-held", help="Leave what legal holds keep; else nothing goes then.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Erase recordings, tracklets, cases, a person, or all that cameras saw for a time.

    Lists what would go and asks; what was listed is what goes. Nothing finds it from then on, and `sightline
    compact` takes its vectors from the disk. The certificate stays: `sightline erasures show`.
    """
    from service.erasure.targets import listed
    from service.settings import ServiceSettings

    named = {ErasureKind.RECORDINGS: videos, ErasureKind.TRACKLETS: tracklet, ErasureKind.CASES: case}
    stretch = camera is not None or start is not None or end is not None
    if sum(bool(ids) for ids in named.values()) + (search is not None) + stretch != 1:
        raise CommandError("an erasure is about one kind of thing", _REMEDY)
    if (search is None) != (above is None):
        raise CommandError("a person is named by a search and a line", "give --search and --above")
    settings = read_settings(ServiceSettings, data_dir=data_dir)
    with open_gallery(settings, looks=True) as gallery:
        if search is not None and above is not None:
            target = _person(settings, gallery, search, above, leave_out or [])
        elif stretch:
            target = _stretch(gallery, camera, start, end)
        else:
            kind, ids = next((kind, ids) for kind, ids in named.items() if ids)
            target = ErasureTarget(kind=kind, ids=tuple(ids))
        plan = listed(gallery, target, key_id=None)
        name = _only_recording(gallery, plan)
        if dry_run or not yes:
            print_json(asdict(plan)) if as_json else print_plan(plan)
        if dry_run:
            return
        if not yes:
            typer.confirm(_question(plan, name), abort=True)
        done = gallery.erasures.erase(target, digest=plan.digest, skip_held=skip_held)
    if as_json:
        print_json(asdict(done))
    else:
        _tell(done, name)


def _person(
    settings: "ServiceSettings", gallery: "Gallery", search: str, above: float, leave_out: list[str]
) -> ErasureTarget:
    from service.erasure import targets
    from service.erasure.schemas import PersonIn
    from service.networks import LateNetworks
    from service.state import make_state

    state = make_state(settings, gallery, LateNetworks(settings, gallery))
    wanted = PersonIn(search_id=search, above=above, leave_out=leave_out)
    return targets.person(state, gallery.searches.get(search), wanted)


def _stretch(gallery: "Gallery", camera: str | None, start: str | None, end: str | None) -> ErasureTarget:
    from sightline.search import time_zone_of

    known = None if camera is None else gallery.catalogue.camera_named(camera)
    zone = time_zone_of(gallery.catalogue, None) if known is None else known.time_zone
    return ErasureTarget(
        kind=ErasureKind.CAMERA if start is None and end is None else ErasureKind.STRETCH,
        camera_id=None if known is None else known.id,
        start=None if start is None else moment(start, zone),
        end=None if end is None else moment(end, zone),
    )


def _only_recording(gallery: "Gallery", plan: "ErasurePlan") -> str | None:
    """The file name of the recording that the plan is about, if it is about a single one."""
    if plan.target.kind != ErasureKind.RECORDINGS or len(plan.recordings) != 1:
        return None
    return gallery.catalogue.video(plan.recordings[0].id).file_name


def _question(plan: "ErasurePlan", name: str | None) -> str:
    if name is not None:
        return f"Erase {shown(name)} with {plan.tracklet_count} tracklets?"
    return f"Erase {len(plan.recordings)} recordings and {plan.tracklet_count} tracklets in all?"


def _tell(done: "ErasureInfo", name: str | None) -> None:
    counts = done.certificate["counts"]
    marks = counts["marks"]
    along = "" if not marks else f", and with it {marks} mark{'s' * (marks > 1)} of searches"
    if name is not None:
        print_line(f"{name} is erased{along}.")
    else:
        went = ", ".join(f"{count} {what}" for what, count in counts.items() if count and what != "marks")
        print_line(f"Erased: {went}{along}.")
    held = "" if not done.certificate["held"] else " Legal holds kept a part of it."
    proof = done.proof
    sound = proof is not None and proof.holds
    found = "Searching with what was erased finds nothing." if sound else "IT WAS FOUND AGAIN: see there."
    print_line(f"{found}{held} The certificate: `sightline erasures show {done.id}`.")
