"""Plots of `sightline evaluate`: CMC curves and ranked lists, in a folder that is checked before the work."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from sightline.console import print_line
from sightline.failures import CommandError

if TYPE_CHECKING:
    from models.evaluation.album import Album
    from models.evaluation.report import Evaluation


def open_album(folder: Path, queries: int) -> "Album":
    """Make the folder, and refuse now what could not be drawn later. Raises CommandError, TrainingError."""
    from models.evaluation.album import Album

    album = Album(folder, queries)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise _cannot_draw(folder, error) from error
    return album


def draw_plots(album: "Album", found: Sequence["Evaluation"]) -> None:
    """Draw all plots into the folder. Raises CommandError."""
    try:
        album.draw(found)
    except OSError as error:
        raise _cannot_draw(album.folder, error) from error
    print_line(f"Plots: {album.folder}")


def _cannot_draw(folder: Path, error: OSError) -> CommandError:
    return CommandError(f"cannot draw into {folder}: {error.strerror or error}", "name another folder")
