"""`sightline index`: recordings into the gallery."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gallery import GallerySettings
from sightline.console import DataDir, moment, open_gallery, output, print_note, print_table, read_settings
from sightline.failures import CommandError

if TYPE_CHECKING:
    from gallery import CameraInfo, Gallery
    from indexer.embedding import ClipEmbedder
    from indexer.pipeline import IndexReport
    from indexer.progress import Progress
    from indexer.settings import IndexSettings
    from indexer.types import Recording

    Read = Callable[[Recording, Progress], IndexReport]

# What a folder is searched for; a file that is named itself may be called anything.
SUFFIXES = frozenset({".3gp", ".asf", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg"})
SUFFIXES |= {".h264", ".h265", ".mpg", ".mts", ".ts", ".webm", ".wmv"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file: the time at which the next one begins if it follows on, else None."""

    file: Path
    result: str
    tracklets: int | None = None
    end: datetime | None = None
    failed: bool = False


def index(
    paths: Annotated[
        list[Path], typer.Argument(help="Recordings, or folders that hold some.", metavar="PATH...")
    ],
    *,
    camera: Annotated[str, typer.Option(help="The camera that recorded them; added when it is new.")],
    start: Annotated[str, typer.Option(help="When the recording began: ISO time, local without an offset.")],
    consecutive: Annotated[
        bool, typer.Option("--consecutive", help="Each recording begins where the one before ended.")
    ] = False,
    site: Annotated[str | None, typer.Option(help="Site of a new camera.")] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="Of a new camera, like Europe/Berlin [default: UTC].")
    ] = None,
    boxes: Annotated[
        Path | None, typer.Option(help="MOTChallenge file with the people on the one recording given.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Make the people on recordings searchable.

    A recording that is in the gallery already is skipped; one that cannot be read is reported, and the others
    are indexed all the same. Exits with 1 when one of them failed.
    """
    files = find_recordings(paths)
    if len(files) > 1 and boxes is not None:
        raise CommandError(f"{len(files)} recordings cannot share one file of boxes", "index them one by one")
    if len(files) > 1 and not consecutive:
        raise CommandError(
            f"{len(files)} recordings cannot begin at one time",
            "say --consecutive if each begins where the one before ended, or index them one by one",
        )
    from indexer.networks import make_embedder
    from indexer.settings import IndexSettings

    settings = read_settings(IndexSettings)
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        where = _camera(gallery, camera, site, time_zone)
        begin = moment(start, where.time_zone)
        embedder = make_embedder(settings)
        read = reader(gallery, embedder, settings, where, boxes)
        outcomes = _index_all(files, where, begin, read)
    rows = [{"recording": o.file.name, "tracklets": o.tracklets, "result": o.result} for o in outcomes]
    print_table(rows)
    if embedder.warning:
        print_note(embedder.warning)
    if any(outcome.failed for outcome in outcomes):
        raise typer.Exit(1)


def find_recordings(paths: Sequence[Path]) -> list[Path]:
    """The files named and those in the folders named, in order of name. Raises CommandError."""
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise CommandError(f"no such file or folder: {path}", "check the path")
        inside = sorted(
            file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file()
        )
        if path.is_dir() and not inside:
            raise CommandError(f"no recordings in {path}", f"they end in {', '.join(sorted(SUFFIXES))}")
        found += inside if path.is_dir() else [path]
    return found


def _camera(gallery: "Gallery", name: str, site: str | None, time_zone: str | None) -> "CameraInfo":
    """The camera of that name, made if new; CommandError when it is known with another site or time zone."""
    known = gallery.catalogue.get_or_add_camera(name, site=site, time_zone=time_zone or "UTC")
    if site not in {None, known.site} or time_zone not in {None, known.time_zone}:
        is_known = f"camera {name} is known with site {known.site} and time zone {known.time_zone}"
        raise CommandError(is_known, "leave --site and --time-zone out, or name another camera")
    return known


def reader(
    gallery: "Gallery",
    embedder: "ClipEmbedder",
    settings: "IndexSettings",
    camera: "CameraInfo",
    boxes: Path | None,
) -> "Read":
    """How a recording is read: with the people that `boxes` names, or those that a detector finds."""
    from indexer.importers.motchallenge import import_boxes
    from indexer.networks import make_detector
    from indexer.pipeline import index_video

    if boxes is not None:
        return lambda recording, progress: import_boxes(
            gallery, embedder, recording, boxes, settings, progress=progress
        )
    detector = make_detector(settings, camera.detector_input)
    return lambda recording, progress: index_video(
        gallery, embedder, detector, recording, settings, progress=progress
    )


def _index_all(files: Sequence[Path], camera: "CameraInfo", begin: datetime, read: "Read") -> list[Outcome]:
    """Read one after the other, each beginning where the one before ended."""
    from indexer.progress import ConsoleProgress
    from indexer.types import Recording

    outcomes = []
    start: datetime | None = begin
    with ConsoleProgress(output) as bars:
        for file in files:
            if start is None:
                outcome = Outcome(file, "its start is unknown, as the one before failed", failed=True)
            else:
                recording = Recording(file.absolute(), camera.id, start, file.name)
                outcome = read_one(recording, read, bars.of(file.name))
            start = outcome.end
            outcomes.append(outcome)
    return outcomes


def read_one(recording: "Recording", read: "Read", progress: "Progress") -> Outcome:
    """Read one recording; one that cannot be read is an outcome, not an error."""
    from indexer.errors import IndexerError

    try:
        report = read(recording, progress)
    except IndexerError as error:
        return Outcome(recording.path, str(error), failed=True)
    video = report.video
    if not report.already:
        result = "; ".join(["indexed", *video.report["warnings"]])
    elif (video.camera_id, video.start_time) == (recording.camera_id, recording.start_time):
        result = "in the gallery already"
    else:
        result = f"in the gallery already, of another camera or start ({video.start_time.isoformat()})"
    return Outcome(recording.path, result, video.tracklet_count, video.end_time)
