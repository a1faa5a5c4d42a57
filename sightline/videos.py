"""`sightline videos`: list and correct the indexed recordings."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gallery import FileStamp, GallerySettings, VideoChanges, is_object
from sightline.console import (
    AsJson,
    DataDir,
    local_time,
    moment,
    open_gallery,
    output,
    print_json,
    print_table,
    read_settings,
)
from sightline.failures import CommandError

if TYPE_CHECKING:
    from gallery import Catalogue, Gallery, VideoInfo

_PAGE = 500

app = typer.Typer(
    help="List and correct indexed recordings.", invoke_without_command=True, rich_markup_mode=None
)

Camera = Annotated[str | None, typer.Option(help="Only recordings of this camera.")]


@app.callback()
def videos(
    context: typer.Context, camera: Camera = None, data_dir: DataDir = None, as_json: AsJson = False
) -> None:
    """List the indexed recordings by camera and time, or correct one."""
    if context.invoked_subcommand is None:
        list_videos(camera, data_dir, as_json)


@app.command("list")
def list_videos(camera: Camera = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the indexed recordings by camera and time."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        camera_id = None if camera is None else gallery.catalogue.camera_named(camera).id
        cameras = {c.id: c for c in gallery.catalogue.cameras()}
        found = sorted(
            all_videos(gallery.catalogue, camera_id),
            key=lambda video: (cameras[video.camera_id].name, video.start_time),
        )
    if as_json:
        print_json([asdict(video) | {"camera": cameras[video.camera_id].name} for video in found])
        return
    rows = [
        {
            "id": video.id,
            "camera": cameras[video.camera_id].name,
            "file": video.file_name,
            "local_start": local_time(video.start_time, cameras[video.camera_id].time_zone),
            "seconds": f"{video.duration_us / 1e6:.1f}",
            "tracklets": video.tracklet_count,
        }
        for video in found
    ]
    print_table(rows, empty="No recording yet: `sightline index` adds some.")


@app.command()
def edit(
    video: Annotated[str, typer.Argument(help="The video's id, as `sightline videos` shows it.")],
    *,
    start: Annotated[
        str | None, typer.Option(help="When it began: ISO time, on the camera's clock without an offset.")
    ] = None,
    camera: Annotated[str | None, typer.Option(help="The camera that recorded it.")] = None,
    path: Annotated[
        str | None, typer.Option(help="Where the same recording lies now: a path, or s3://BUCKET/KEY.")
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Correct what is recorded of a recording, without indexing it again.

    Searches that begin afterwards find it at its right time and camera.
    """
    if start is None and camera is None and path is None:
        raise CommandError("nothing to correct", "give --start, --camera or --path")
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        known, changes = gallery.catalogue.video(video), VideoChanges()
        where = gallery.catalogue.camera(known.camera_id)
        if camera is not None:
            where = gallery.catalogue.camera_named(camera)
            changes["camera_id"] = where.id
        if start is not None:
            changes["start_time"] = moment(start, where.time_zone)
        if path is not None:
            changes["path"] = path if is_object(path) else str(Path(path).absolute())
            changes["stamp"] = _same_content(gallery, changes["path"], known)
        corrected = gallery.correct_video(video, **changes)
    if as_json:
        print_json(asdict(corrected))
    else:
        begin = local_time(corrected.start_time, where.time_zone)
        output.print(f"{corrected.file_name}: camera {where.name}, {begin}, {corrected.path}", markup=False)


def _same_content(gallery: "Gallery", place: str, video: "VideoInfo") -> FileStamp | None:
    """The stamp of a recording, if it is that video's; a folder of imported crops is taken as it is."""
    from indexer.hashing import content_hash

    if video.report.detector == "crops" and Path(place).is_dir():
        return None
    with gallery.places.at_hand(place) as found:
        if content_hash(found.path) != video.content_hash:
            raise CommandError(f"{place} is another recording than {video.file_name}", "index it instead")
        return found.stamp


def all_videos(catalogue: "Catalogue", camera_id: int | None) -> Iterator["VideoInfo"]:
    """All recordings of the gallery, or of a camera, page by page."""
    after = None
    while page := catalogue.videos(camera_id=camera_id, after=after, limit=_PAGE):
        yield from page
        after = page[-1].id
