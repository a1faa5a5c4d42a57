"""`sightline erase`: remove a recording and everything made from it."""

from typing import Annotated

import typer

from gallery.settings import GallerySettings
from sightline.console import DataDir, open_gallery, output, read_settings


def erase(
    video: Annotated[str, typer.Argument(help="The video's id, as `sightline videos` shows it.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Remove a recording from the gallery: rows, vectors, thumbnails, cut clips, the file if it was uploaded.

    Its vectors no longer answer at once; `sightline compact` removes them from the disk.
    """
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        found = gallery.catalogue.video(video)
        if not yes:
            typer.confirm(f"Erase {found.file_name} with {found.tracklet_count} tracklets?", abort=True)
        gallery.erase_video(video)
        gallery.audit.record("video.erase", subject=video, detail={"file_name": found.file_name})
    output.print(f"{found.file_name} is erased.", markup=False)
