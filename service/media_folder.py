"""The server's media folder: what of it may be named in an index job, looked through folder by folder."""

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

from gallery import RECORDING_SUFFIXES, FiledFile
from service.errors import InvalidRequest
from service.record_schemas import MediaFile, MediaFolder
from service.recordings import media_path

MOST: Final = 1000  # entries of a folder that are listed, as many as a job takes
_LOOKED_AT: Final = 20_000  # entries of a folder that are asked about: a bound on what one request costs


def listing(media_dir: Path | None, folder: str) -> MediaFolder:
    """Recordings and folders in a folder of the media folder, by name; "" is the media folder itself.

    Hidden files, files of other kinds, and links that lead out of the media folder are passed over.

    Raises:
        InvalidRequest: there is no media folder, or no such folder in it that may be read.
    """
    found = media_path(media_dir, folder or ".", "folder", wanted="folder")
    assert media_dir is not None
    root = media_dir.resolve(strict=True)
    above = found.relative_to(root).as_posix()
    above = "" if above == "." else f"{above}/"
    try:
        with os.scandir(found) as entries:
            looked_at = list(islice(entries, _LOOKED_AT))
    except OSError as error:
        raise InvalidRequest(f"The folder {folder!r} cannot be read.", "folder") from error
    inside = sorted((one for one in looked_at if _may_be_named(one, root)), key=lambda one: one.name)
    folders = [f"{above}{one.name}" for one in inside if one.is_dir()]
    files = list(_files([one for one in inside if not one.is_dir()], above))
    return MediaFolder(
        folder=above.rstrip("/"),
        folders=folders[:MOST],
        files=files[:MOST],
        more=max(0, len(folders) - MOST) + max(0, len(files) - MOST),
        complete=len(looked_at) < _LOOKED_AT,
    )


def _may_be_named(entry: os.DirEntry[str], root: Path) -> bool:
    """Whether a request can name it, and it lies in the media folder, wherever links lead."""
    try:
        entry.name.encode()
        inside = not entry.is_symlink() or Path(entry.path).resolve(strict=True).is_relative_to(root)
        return inside and not entry.name.startswith(".") and (entry.is_dir() or _is_recording(entry))
    except (OSError, RuntimeError, UnicodeEncodeError):
        return False


def _is_recording(entry: os.DirEntry[str]) -> bool:
    return entry.is_file() and Path(entry.name).suffix.lower() in RECORDING_SUFFIXES


def _files(entries: list[os.DirEntry[str]], above: str) -> Iterator[MediaFile]:
    for entry in entries:
        try:
            about = entry.stat()
        except OSError:
            continue  # it went this moment
        written = datetime.fromtimestamp(about.st_mtime, UTC)
        yield MediaFile(
            path=above + entry.name,
            name=entry.name,
            size_bytes=about.st_size,
            written_at=written,
            version=version_of(FiledFile.of(about)),
        )


def version_of(file: FiledFile) -> str:
    """What is another one once a file was written to or replaced; says nothing else of it."""
    return hashlib.sha256(repr((file.size_bytes, file.mtime_ns, file.ctime_ns)).encode()).hexdigest()[:32]
