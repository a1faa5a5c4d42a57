"""Recordings brought to this machine, to be read: files are there, objects are copied first."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from gallery import ObjectUnusable, Places
from indexer.errors import UnreadableRecording
from indexer.names import shown
from indexer.progress import Progress
from indexer.types import Recording


@contextmanager
def at_hand(places: Places, recording: Recording, progress: Progress) -> Iterator[Recording]:
    """Give a recording whose file can be read for as long as the block lasts.

    Args:
        places: opens it.
        recording: as it was named.
        progress: is told how much of an object has been copied, as stage "hash", and may cancel.

    Raises:
        UnreadableRecording: the object is not there, must not be read, or is another one than was filed.
        ObjectsUnavailable: the store cannot be reached.
        OSError: the disk has no room for the copy.
    """
    if recording.url is None:
        yield recording
        return
    name = shown(recording.file_name)
    try:
        with (
            places.at_hand(
                recording.url,
                filed=recording.filed,
                tick=lambda _done: progress.update("hash", 0.0, {}),
            ) as found,
            under_its_name(found.path, name),
        ):
            yield replace(recording, path=found.path, stamp=found.stamp, filed=None)
    except ObjectUnusable as error:
        raise UnreadableRecording(f"{name}: {error}") from error


@contextmanager
def under_its_name(copy: Path, name: str) -> Iterator[None]:
    """Name the recording, and not its copy, in what is said of it."""
    try:
        yield
    except UnreadableRecording as error:
        said = str(error).replace(str(copy), name).replace(copy.name, name)
        raise type(error)(said) from error
