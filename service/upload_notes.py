"""Notes of uploads: a small JSON file beside the bytes of each, changed under one lock."""

import contextlib
import fcntl
import json
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


_UPLOAD: Final = TypeAdapter(Upload)


class UploadNotes:
    """The notes in a directory: `<id>.json` each, beside `<id>.data`.

    A note may be read at any time. It is changed inside `locked` only, and by what is read there: an upload
    looked up before may have been filed or deleted since.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

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

    def all(self) -> Iterator[Upload]:
        """All uploads with a good note."""
        for upload_id in self.ids():
            upload = self.read(upload_id)
            if upload is not None:
                yield upload

    def sweep(self) -> None:
        """Remove half-written notes and those of bytes that are gone; call it inside `locked`."""
        for path in self._directory.glob("*" + PART):  # nobody writes one now
            path.unlink(missing_ok=True)
        for note in self._directory.glob("*" + _NOTE):  # its bytes were erased with their video
            if not note.with_suffix(_DATA).exists():
                note.unlink(missing_ok=True)
