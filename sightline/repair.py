"""`sightline repair`: finds damage and mends what can be mended; says plainly what cannot."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gallery import GallerySettings
from indexer.names import shown
from sightline.console import DataDir, open_gallery, output, print_note, read_settings
from sightline.index import reader
from sightline.outcomes import Outcome, print_outcomes, read_one

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gallery import DamagedVideo, Gallery, VideoInfo
    from indexer.progress import ConsoleProgress
    from indexer.settings import IndexSettings
    from indexer.types import Recording
    from models.embedder import Embedder
    from sightline.outcomes import Read

# What the report of a video names as its detector when its people came from a file.
IMPORTED = ("motchallenge", "crops")


def repair(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Find whatever is wrong, and mend what can be mended.

    Reads the whole gallery. Files that nothing names are removed. Thumbnails are drawn anew from their
    recordings; where these are gone they are marked as lost. Recordings with damaged vectors or rows are
    indexed again with SIGHTLINE_INDEX_MODEL, and replace what there is. Exits with 1 when something stays
    wrong.
    """
    from indexer.networks import check_settings, in_use
    from indexer.settings import IndexSettings

    settings = read_settings(IndexSettings)
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        settings = in_use(settings, gallery)
        check_settings(settings)
        found = gallery.verify()
        for fault in found.faults:
            print_note(str(fault))
        if not found.faults:
            output.print(f"Nothing to repair in {found.videos} videos.")
            _say_lost(found.lost)
        if dry_run or not (found.faults or found.lost):
            raise typer.Exit(1 if found.faults else 0)
        mended = gallery.mend(found)
        if mended.removed or mended.corrected:
            output.print(f"{mended.removed} leftovers are removed, {mended.corrected} rows put right.")
        outcomes = _from_recordings(gallery, settings, found.strips, found.damaged)
        print_outcomes(outcomes)
        left = gallery.verify()
        for problem in left.problems:
            print_note(f"still wrong: {problem}")
    if left.problems or any(outcome.failed for outcome in outcomes):
        raise typer.Exit(1)


def _say_lost(lost: int) -> None:
    if lost:
        print_note(f"{lost} thumbnails are marked as lost, until their recordings are there again")


def _from_recordings(
    gallery: "Gallery", settings: "IndexSettings", strips: "Sequence[str]", damaged: "Sequence[DamagedVideo]"
) -> list[Outcome]:
    """Draw strips and index again."""
    from indexer.networks import make_embedder
    from indexer.progress import ConsoleProgress

    if not strips and not damaged:
        return []
    embedder = make_embedder(settings, gallery.models.exported)

    @cache
    def read_of(camera_id: int) -> "Read":
        camera = gallery.catalogue.camera(camera_id)
        return reader(gallery, embedder, settings, camera, None, replace=True)

    outcomes = [_draw(gallery, embedder, settings, video_id) for video_id in strips]
    with ConsoleProgress(output) as bars:
        return outcomes + [_mend(gallery, embedder, read_of, one, bars) for one in damaged]


def _draw(gallery: "Gallery", embedder: "Embedder", settings: "IndexSettings", video_id: str) -> Outcome:
    """Draw the strips of a video that are not what was written; nothing else of it is touched."""
    from indexer.redraw import redraw

    video = gallery.catalogue.video(video_id)
    drawn = redraw(gallery, video, embedder.preprocessing, settings)
    counts = {"drawn as they were": drawn.same, "drawn anew": drawn.other, "marked as lost": drawn.lost}
    said = ", ".join(f"{count} thumbnails {what}" for what, count in counts.items() if count)
    return Outcome(Path(video.path), f"{said} ({drawn.reason})" if drawn.lost else said or "tidied")


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
    return Recording.at(
        video.path,
        video.camera_id,
        video.start_time,
        video.file_name,
        owned=video.owned,
        pixel_aspect=aspect,
    )
