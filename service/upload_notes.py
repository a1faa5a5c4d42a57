"""Notes of uploads: a small JSON file beside the bytes of each, changed under one lock."""

import contextlib
import fcntl
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import structlog
from pydantic import TypeAdapter, ValidationError

from service.disk import PART, private_directory, private_opener, sync_directory, write_durably

log = structlog.get_logger(__name__)

FILING: Final = "filing"  # in place of a job's id while the job is being filed
_ID: Final = re.compile(r"[0-9a-f]{32}")
_LOCK: Final = "lock"
_NOTE, _DATA = ".json", ".data"


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload as it stands; `job_id` is the job it was filed for, if any."""

    id: str
    key_id: str | None
    file_name: str | None
    size_bytes: int | None
    job_id: str | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """An upload, and how many bytes of it are here."""

    upload: Upload
    size: int

    @property
    def taken(self) -> int:
        """Bytes that it takes, or will take as announced."""
        return max(self.upload.size_bytes or 0, self.size)


_Seen = tuple[tuple[int, int, int], Stored | None]
"""Inode, time of writing and size of a note, and what it says; None: it is damaged."""


def _is_filed(upload: Upload) -> bool:
    """Whether it belongs to a job: then its bytes do not change any more, and it is never free again."""
    return upload.job_id is not None and upload.job_id != FILING


_UPLOAD: Final = TypeAdapter(Upload)


class UploadNotes:
    """The notes in a directory: `<id>.json` each, beside `<id>.data`.

    A note may be read at any time. It is changed inside `locked` only, and by what is read there: an upload
    looked up before may have been filed or deleted since.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[str, _Seen] = {}

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep all others, in this process and in others, from changing any note."""
        private_directory(self._directory)
        with open(self._directory / _LOCK, "wb", opener=private_opener) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def data(self, upload_id: str) -> Path:
        """Return the path of an upload's bytes."""
        return self._directory / (upload_id + _DATA)

    def read(self, upload_id: str) -> Upload | None:
        """Return an upload; None if there is none, or if its note is damaged."""
        if not _ID.fullmatch(upload_id):
            return None
        try:
            note = (self._directory / (upload_id + _NOTE)).read_bytes()
        except FileNotFoundError:
            return None
        try:
            return _UPLOAD.validate_json(note)
        except ValidationError:
            log.warning("the note of an upload is damaged", upload=upload_id)
            return None

    def write(self, upload: Upload) -> None:
        """Note an upload; on the disk, with the name of its bytes, when this returns."""
        write_durably(self._directory / (upload.id + _NOTE), json.dumps(asdict(upload)).encode())

    def remove(self, upload_id: str) -> None:
        """Remove the note and the bytes of an upload, as far as they are there."""
        for suffix in (_NOTE, _DATA):
            (self._directory / (upload_id + suffix)).unlink(missing_ok=True)
        sync_directory(self._directory)

    def ids(self) -> list[str]:
        """The ids of all uploads, those with a damaged note or without any too."""
        return sorted(path.stem for path in self._directory.glob("*" + _DATA) if _ID.fullmatch(path.stem))

    def all(self) -> list[Stored]:
        """All uploads with a good note, and how many bytes of each are here.

        Nothing is read twice, and of an upload that belongs to a job only whether it is still there is asked:
        they are as many as recordings were ever uploaded, and each new upload is held against all.
        """
        try:
            with os.scandir(self._directory) as entries:
                here = {entry.name: entry for entry in entries}
        except FileNotFoundError:
            return []
        known = {}
        for name, data in here.items():
            upload_id = name.removesuffix(_DATA)
            note = here.get(upload_id + _NOTE)
            if upload_id != name and note is not None:
                with contextlib.suppress(FileNotFoundError):  # it was removed this moment
                    known[upload_id] = self._look(upload_id, note, data)
        self._known = known
        return [stored for _, stored in known.values() if stored is not None]

    def _look(self, upload_id: str, note: "os.DirEntry[str]", data: "os.DirEntry[str]") -> _Seen:
        """A note as it is now, read only if it is not as it was. Raises FileNotFoundError."""
        before = self._known.get(upload_id)
        if before is not None and before[1] is not None and _is_filed(before[1].upload):
            return before
        about = note.stat()
        state = about.st_ino, about.st_mtime_ns, about.st_size
        if before is not None and before[0] == state:
            upload = None if before[1] is None else before[1].upload
        else:
            upload = self.read(upload_id)
        return state, None if upload is None else Stored(upload, data.stat().st_size)

    def sweep(self) -> None:
        """Remove half-written notes and those of bytes that are gone; call it inside `locked`."""
        for path in self._directory.glob("*" + PART):  # nobody writes one now
            path.unlink(missing_ok=True)
        for note in self._directory.glob("*" + _NOTE):  # its bytes were erased with their video
            if not note.with_suffix(_DATA).exists():
                note.unlink(missing_ok=True)
