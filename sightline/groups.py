"""`sightline groups`: camera groups, which keys may be limited to."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from gallery import GallerySettings
from sightline.console import (
    AsJson,
    DataDir,
    open_gallery,
    print_json,
    print_line,
    print_table,
    read_settings,
)

if TYPE_CHECKING:
    from gallery import GroupInfo

app = typer.Typer(
    help="List, fill and delete camera groups.", invoke_without_command=True, rich_markup_mode=None
)

Group = Annotated[str, typer.Argument(help="The group's name.")]


@app.callback()
def groups(context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the camera groups, or fill and delete them: a key may be limited to them."""
    if context.invoked_subcommand is None:
        list_groups(data_dir, as_json)


@app.command("list")
def list_groups(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the camera groups with their cameras."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        found = gallery.groups.list()
    if as_json:
        print_json([asdict(group) for group in found])
        return
    rows = [{"name": group.name, "cameras": ", ".join(group.cameras) or "none"} for group in found]
    print_table(rows, empty="No camera group yet: `sightline groups add NAME CAMERA` makes one.")


@app.command()
def add(
    name: Group,
    cameras: Annotated[list[str] | None, typer.Argument(help="Names of cameras that join it.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Add cameras to a group, which is made if there is none. Its keys see them at once."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        _print(gallery.groups.add(name, cameras or []), as_json)


@app.command()
def remove(
    name: Group,
    cameras: Annotated[list[str], typer.Argument(help="Names of cameras that leave it.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Take cameras out of a group. Its keys see them, and their searches that covered them, no more."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        _print(gallery.groups.remove(name, cameras), as_json)


@app.command()
def delete(name: Group, data_dir: DataDir = None) -> None:
    """Delete a group that no valid key is limited to; its cameras stay."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        gallery.groups.delete(name)
    print_line(f"Camera group {name} is deleted.")


def _print(group: "GroupInfo", as_json: bool) -> None:
    if as_json:
        print_json(asdict(group))
    else:
        print_line(f"Camera group {group.name}: {', '.join(group.cameras) or 'no cameras'}.")
