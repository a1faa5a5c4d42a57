"""`sightline reindex`: what the gallery holds, embedded with another model besides."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gallery import GallerySettings
from indexer.names import shown
from sightline.console import DataDir, open_gallery, output, print_note, read_settings
from sightline.index import reader
from sightline.outcomes import Outcome, print_outcomes, read_one
from sightline.videos import all_videos

if TYPE_CHECKING:
    from gallery import Gallery, VideoInfo
    from indexer.progress import Progress
    from indexer.types import Recording
    from sightline.outcomes import Read

# What the report of a video names as its detector when its people came from a file.
IMPORTED = ("motchallenge", "crops")


def reindex(
    model: Annotated[
        str | None, typer.Option(help="Name or path of the model [default: SIGHTLINE_INDEX_MODEL].")
    ] = None,
    camera: Annotated[str | None, typer.Option(help="Only recordings of this camera.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Index the recordings of the gallery with another model, beside those they are indexed with.

    Features of several models lie side by side and are never compared: a service searches those of its
    SIGHTLINE_MODEL. A recording that has this model's features already is skipped. Exits with 1 when one
    could not be read, or yields other people under the current settings.
    """
    from indexer.networks import check_settings, make_embedder
    from indexer.progress import ConsoleProgress
    from indexer.settings import IndexSettings

    settings = read_settings(IndexSettings)
    if model is not None:
        settings = settings.model_copy(update={"model": model})
    check_settings(settings)
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        camera_id = None if camera is None else gallery.catalogue.camera_named(camera).id
        videos = list(all_videos(gallery.catalogue, camera_id))
        embedder = make_embedder(settings)

        @cache
        def read_of(camera_id: int) -> "Read":
            return reader(gallery, embedder, settings, gallery.catalogue.camera(camera_id), None)

        with ConsoleProgress(output) as bars:
            outcomes = [
                _read_again(gallery, embedder.id, read_of, video, bars.of(shown(video.file_name)))
                for video in videos
            ]
    print_outcomes(outcomes, empty="No recording yet: `sightline index` adds some.")
    if embedder.warning:
        print_note(embedder.warning)
    if any(outcome.failed for outcome in outcomes):
        raise typer.Exit(1)


def _read_again(
    gallery: "Gallery",
    model_id: str,
    read_of: Callable[[int], "Read"],
    video: "VideoInfo",
    progress: "Progress",
) -> Outcome:
    file = Path(video.path)
    if gallery.catalogue.is_indexed(video.content_hash, model_id) is not None:
        return Outcome(file, "in the gallery already", video.tracklet_count)
    if video.report.detector in IMPORTED:
        return Outcome(file, "was imported: import it again with this model", failed=True)
    return read_one(gallery, recording_of(gallery, video), read_of(video.camera_id), progress)


def recording_of(gallery: "Gallery", video: "VideoInfo") -> "Recording":
    """The recording that a video was made from, with its camera's settings of now."""
    from indexer.types import Recording

    aspect = gallery.catalogue.camera(video.camera_id).pixel_aspect
    return Recording(
        Path(video.path), video.camera_id, video.start_time, video.file_name, video.owned, aspect
    )
