"""`sightline reindex`: what the gallery holds, embedded with another model besides."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gallery import GallerySettings, ReindexOptions
from indexer.names import shown
from sightline.console import DataDir, Runtime, open_gallery, output, print_line, print_note, read_settings
from sightline.outcomes import Outcome, print_outcomes
from sightline.videos import all_videos

if TYPE_CHECKING:
    from gallery import Gallery, VideoInfo
    from indexer.embedding import ClipEmbedder
    from indexer.progress import Progress
    from indexer.settings import IndexSettings


def reindex(
    model: Annotated[
        str | None,
        typer.Option(help="Name or path of the model [default: SIGHTLINE_INDEX_MODEL, or the promoted one]."),
    ] = None,
    camera: Annotated[str | None, typer.Option(help="Only recordings of this camera.")] = None,
    job: Annotated[bool, typer.Option("--job", help="File a job for the workers and return.")] = False,
    runtime: Runtime = None,
    data_dir: DataDir = None,
) -> None:
    """Embed the people of the gallery with another model, beside those they are embedded with.

    Crops are cut from the recordings at the boxes that are kept: nobody is detected or tracked again.
    Features of several models lie side by side and are never compared. A recording that has this model's
    features already is skipped, so an interrupted run continues. Exits with 1 when a recording is gone or has
    changed.
    """
    from indexer.networks import check_settings, in_use, make_embedder
    from indexer.settings import IndexSettings

    settings = read_settings(IndexSettings, model=model, runtime=runtime)
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        named, settings = settings.model, in_use(settings, gallery)
        check_settings(settings)
        camera_id = None if camera is None else gallery.catalogue.camera_named(camera).id
        embedder = make_embedder(settings, gallery.models.exported)
        if job:
            cameras = None if camera_id is None else [camera_id]
            options = ReindexOptions(named or embedder.name, embedder.id)
            filed = gallery.jobs.file_reindex(options, camera_ids=cameras)
            print_line(f"Job {filed.id}: {len(filed.recordings)} recordings. `sightline worker` runs it.")
            return
        outcomes = _embed_all(gallery, embedder, list(all_videos(gallery.catalogue, camera_id)), settings)
    print_outcomes(outcomes, empty="No recording yet: `sightline index` adds some.")
    if embedder.warning:
        print_note(embedder.warning)
    if any(outcome.failed for outcome in outcomes):
        raise typer.Exit(1)


def _embed_all(
    gallery: "Gallery", embedder: "ClipEmbedder", videos: "list[VideoInfo]", settings: "IndexSettings"
) -> list[Outcome]:
    from indexer.progress import ConsoleProgress

    with ConsoleProgress(output) as bars:
        return [
            _embed(gallery, embedder, video, settings, bars.of(shown(video.file_name))) for video in videos
        ]


def _embed(
    gallery: "Gallery",
    embedder: "ClipEmbedder",
    video: "VideoInfo",
    settings: "IndexSettings",
    progress: "Progress",
) -> Outcome:
    from gallery import Conflict, NotFound
    from indexer.errors import IndexerError
    from indexer.reembed import embed_video

    file = Path(video.file_name)
    try:
        report = embed_video(gallery, embedder, video, settings, progress=progress)
    except (IndexerError, Conflict, NotFound) as error:
        return Outcome(file, str(error), failed=True)
    progress.update("done", 1.0, report.counters)
    return Outcome(file, "in the gallery already" if report.already else "embedded", video.tracklet_count)
