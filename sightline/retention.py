"""`sightline retention`: for how many days things are kept."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from gallery import ErasureKind, ErasureTarget, GallerySettings, RetentionKind
from sightline.completion import camera_names
from sightline.console import (
    AsJson,
    DataDir,
    open_gallery,
    print_json,
    print_line,
    print_table,
    read_settings,
)
from sightline.plans import print_plan

if TYPE_CHECKING:
    from gallery import Gallery

app = typer.Typer(
    help="Set for how many days recordings, photos and searches are kept.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Of = Annotated[RetentionKind, typer.Argument(help="What the rule is about.")]
Camera = Annotated[
    str | None,
    typer.Option(help="Of recordings: this camera [default: all].", autocompletion=camera_names),
]


@app.command("list")
def list_rules(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the rules; what no rule is about is kept."""
    with _gallery(data_dir) as gallery:
        found = gallery.retention.list()
        names = {camera.id: camera.name for camera in gallery.catalogue.cameras()}
    rows = [
        {
            "of": one.kind,
            "camera": None if one.camera_id is None else names.get(one.camera_id),
            "days": one.days,
            "since_utc": f"{one.created_at:%Y-%m-%d %H:%M:%S}",
            "key": one.key_id,
        }
        for one in found
    ]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, empty="No rule: everything is kept until somebody erases it.")


@app.command("set")
def set_rule(
    of: Of,
    days: Annotated[int, typer.Argument(min=1, help="For how many.")],
    *,
    camera: Camera = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Set nothing: list what would go if it were set.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Set a rule, in the place of the one before; workers follow it every hour.

    --dry-run lists first what would go.
    """
    with _gallery(data_dir) as gallery:
        camera_id = _camera_id(gallery, camera)
        if dry_run:
            tried = {"kind": of.value, "camera_id": camera_id, "days": days}
            target = ErasureTarget(kind=ErasureKind.RETENTION, about={"rule": tried})
            print_plan(gallery.erasures.plan(target))
            return
        gallery.retention.set(of, days, camera_id=camera_id)
    print_line(f"{of.value.capitalize()}{f' of {camera}' if camera else ''} are kept for {days} days.")


@app.command()
def remove(of: Of, *, camera: Camera = None, data_dir: DataDir = None) -> None:
    """Remove a rule."""
    with _gallery(data_dir) as gallery:
        gallery.retention.remove(of, camera_id=_camera_id(gallery, camera))
    print_line("The rule is removed.")


@app.command()
def run(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would go.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Follow the rules now, as workers do every hour.

    Takes at most 1000 recordings, photos and searches with one certificate, and goes on until nothing is due.
    """
    with _gallery(data_dir) as gallery:
        if dry_run:
            plan = gallery.erasures.plan(ErasureTarget(kind=ErasureKind.RETENTION))
            print_json(asdict(plan)) if as_json else print_plan(plan)
            return
        done = []
        while (erasure := gallery.erasures.follow_rules()) is not None:
            done.append(erasure)
    if as_json:
        print_json([asdict(one) for one in done])
        return
    for one in done:
        went = ", ".join(f"{count} {what}" for what, count in one.certificate["counts"].items() if count)
        print_line(f"Erased: {went}. The certificate: `sightline erasures show {one.id}`.")
    if not done:
        print_line("Nothing is due.")


def _camera_id(gallery: "Gallery", name: str | None) -> int | None:
    return None if name is None else gallery.catalogue.camera_named(name).id


def _gallery(data_dir: DataDir) -> "Gallery":
    return open_gallery(read_settings(GallerySettings, data_dir=data_dir))
