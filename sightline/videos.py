"""`sightline videos`: the indexed recordings."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from gallery import GallerySettings
from sightline.console import (
    AsJson,
    DataDir,
    local_time,
    open_gallery,
    print_json,
    print_table,
    read_settings,
)

if TYPE_CHECKING:
    from gallery import Catalogue, VideoInfo

_PAGE = 500


def videos(
    camera: Annotated[str | None, typer.Option(help="Only recordings of this camera.")] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
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


def all_videos(catalogue: "Catalogue", camera_id: int | None) -> Iterator["VideoInfo"]:
    """All recordings of the gallery, or of a camera, page by page."""
    after = None
    while page := catalogue.videos(camera_id=camera_id, after=after, limit=_PAGE):
        yield from page
        after = page[-1].id
