"""`sightline holds`: what may not be erased."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer

from gallery import GallerySettings, HoldKind
from sightline.completion import camera_names
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

app = typer.Typer(
    help="Put legal holds on recordings, cameras and cases, and lift them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Reason = Annotated[str, typer.Option(help="Why; it is told to all who want to erase what is held.")]


@app.command("list")
def list_holds(
    *,
    lifted: Annotated[bool, typer.Option("--all", help="Also those that were lifted.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List legal holds."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        found = gallery.holds.list(lifted=lifted)
        names = {camera.id: camera.name for camera in gallery.catalogue.cameras()}
    if as_json:
        print_json([asdict(one) for one in found])
        return
    rows = [
        {
            "id": one.id,
            "on": one.kind,
            "which": one.video_id or one.case_id or names.get(one.camera_id or 0, "?"),
            "from": _utc(one.start),
            "to": _utc(one.end),
            "reason": one.reason,
            "since": _utc(one.created_at),
            "key": (one.key_id or "-")[:12],
            "lifted": _utc(one.lifted_at),
        }
        for one in found
    ]
    print_table(rows, empty="Nothing is under legal hold.")


@app.command()
def put(
    *,
    reason: Reason,
    video: Annotated[str | None, typer.Option(help="Id of a recording.")] = None,
    camera: Annotated[
        str | None, typer.Option(help="A camera, all of it or a stretch.", autocompletion=camera_names)
    ] = None,
    case: Annotated[str | None, typer.Option(help="Id of a case.")] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Of a camera: from this time on, on its clock.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Of a camera: until this time.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Put a legal hold on a recording, a camera or a case.

    Erasure and retention leave it until the hold is lifted. That of a case holds its searches, their photos,
    and the recordings of hits that were ever marked as matches.
    """
    given = {HoldKind.RECORDING: video, HoldKind.CAMERA: camera, HoldKind.CASE: case}
    kinds = [kind for kind, value in given.items() if value is not None]
    if len(kinds) != 1:
        raise CommandError("a hold is on one thing", "give one of --video, --camera and --case")
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        known = None if camera is None else gallery.catalogue.camera_named(camera)
        zone = "UTC" if known is None else known.time_zone
        hold = gallery.holds.put(
            kinds[0],
            reason=reason,
            video_id=video,
            camera_id=None if known is None else known.id,
            case_id=case,
            start=None if start is None else moment(start, zone),
            end=None if end is None else moment(end, zone),
        )
    print_line(f"Hold {hold.id} is in force.")


@app.command()
def lift(
    hold: Annotated[str, typer.Argument(help="Its id, as `sightline holds list` shows it.")],
    *,
    reason: Annotated[str, typer.Option(help="Why.")],
    data_dir: DataDir = None,
) -> None:
    """Lift a legal hold; it stays on record."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        gallery.holds.lift(hold, reason=reason)
    print_line(f"Hold {hold} is lifted.")


def _utc(time: datetime | None) -> str:
    return "" if time is None else f"{time:%Y-%m-%d %H:%M} UTC"
