"""Outcomes of indexing recordings, and the table that shows them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sightline.console import local_time, print_note, print_table

if TYPE_CHECKING:
    from gallery import Gallery
    from indexer.pipeline import IndexReport
    from indexer.progress import Progress
    from indexer.types import Recording

    Read = Callable[[Recording, Progress], IndexReport]

FEW = 10  # files that are named one by one


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome for a file.

    `end` is when the next one begins if it follows on, else None; `unread`: what it shows is in no video.
    """

    file: Path
    result: str
    tracklets: int | None = None
    end: datetime | None = None
    failed: bool = False
    unread: bool = False


def read_one(gallery: "Gallery", recording: "Recording", read: "Read", progress: "Progress") -> Outcome:
    """Read one recording; one that cannot be read or recorded is an outcome, not an error."""
    from gallery import Conflict
    from indexer.at_hand import at_hand
    from indexer.errors import IndexerError

    try:
        with at_hand(gallery.places, recording, progress) as here:
            report = read(here, progress)
    except IndexerError as error:
        return Outcome(recording.path, str(error), failed=True, unread=True)
    except Conflict as error:
        return Outcome(recording.path, str(error), failed=True)
    progress.update("done", 1.0, report.counters)
    video = report.video
    if not report.already:
        result = report.summary()
    elif (video.camera_id, video.start_time) == (recording.camera_id, recording.start_time):
        result = "in the gallery already" + ("; its new place is recorded" if report.moved else "")
    else:
        camera = gallery.catalogue.camera(video.camera_id)
        began = local_time(video.start_time, camera.time_zone)
        result = f"in the gallery already, of camera {camera.name} from {began} ({camera.time_zone})"
    return Outcome(recording.path, result, video.tracklet_count, video.end_time)


def print_outcomes(outcomes: Sequence[Outcome], *, empty: str = "") -> None:
    """Print a table with a line a recording."""
    rows = [{"recording": o.file.name, "tracklets": o.tracklets, "result": o.result} for o in outcomes]
    print_table(rows, empty=empty)


def print_passed_over(files: Sequence[tuple[Path, str]]) -> None:
    """Say which files of the folders given were not looked at, by reason."""
    for reason in dict.fromkeys(reason for _, reason in files):
        named = [path.name for path, why in files if why == reason]
        more = f" and {len(named) - FEW} more" if len(named) > FEW else ""
        print_note(f"passed over {len(named)} ({reason}): {', '.join(named[:FEW])}{more}")
