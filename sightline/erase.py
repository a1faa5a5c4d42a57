"""`sightline erase`: remove a recording and everything made from it."""

from typing import Annotated

import typer

from gallery import GallerySettings
from indexer.names import shown
from sightline.console import DataDir, open_gallery, print_line, read_settings


def erase(
    video: Annotated[str, typer.Argument(help="The video's id, as `sightline videos` shows it.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Remove a recording with all that was made from it.

    Removes its rows, thumbnails and cut clips, the marks on its tracklets, and the file if it was uploaded.
    Its vectors stop answering at once; `sightline compact` removes them from the disk.
    """
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        found = gallery.catalogue.video(video)
        if not yes:
            typer.confirm(
                f"Erase {shown(found.file_name)} with {found.tracklet_count} tracklets?", abort=True
            )
        detail = {"content_hash": found.content_hash, "tracklets": found.tracklet_count}
        gallery.audit.record("video.erase", subject=video, detail=detail)
        marks = gallery.erase_video(video)
    along = "" if not marks else f", and with it {marks} mark{'s' * (marks > 1)} of searches"
    print_line(f"{found.file_name} is erased{along}.")
