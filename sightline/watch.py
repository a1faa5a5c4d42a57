"""`sightline watch`: recordings that appear in a folder become jobs."""

import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gallery import GallerySettings
from indexer.names import shown
from sightline.console import DataDir, open_gallery, print_line, print_note, print_table, read_settings
from sightline.failures import CommandError
from sightline.interrupts import stop_when_told

if TYPE_CHECKING:
    from datetime import datetime

    from indexer.watching.watcher import Filed, Look, Place, Ready, Watcher

_LISTED: Final = 200  # rows of a listing; what follows is counted
_PATIENCE: Final = 900.0  # seconds after which a file that does not settle is named


class Source(StrEnum):
    """What says when a recording began."""

    NAME = "name"
    METADATA = "metadata"


def watch(
    folder: Annotated[
        Path, typer.Argument(help="The folder; those below it are watched too.", metavar="DIR")
    ],
    *,
    camera_from: Annotated[
        str,
        typer.Option(
            metavar="PATTERN",
            help="What paths below DIR say: a template such as "
            "{camera}/{year}-{month}-{day}_{hour}{minute}{second}.mp4, or a regular expression.",
        ),
    ],
    camera: Annotated[
        str | None, typer.Option(help="The camera of all of them, if paths do not say.")
    ] = None,
    start_from: Annotated[
        Source, typer.Option(help="What says when a recording began: its name, or its metadata.")
    ] = Source.NAME,
    add_cameras: Annotated[
        bool, typer.Option("--add-cameras", help="Add cameras that are new, with --time-zone.")
    ] = False,
    time_zone: Annotated[
        str | None, typer.Option(help="Of cameras that are added, like Europe/Berlin.")
    ] = None,
    settle: Annotated[
        float, typer.Option(min=1, help="Seconds for which a file has to stay as it is.")
    ] = 30.0,
    poll: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 10.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be filed, and end.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="File without asking first.")] = False,
    once: Annotated[bool, typer.Option("--once", help="File what has settled, and end.")] = False,
    data_dir: DataDir = None,
) -> None:
    """File recordings that appear in a folder as jobs, each once.

    Shows first what would be filed, with camera and start, and what cannot be, with the reason; then asks.
    A worker indexes what is filed. Each content is filed once, whatever its name, also after a restart; one
    that was erased is not filed again.
    """
    from indexer.watching.settling import Settling
    from indexer.watching.watcher import Watcher

    place = _place(folder, camera_from, camera, start_from, time_zone if add_cameras else None)
    if add_cameras and time_zone is None:
        raise CommandError("the time zone of cameras that are added is not known", "say --time-zone")
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        watcher = Watcher(gallery, place, Settling(settle, _PATIENCE))
        look = watcher.look()
        _print_look(look, place.root)
        if dry_run:
            return
        _require_consent(look, yes)
        stop = threading.Event()
        stop_when_told(stop, "what is filed stays filed; run the command again to go on")
        _Rounds(watcher, place.root).run(look, stop, poll, once=once)


def _place(
    folder: Path, camera_from: str, camera: str | None, start_from: Source, time_zone: str | None
) -> "Place":
    from indexer.local_time import zone_of
    from indexer.settings import IndexSettings
    from indexer.watching.pattern import Pattern
    from indexer.watching.watcher import Place

    if not folder.is_dir():
        raise CommandError(f"no folder {folder}", "name a folder that exists")
    if time_zone is not None:
        zone_of(time_zone)
    pattern = Pattern(camera_from, camera=camera is None, start=start_from is Source.NAME)
    settings = read_settings(IndexSettings)

    def recorded_at(path: Path) -> "datetime":
        from indexer import sandbox

        return sandbox.recorded_at(path, settings)

    return Place(
        folder.resolve(),
        pattern,
        camera,
        time_zone,
        recorded_at if start_from is Source.METADATA else None,
    )


def _require_consent(look: "Look", yes: bool) -> None:
    """Ask before the first is filed. Raises CommandError where nobody can be asked."""
    if yes or not look.ready:
        return
    if not sys.stdin.isatty():
        raise CommandError(
            "nothing was filed: nobody is here to be asked", "look at the list, then say --yes"
        )
    typer.confirm(f"File {len(look.ready)} recordings, and those that follow?", abort=True)


class _Rounds:
    """Files what is ready, look after look, and says each thing once."""

    def __init__(self, watcher: "Watcher", root: Path) -> None:
        self._watcher, self._root = watcher, root
        self._told: set[tuple[Path, str]] = set()

    def run(self, look: "Look", stop: threading.Event, poll: float, *, once: bool) -> None:
        """Go on until `stop` is set, or with `once` until all that has settled is filed."""
        from gallery import CatalogueUnavailable

        self._told |= set(look.refused)
        while True:
            try:
                for filed in self._watcher.file(look.ready):
                    self._print_filed(filed)
                    if stop.is_set():
                        return
                if once or stop.wait(poll):
                    return
                look = self._watcher.look()
            except (CatalogueUnavailable, OSError) as error:
                if once:
                    raise
                self._tell(self._root, f"not looked at: {error}")
                if stop.wait(poll):
                    return
                continue
            self._print_news(look)

    def _print_news(self, look: "Look") -> None:
        for path, reason in look.refused:
            self._tell(path, reason)
        for path in sorted(look.restless):
            self._tell(path, f"has not settled for {_PATIENCE / 60:.0f} minutes")

    def _print_filed(self, filed: "Filed") -> None:
        for path, reason in filed.refused:
            self._tell(path, reason)
        with suppress(OSError):  # as in logs.Lines: what cannot be said must end no filing
            for one in filed.recordings:
                print_line(f"filed {_name(one.path, self._root)}: {one.camera}, {one.start.isoformat(' ')}")
            if filed.known:
                print_line(f"{filed.known} known by their content were left out.")
            if filed.job is not None:
                print_line(f"Job {filed.job.id} has {len(filed.recordings)} recordings.")

    def _tell(self, path: Path, reason: str) -> None:
        if (path, reason) not in self._told:
            self._told.add((path, reason))
            with suppress(OSError):
                print_note(f"not filed: {_name(path, self._root)}: {reason}")


def _print_look(look: "Look", root: Path) -> None:
    print_table([_row(one, root) for one in look.ready[:_LISTED]], empty="Nothing to be filed now.")
    if len(look.ready) > _LISTED:
        print_line(f"... and {len(look.ready) - _LISTED} more.")
    _print_reasons("cannot be filed", look.refused, root)
    _print_reasons("not settled yet", list(look.waiting.items()), root)
    _print_reasons("passed over", look.passed_over, root)
    if look.known:
        print_line(f"{look.known} were filed before.")


def _row(one: "Ready", root: Path) -> dict[str, object]:
    from datetime import UTC

    return {
        "recording": _name(one.path, root),
        "camera": f"{one.camera} (new)" if one.new_camera else one.camera,
        "local_start": one.start.strftime("%Y-%m-%d %H:%M:%S %Z"),
        "utc": one.start.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
    }


def _print_reasons(title: str, found: "Sequence[tuple[Path, str]]", root: Path) -> None:
    if not found:
        return
    print_line(f"{len(found)} {title}:")
    for path, reason in found[:_LISTED]:
        print_line(f"  {_name(path, root)}: {reason}")
    if len(found) > _LISTED:
        print_line(f"  ... and {len(found) - _LISTED} more.")


def _name(path: Path, root: Path) -> str:
    return shown(path.relative_to(root) if path.is_relative_to(root) else path)
