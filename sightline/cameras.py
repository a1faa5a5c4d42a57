"""`sightline cameras`: list, add, edit and delete the cameras of the gallery."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gallery import GallerySettings
from sightline.console import (
    AsJson,
    DataDir,
    local_time,
    open_gallery,
    print_json,
    print_line,
    print_table,
    read_settings,
)
from sightline.failures import CommandError

if TYPE_CHECKING:
    from gallery import CameraInfo

app = typer.Typer(
    help="List, add, edit and delete cameras.", invoke_without_command=True, rich_markup_mode=None
)

Name = Annotated[str, typer.Argument(help="The camera's name.")]
Site = Annotated[str | None, typer.Option(help="Where it belongs.")]
TimeZone = Annotated[str | None, typer.Option(help="Of its clock, like Europe/Berlin [default: UTC].")]
Latitude = Annotated[float | None, typer.Option(help="Degrees north.")]
Longitude = Annotated[float | None, typer.Option(help="Degrees east.")]
DetectorInput = Annotated[
    int | None,
    typer.Option(help="Long side of the detector's input: 640 for small people."),
]
PixelAspect = Annotated[
    float | None, typer.Option(help="Width / height of a pixel, for recordings that do not say it.")
]


@app.callback()
def cameras(context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the cameras, or add, edit and delete them."""
    if context.invoked_subcommand is None:
        list_cameras(data_dir, as_json)


@app.command("list")
def list_cameras(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the cameras."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        found = gallery.catalogue.cameras()
    if as_json:
        print_json([asdict(camera) for camera in found])
        return
    rows = [
        {
            "name": c.name,
            "site": c.site,
            "time_zone": c.time_zone,
            "since": local_time(c.created_at, c.time_zone),
        }
        for c in found
    ]
    print_table(rows, empty="No camera yet: `sightline cameras add` and `index` add one.")


@app.command()
def add(
    name: Name,
    *,
    site: Site = None,
    time_zone: TimeZone = None,
    latitude: Latitude = None,
    longitude: Longitude = None,
    detector_input: DetectorInput = None,
    pixel_aspect: PixelAspect = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Add a camera."""
    settings = _given(
        site=site,
        time_zone=time_zone,
        latitude=latitude,
        longitude=longitude,
        detector_input=detector_input,
        pixel_aspect=pixel_aspect,
    )
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        _print(gallery.catalogue.add_camera(name, **settings), "is added", as_json)


@app.command()
def edit(
    name: Name,
    *,
    rename: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    site: Site = None,
    time_zone: TimeZone = None,
    latitude: Latitude = None,
    longitude: Longitude = None,
    detector_input: DetectorInput = None,
    pixel_aspect: PixelAspect = None,
    clear: Annotated[
        list[str] | None, typer.Option(help="A setting to take back, like site; may be repeated.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Change what is known of a camera; what is not named stays.

    Recordings that are indexed already keep the features they have.
    """
    from gallery import CAMERA_DEFAULTS

    for setting in clear or []:
        if setting.replace("-", "_") not in CAMERA_DEFAULTS:
            raise CommandError(f"a camera has no setting {setting!r}", f"clear {', '.join(CAMERA_DEFAULTS)}")
    changes: dict[str, Any] = {
        **{s.replace("-", "_"): CAMERA_DEFAULTS[s.replace("-", "_")] for s in clear or []},  # type: ignore[literal-required]
        **_given(
            name=rename,
            site=site,
            time_zone=time_zone,
            latitude=latitude,
            longitude=longitude,
            detector_input=detector_input,
            pixel_aspect=pixel_aspect,
        ),
    }
    if not changes:
        raise CommandError("nothing to change", "`sightline cameras edit --help` lists what can be")
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        known = gallery.catalogue.camera_named(name)
        _print(gallery.catalogue.update_camera(known.id, **changes), "is changed", as_json)


@app.command()
def delete(name: Name, data_dir: DataDir = None) -> None:
    """Delete a camera that has no videos and nothing to index."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        gallery.catalogue.remove_camera(gallery.catalogue.camera_named(name).id)
    print_line(f"Camera {name} is deleted.")


def _given(**options: Any) -> dict[str, Any]:
    """Options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def _print(camera: "CameraInfo", what: str, as_json: bool) -> None:
    if as_json:
        print_json(asdict(camera))
    else:
        print_line(f"Camera {camera.name} {what}.")
