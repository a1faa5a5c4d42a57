"""`sightline repair`: finds damage and makes what is damaged anew from the recordings."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gallery import GallerySettings
from indexer.names import shown
from sightline.console import DataDir, open_gallery, output, print_note, read_settings
from sightline.index import reader
from sightline.outcomes import Outcome, print_outcomes, read_one

if TYPE_CHECKING:
    from collections.abc import Callable

    from gallery import DamagedVideo, Gallery, VideoInfo
    from indexer.progress import ConsoleProgress
    from indexer.types import Recording
    from models.embedder import Embedder
    from sightline.outcomes import Read

# What the report of a video names as its detector when its people came from a file.
IMPORTED = ("motchallenge", "crops")


def repair(data_dir: DataDir = None) -> None:
    """Find damaged vectors, thumbnails and rows, and make them anew from the recordings.

    Reads the whole gallery. Recordings with damage are indexed again with SIGHTLINE_INDEX_MODEL, and replace
    what there is. Exits with 1 when something stays damaged.
    """
    from indexer.networks import check_settings, in_use, make_embedder
    from indexer.progress import ConsoleProgress
    from indexer.settings import IndexSettings

    settings = read_settings(IndexSettings)
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        settings = in_use(settings, gallery)
        check_settings(settings)
        found = gallery.verify()
        for problem in found.problems:
            print_note(problem)
        if not found.damaged:
            output.print(f"Nothing to repair in {found.videos} videos.")
            raise typer.Exit(1 if found.problems else 0)
        embedder = make_embedder(settings, gallery.models.exported)

        @cache
        def read_of(camera_id: int) -> "Read":
            camera = gallery.catalogue.camera(camera_id)
            return reader(gallery, embedder, settings, camera, None, replace=True)

        with ConsoleProgress(output) as bars:
            outcomes = [_mend(gallery, embedder, read_of, one, bars) for one in found.damaged]
        print_outcomes(outcomes)
        left = gallery.verify().problems
    if left or any(outcome.failed for outcome in outcomes):
        raise typer.Exit(1)


def _mend(
    gallery: "Gallery",
    embedder: "Embedder",
    read_of: "Callable[[int], Read]",
    damaged: "DamagedVideo",
    bars: "ConsoleProgress",
) -> Outcome:
    """Index a recording again, if this model and a detector are what it was indexed with."""
    video = gallery.catalogue.video(damaged.video_id)
    file = Path(video.path)
    if damaged.model_id != embedder.id:
        name = next(m.name for m in gallery.catalogue.models() if m.id == damaged.model_id)
        return Outcome(file, f"is damaged under model {name}: set SIGHTLINE_INDEX_MODEL to it", failed=True)
    if video.report.detector in IMPORTED:
        return Outcome(file, "was imported: erase it and import it again", failed=True)
    progress = bars.of(shown(video.file_name))
    return read_one(gallery, _recording_of(gallery, video), read_of(video.camera_id), progress)


def _recording_of(gallery: "Gallery", video: "VideoInfo") -> "Recording":
    """The recording that a video was made from, with its camera's settings of now."""
    from indexer.types import Recording

    aspect = gallery.catalogue.camera(video.camera_id).pixel_aspect
    return Recording(
        Path(video.path), video.camera_id, video.start_time, video.file_name, video.owned, aspect
    )
