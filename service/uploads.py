"""Recordings uploaded in chunks: an upload goes on where it stopped, however often the line breaks.

An upload is two files: `<id>.data`, whose size is the offset of the next chunk, and `<id>.json`, what was
said of it.
"""

import contextlib
import fcntl
import io
import json
import os
import re
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import anyio
from starlette.concurrency import run_in_threadpool

from gallery import NotFound
from service.auth import Caller
from service.disk import room_needed
from service.errors import ContentTooLarge, OffsetMismatch, StateConflict

_ID: Final = re.compile(r"[0-9a-f]{32}")
_BUFFER: Final = 1024 * 1024
_FILING: Final = "filing"  # in place of a job's id while the job is being filed


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload as it stands; `job_id` is the job it was filed for, if any."""

    id: str
    key_id: str | None
    file_name: str | None
    size_bytes: int | None
    job_id: str | None = None


class Uploads:
    """The uploads under one directory.

    Args:
        directory: where they lie.
        max_bytes: of one upload.
        ttl: an upload that nobody continued for so long may be removed by `expire`.
    """

    def __init__(self, directory: Path, *, max_bytes: int, ttl: timedelta) -> None:
        self._directory = directory
        self.max_bytes = max_bytes
        self._ttl = ttl

    def create(self, caller: Caller, *, file_name: str | None, size_bytes: int | None) -> Upload:
        """Begin an upload. Raises ContentTooLarge when its announced size is over the limit."""
        if size_bytes is not None and size_bytes > self.max_bytes:
            raise ContentTooLarge(
                f"The recording has {size_bytes} bytes; at most {self.max_bytes} are accepted."
            )
        upload = Upload(secrets.token_hex(16), caller.key_id, file_name, size_bytes)
        self._directory.mkdir(parents=True, exist_ok=True)
        with room_needed():
            self.path(upload).touch(exist_ok=False)
            self._note(upload)
        return upload

    def get(self, upload_id: str, caller: Caller) -> Upload:
        """Raises NotFound: there is none, or it is somebody else's."""
        upload = self._read(upload_id) if _ID.fullmatch(upload_id) else None
        if upload is None or not caller.owns(upload.key_id):
            raise NotFound(f"no upload {upload_id}")
        return upload

    def path(self, upload: Upload) -> Path:
        """Where its bytes lie."""
        return self._directory / f"{upload.id}.data"

    def size(self, upload: Upload) -> int:
        """Bytes received so far. Raises NotFound: it was removed meanwhile."""
        try:
            return self.path(upload).stat().st_size
        except FileNotFoundError as error:
            raise NotFound(f"no upload {upload.id}") from error

    def expires_at(self, upload: Upload) -> datetime | None:
        """When `expire` would remove it; None once it belongs to a job."""
        if upload.job_id is not None:
            return None
        return datetime.fromtimestamp(self.path(upload).stat().st_mtime, UTC) + self._ttl

    async def append(self, upload: Upload, offset: int, chunks: AsyncIterator[bytes]) -> int:
        """Write chunks at the end of an upload and return its size.

        What has arrived when the line breaks stays and counts; a chunk that would pass the limit is undone.

        Raises:
            OffsetMismatch: the upload is not at `offset`.
            StateConflict: it belongs to a job, or another chunk is being written.
            ContentTooLarge, StorageFull: no more can be taken.
        """
        file = await run_in_threadpool(self._open, upload, offset)
        limit = min(self.max_bytes, upload.size_bytes or self.max_bytes)
        size = offset
        buffer = bytearray()
        try:
            async for chunk in chunks:
                buffer += chunk
                if size + len(buffer) > limit:
                    await run_in_threadpool(file.truncate, offset)
                    buffer.clear()
                    raise ContentTooLarge(
                        f"The upload would have more than {limit} bytes; the chunk was not taken."
                    )
                if len(buffer) >= _BUFFER:
                    size += await run_in_threadpool(_write, file, buffer)
        finally:
            with anyio.CancelScope(shield=True):
                size += await run_in_threadpool(_finish, file, buffer)
        return size

    @contextlib.contextmanager
    def filing(self, uploads: Sequence[Upload]) -> Iterator[Callable[[str], None]]:
        """Keep uploads from changing while a job is filed for them; call what is given with the job's id.

        A block that raises leaves the uploads as they were.
        """

        def belongs_to(job_id: str) -> None:
            for upload in uploads:
                self._note(replace(upload, job_id=job_id))

        for upload in uploads:
            with self._lock(upload):  # a chunk under way must not go on after this
                self._note(replace(upload, job_id=upload.job_id or _FILING))
            os.utime(self.path(upload))
        try:
            yield belongs_to
        except BaseException:
            for upload in uploads:
                self._note(upload)
            raise

    def delete(self, upload: Upload) -> None:
        """Remove an upload. Raises StateConflict: it belongs to a job."""
        if upload.job_id is not None:
            raise StateConflict("The upload belongs to a job; erase its video instead.")
        self._remove(upload.id)

    def expire(self, needed: Callable[[Upload], bool]) -> int:
        """Remove uploads that were given up, and old ones whose job no longer needs them; return how many.

        `needed` is asked about uploads that belong to a job.
        """
        oldest = time.time() - self._ttl.total_seconds()
        removed = 0
        for path in list(self._directory.glob("*.data")):
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_mtime >= oldest:
                    continue
                upload = self._read(path.stem)
                if upload is None or upload.job_id in {None, _FILING} or not needed(upload):
                    self._remove(path.stem)
                    removed += 1
        for note in list(self._directory.glob("*.json")):
            if not note.with_suffix(
                ".data"
            ).exists():  # erased with its video; the data is there before the note
                note.unlink(missing_ok=True)
        return removed

    def _lock(self, upload: Upload) -> io.FileIO:
        """Open an upload for this caller alone; closing the file lets the next one in."""
        try:
            file = self.path(upload).open("r+b", buffering=0)
        except FileNotFoundError as error:
            raise NotFound(f"no upload {upload.id}") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            raise StateConflict("A chunk of this upload is being written.") from error
        return file

    def _open(self, upload: Upload, offset: int) -> io.FileIO:
        """Open an upload at its end, which must be `offset`."""
        file = self._lock(upload)
        try:
            now = self._read(upload.id)
            if now is None or now.job_id is not None:
                raise StateConflict("The upload belongs to a job and cannot change any more.")  # noqa: TRY301
            _require_offset(file.seek(0, os.SEEK_END), offset)
        except BaseException:
            file.close()
            raise
        return file

    def _read(self, upload_id: str) -> Upload | None:
        try:
            return Upload(**json.loads((self._directory / f"{upload_id}.json").read_text()))
        except FileNotFoundError:
            return None

    def _note(self, upload: Upload) -> None:
        part = self._directory / f"{upload.id}.{secrets.token_hex(4)}.part"
        part.write_text(json.dumps(asdict(upload)))
        part.replace(self._directory / f"{upload.id}.json")

    def _remove(self, upload_id: str) -> None:
        for suffix in (".json", ".data"):
            (self._directory / f"{upload_id}{suffix}").unlink(missing_ok=True)


def _require_offset(size: int, offset: int) -> None:
    if size != offset:
        raise OffsetMismatch(f"The upload has {size} bytes; continue at offset {size}.", size)


def _write(file: io.FileIO, buffer: bytearray) -> int:
    """Write all of a buffer, empty it, and return how much it held."""
    with room_needed():
        view = memoryview(bytes(buffer))
        while view:
            view = view[file.write(view) :]
    size = len(buffer)
    buffer.clear()
    return size


def _finish(file: io.FileIO, buffer: bytearray) -> int:
    with file, room_needed():
        size = _write(file, buffer)
        os.fsync(file.fileno())
    return size
