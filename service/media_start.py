"""What a file in the server's media folder says of its own start."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC
from pathlib import Path
from typing import Final

from gallery import FiledFile, Gallery, ObjectUnusable, is_object
from gallery.recorded import is_possible, start_of
from service import children, start_child
from service.errors import InvalidRequest
from service.media_folder import version_of
from service.record_schemas import MediaStart
from service.recordings import media_path, no_object, object_state
from service.settings import ServiceSettings

_SECONDS: Final = 20


def media_start(gallery: Gallery, settings: ServiceSettings, path: str) -> MediaStart:
    """When a file in the media folder, or an object, began, as its metadata say.

    Raises:
        InvalidRequest: there is no media folder, or no such file in it, or no such object, that may be read.
        ObjectsUnavailable: the object store cannot be reached.
        Abandoned: nobody waits for it any more.
    """
    with _opened(gallery, settings.media_dir, path) as (source, found):
        version = version_of(found)
        request = start_child.Request(source, settings.clip_memory_bytes, _SECONDS)
        try:
            ended = children.run(
                start_child.__name__, data=json.dumps(asdict(request)).encode() + b"\n", seconds=_SECONDS
            )
        except TimeoutError:
            ended = children.Ended(start_child.UNAVAILABLE, b"")
    if ended.status != 0:
        return MediaStart(path=path, start=None, why="unreadable", version=version)
    start = start_of(_said(ended.answer))
    if start is None:
        return MediaStart(path=path, start=None, why="not_said", version=version)
    if not is_possible(start):
        return MediaStart(path=path, start=None, why="impossible", version=version)
    return MediaStart(path=path, start=start.astimezone(UTC), why=None, version=version)


def _said(answer: bytes) -> str | None:
    """What the child read; one that was taken over by its file may answer anything."""
    try:
        said = json.loads(answer)
    except ValueError:
        return None
    return said if isinstance(said, str) else None


@contextmanager
def _opened(gallery: Gallery, media_dir: Path | None, path: str) -> Iterator[tuple[str, FiledFile]]:
    """A path to the very file that was looked at, whatever is put in its place meanwhile, and its state.

    Raises:
        InvalidRequest: it is not in the media folder, or cannot be read.
        ObjectsUnavailable: the object store cannot be reached.
    """
    if is_object(path):
        url, state = object_state(gallery, path, "path")
        try:
            with gallery.places.ends(url, state) as ends:
                yield str(ends), state.filed
        except ObjectUnusable as error:  # it went, or was replaced, this moment
            raise no_object(path, "path") from error
        return
    found = media_path(media_dir, path, "path")
    try:
        file = os.open(found, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise InvalidRequest("The file cannot be read.", "path") from error
    try:
        own = f"/proc/{os.getpid()}/fd/{file}"
        if Path(own).readlink() != found:  # a folder above it was swapped since
            raise InvalidRequest("The file cannot be read.", "path")
        yield own, FiledFile.of(os.fstat(file))
    finally:
        os.close(file)
