"""`sightline index`: recordings into the gallery."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gallery import RECORDING_SUFFIXES, GallerySettings, is_object
from indexer.folders import Found, find_recordings
from indexer.names import cannot_be_recorded, shown
from sightline.console import DataDir, Runtime, moment, open_gallery, output, print_note, read_settings
from sightline.failures import CommandError
from sightline.outcomes import Outcome, print_outcomes, print_passed_over, read_one

if TYPE_CHECKING:
    from gallery import CameraInfo, Gallery
    from indexer.embedding import ClipEmbedder
    from indexer.progress import Remembering
    from indexer.settings import IndexSettings
    from indexer.types import Recording
    from sightline.outcomes import Read


def index(
    paths: Annotated[
        list[str],
        typer.Argument(
            help="Recordings, or folders that hold some; or objects, s3://BUCKET/KEY.", metavar="PATH..."
        ),
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
    runtime: Runtime = None,
    data_dir: DataDir = None,
) -> None:
    """Make the people on recordings searchable.

    A recording that is in the gallery already is skipped; one that cannot be read is reported, and the others
    are indexed all the same. Folders are read in natural order, without hidden files. Exits with 1 when a
    recording failed.
    """
    urls = [path for path in paths if is_object(path)]
    if urls and len(urls) < len(paths):
        raise CommandError("files and objects are not taken together", "index them one after the other")
    found = Found() if urls else _found([Path(path) for path in paths])
    files = list(dict.fromkeys(urls)) or [str(file) for file in found.recordings]
    if len(files) > 1 and boxes is not None:
        raise CommandError(f"{len(files)} recordings cannot share one file of boxes", "index them one by one")
    if len(files) > 1 and not consecutive:
        raise CommandError(
            f"{len(files)} recordings cannot begin at one time",
            "say --consecutive if each begins where the one before ended, or index them one by one",
        )
    from indexer.networks import check_settings, in_use, make_embedder
    from indexer.settings import IndexSettings

    settings = read_settings(IndexSettings, runtime=runtime)
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        settings = in_use(settings, gallery)
        check_settings(settings)  # before torch loads, which takes many seconds
        with _camera(gallery, camera, site, time_zone) as where:
            begin = moment(start, where.time_zone)
            print_passed_over(found.passed_over)
            _print_order(files, reordered=found.reordered)
            embedder = make_embedder(settings, gallery.models.exported)
            read = reader(gallery, embedder, settings, where, boxes)
            outcomes = _index_all(gallery, files, where, begin, read, settings=settings)
    print_outcomes(outcomes)
    if embedder.warning:
        print_note(embedder.warning)
    if any(outcome.failed for outcome in outcomes):
        raise typer.Exit(1)


def _found(paths: Sequence[Path]) -> Found:
    """The recordings, at least one."""
    for path in paths:
        if not path.exists():
            raise CommandError(f"no such file or folder: {path}", "check the path")
    found = find_recordings(paths)
    if not found.recordings:
        print_passed_over(found.passed_over)
        where = ", ".join(map(str, paths))
        suffixes = ", ".join(sorted(RECORDING_SUFFIXES))
        raise CommandError(
            f"no recordings in {where}",
            f"name a file itself to index it; those of a folder end in {suffixes}",
        )
    return found


def _print_order(files: Sequence[str], *, reordered: bool) -> None:
    """Say in which order recordings will be taken to follow each other, before any is read."""
    if len(files) == 1:
        return
    why = " (not as they were named: alphabetical order puts 10 before 2)" if reordered else ""
    output.print(f"{len(files)} recordings, in this order{why}:", soft_wrap=True)
    for number, file in enumerate(files, start=1):
        output.print(f"{number:4} {file}", soft_wrap=True)


@contextmanager
def _camera(gallery: "Gallery", name: str, site: str | None, time_zone: str | None) -> Iterator["CameraInfo"]:
    """The camera of that name, made if new; one that was made for nothing is removed again.

    Raises:
        CommandError: it is known with another site or time zone.
    """
    from gallery import Conflict, NotFound

    try:
        known, new = gallery.catalogue.camera_named(name), False
    except NotFound:
        known = gallery.catalogue.get_or_add_camera(name, site=site, time_zone=time_zone or "UTC")
        new = True
    if site not in {None, known.site} or time_zone not in {None, known.time_zone}:
        is_known = f"camera {name} is known with site {known.site} and time zone {known.time_zone}"
        raise CommandError(is_known, "leave --site and --time-zone out, or name another camera")
    try:
        yield known
    finally:
        if new and not gallery.catalogue.videos(camera_id=known.id, limit=1):
            with suppress(Conflict):  # somebody else has begun to use it
                gallery.catalogue.remove_camera(known.id)


def reader(
    gallery: "Gallery",
    embedder: "ClipEmbedder",
    settings: "IndexSettings",
    camera: "CameraInfo",
    boxes: Path | None,
    *,
    replace: bool = False,
) -> "Read":
    """Return a function that reads a recording, with the people in `boxes` or those that a detector finds.

    With `replace`, what a detector found before is replaced.
    """
    from indexer.importers.motchallenge import import_boxes
    from indexer.networks import make_detector
    from indexer.pipeline import index_video

    if boxes is not None:
        return lambda recording, progress: import_boxes(
            gallery, embedder, recording, boxes, settings, progress=progress
        )
    detector = make_detector(settings, camera.detector_input)
    return lambda recording, progress: index_video(
        gallery, embedder, detector, recording, settings, progress=progress, replaces=lambda _: replace
    )


def _index_all(
    gallery: "Gallery",
    places: Sequence[str],
    camera: "CameraInfo",
    begin: datetime,
    read: "Read",
    *,
    settings: "IndexSettings",
) -> list[Outcome]:
    """Read one after the other, each beginning where the one before ended."""
    from indexer.progress import ConsoleProgress, Remembering
    from indexer.types import Recording

    outcomes = []
    start: datetime | None = begin
    with ConsoleProgress(output) as bars:
        for place in places:
            file = Path(place)
            if start is None:
                outcome = Outcome(file, "its start is unknown, as the one before failed", failed=True)
            elif not is_object(place) and (reason := cannot_be_recorded(file)) is not None:
                outcome = Outcome(file, reason, end=_end(file, start, settings), failed=True)
            else:
                recording = Recording.at(
                    place if is_object(place) else str(file.absolute()),
                    camera.id,
                    start,
                    file.name,
                    pixel_aspect=camera.pixel_aspect,
                )
                outcome = _read(gallery, recording, read, Remembering(bars.of(shown(file.name))))
            start = outcome.end
            outcomes.append(outcome)
    return outcomes


def _read(gallery: "Gallery", recording: "Recording", read: "Read", progress: "Remembering") -> Outcome:
    """Read a recording; that it cannot be read is recorded, so that searches say what they lack."""
    from gallery import NewRecording

    outcome = read_one(gallery, recording, read, progress)
    if outcome.unread:
        filed = NewRecording(
            recording.camera_id, recording.place, recording.file_name, False, recording.start_time
        )
        gallery.jobs.record_failure(filed, outcome.result, counters=progress.counters)
    return outcome


def _end(file: Path, start: datetime, settings: "IndexSettings") -> datetime | None:
    """Where a recording that is left out ends, for those that follow it."""
    from indexer.errors import UnreadableRecording
    from indexer.sandbox import length_us

    try:
        return start + timedelta(microseconds=length_us(file, settings))
    except UnreadableRecording:
        return None
