"""Recordings uploaded in chunks: an upload goes on where it stopped, however often the connection breaks.

An upload is two files: `<id>.data`, whose size is the offset of the next chunk, and `<id>.json`, its note.
"""

import contextlib
import fcntl
import io
import os
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import anyio
from starlette.concurrency import run_in_threadpool

from gallery import NotFound
from service.auth import Caller
from service.disk import PRIVATE_FILE
from service.errors import (
    ContentTooLarge,
    OffsetMismatch,
    QuotaExceeded,
    ServiceError,
    StateConflict,
    StorageFull,
)
from service.upload_notes import FILING, Stored, Upload, UploadNotes

_BUFFER: Final = 1024 * 1024
Needed = Callable[[Path], bool]


class Uploads:
    """The uploads under one directory.

    Args:
        directory: where they lie.
        max_bytes: of one upload.
        max_key_bytes: of all uploads of one key, announced and stored.
        max_key_count: of uploads that one key has begun and not filed for a job.
        least_free: bytes that the disk keeps, whatever is announced by anybody.
        ttl: an upload that nobody continued for so long may be removed by `expire`.
        needed: whether a job or a video still needs the file at a path.
    """

    def __init__(
        self,
        directory: Path,
        *,
        max_bytes: int,
        max_key_bytes: int,
        max_key_count: int,
        least_free: int,
        ttl: timedelta,
        needed: Needed,
    ) -> None:
        self._directory = directory
        self._max_key_count = max_key_count
        self._least_free = least_free
        self._notes = UploadNotes(directory)
        self.max_bytes = max_bytes
        self._max_key_bytes = max_key_bytes
        self._ttl = ttl
        self._needed = needed

    def create(self, caller: Caller, *, file_name: str | None, size_bytes: int | None) -> Upload:
        """Begin an upload.

        Raises:
            ContentTooLarge: its announced size is over the limit.
            QuotaExceeded: the caller's uploads would be more, or take more, than a key may have.
            StorageFull: the disk has no room for it beside what is announced already.
            OSError: the disk does not take it.
        """
        if size_bytes is not None and size_bytes > self.max_bytes:
            raise ContentTooLarge(
                f"The recording has {size_bytes} bytes; at most {self.max_bytes} are accepted."
            )
        upload = Upload(secrets.token_hex(16), caller.key_id, file_name, size_bytes)
        with self._notes.locked():
            known = self._notes.all()
            begun = sum(one.upload.key_id == upload.key_id and one.upload.job_id is None for one in known)
            if begun >= self._max_key_count:
                raise QuotaExceeded(
                    f"This key has begun {begun} uploads, the most it may have; file or delete some."
                )
            room = self._room(upload, known)
            if (size_bytes or 1) > room:
                raise _over(self._max_key_bytes, room)
            self._require_space(known, size_bytes or 1)
            self.path(upload).touch(PRIVATE_FILE, exist_ok=False)
            try:
                self._notes.write(upload)
            except OSError:
                self.path(upload).unlink()
                raise
        return upload

    def get(self, upload_id: str, caller: Caller) -> Upload:
        """Return an upload of the caller. Raises NotFound: there is none, or it is somebody else's."""
        upload = self._notes.read(upload_id)
        if upload is None or not caller.owns(upload.key_id):
            raise NotFound(f"no upload {upload_id}")
        return upload

    def at(self, path: Path) -> Upload | None:
        """The upload whose bytes lie at a path; None if there is none, or not any more."""
        upload = self._notes.read(path.stem)
        return upload if upload is not None and self.path(upload) == path and path.is_file() else None

    def kept_until(self, upload: Upload) -> datetime:
        """When `expire` removes it if no job or video needs it. Raises NotFound: it was removed meanwhile."""
        return datetime.fromtimestamp(self._status(upload).st_mtime, UTC) + self._ttl

    def path(self, upload: Upload) -> Path:
        """Return the path of its bytes."""
        return self._notes.data(upload.id)

    def size(self, upload: Upload) -> int:
        """Bytes received so far. Raises NotFound: it was removed meanwhile."""
        return self._status(upload).st_size

    def expires_at(self, upload: Upload) -> datetime | None:
        """When `expire` would remove it; None once it belongs to a job. Raises NotFound."""
        return None if upload.job_id is not None else self.kept_until(upload)

    async def append(self, upload: Upload, offset: int, chunks: AsyncIterator[bytes]) -> int:
        """Write chunks at the end of an upload and return its size.

        What has arrived when the connection breaks stays and counts; a chunk over the limit is undone, and so
        is one whose sender lost the right to send it.

        Raises:
            OffsetMismatch: the upload is not at `offset`.
            StateConflict: it belongs to a job, or another chunk is being written.
            ContentTooLarge, QuotaExceeded: no more can be taken.
            OSError: the disk does not take it.
        """
        file, room = await run_in_threadpool(self._open, upload, offset)
        limit = min(self.max_bytes, upload.size_bytes or self.max_bytes)
        size = offset
        buffer = bytearray()
        try:
            async for chunk in chunks:
                buffer += chunk
                if size + len(buffer) > min(limit, room):
                    raise _over(limit, room)
                if len(buffer) >= _BUFFER:
                    size += await run_in_threadpool(_write, file, buffer)
        except ServiceError:
            await run_in_threadpool(file.truncate, offset)
            buffer.clear()
            raise
        finally:
            with anyio.CancelScope(shield=True):
                size += await run_in_threadpool(_finish, file, buffer)
        return size

    @contextlib.contextmanager
    def filing(self, uploads: Sequence[Upload]) -> Iterator[Callable[[str], None]]:
        """Keep uploads from changing while a job is filed for them; call what is given with the job's id.

        A block that raises leaves the uploads as they were.

        Raises:
            NotFound: one was deleted meanwhile.
            StateConflict: a chunk of one is being written.
        """
        with self._notes.locked(), contextlib.ExitStack() as files:
            for upload in uploads:
                files.enter_context(self._lock(upload))  # a chunk under way must not go on after this
            now = [self._current(upload) for upload in uploads]
            filed = False

            def belongs_to(job_id: str) -> None:
                nonlocal filed
                filed = True  # whatever happens to the notes: the job is in the record
                for upload in now:
                    self._notes.write(replace(upload, job_id=job_id))

            for upload in now:
                self._notes.write(replace(upload, job_id=upload.job_id or FILING))
                os.utime(self.path(upload))
            try:
                yield belongs_to
            except BaseException:
                for upload in [] if filed else now:
                    self._notes.write(upload)
                raise

    def delete(self, upload: Upload) -> None:
        """Remove an upload.

        Raises:
            NotFound: it was removed meanwhile.
            StateConflict: a job or a video needs it.
        """
        with self._notes.locked():
            path = self.path(self._current(upload))
            # The record decides, not the note, whose writer may have died before the job was filed or after.
            if self._needed(path):
                raise StateConflict("A job or a recording needs the upload; cancel or erase that instead.")
            self._notes.remove(upload.id)

    def expire(self) -> int:
        """Remove old uploads that no job or video needs, and return how many; sweep half-written notes."""
        oldest = time.time() - self._ttl.total_seconds()
        removed = 0
        for upload_id in self._notes.ids():
            with self._notes.locked(), contextlib.suppress(FileNotFoundError):
                path = self._notes.data(upload_id)
                if path.stat().st_mtime < oldest and not self._needed(path):
                    self._notes.remove(upload_id)
                    removed += 1
        with self._notes.locked():
            self._notes.sweep()
        return removed

    def _require_space(self, known: Sequence[Stored], size_bytes: int) -> None:
        """Raise StorageFull when the disk does not hold what all uploads announced, and this one."""
        announced = sum(one.taken - one.size for one in known)
        free = shutil.disk_usage(self._directory).free - self._least_free
        if announced + size_bytes > free:
            raise StorageFull("The disk has no room for this upload beside those that were begun.")

    def _room(self, upload: Upload, known: Iterable[Stored]) -> int:
        """How large an upload may become beside the others of its key."""
        others = (one for one in known if one.upload.key_id == upload.key_id and one.upload.id != upload.id)
        return self._max_key_bytes - sum(one.taken for one in others)

    def _current(self, upload: Upload) -> Upload:
        """An upload as it is noted now. Raises NotFound."""
        now = self._notes.read(upload.id)
        if now is None:
            raise NotFound(f"no upload {upload.id}")
        return now

    def _status(self, upload: Upload) -> os.stat_result:
        try:
            return self.path(upload).stat()
        except FileNotFoundError as error:
            raise NotFound(f"no upload {upload.id}") from error

    def _lock(self, upload: Upload) -> io.FileIO:
        """Open an upload's bytes for this caller alone; closing the file lets the next one in."""
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

    def _open(self, upload: Upload, offset: int) -> tuple[io.FileIO, int]:
        """Open an upload at its end, which must be `offset`; and say how large its key lets it become."""
        file = self._lock(upload)
        try:
            if self._current(upload).job_id is not None:
                raise StateConflict("The upload belongs to a job and cannot change any more.")  # noqa: TRY301
            _require_offset(file.seek(0, os.SEEK_END), offset)
            # What was announced has its room since then.
            if upload.size_bytes is not None:
                return file, upload.size_bytes
            return file, self._room(upload, self._notes.all())
        except BaseException:
            file.close()
            raise


def _over(limit: int, room: int) -> ContentTooLarge | QuotaExceeded:
    """Which of two limits was passed, as an error."""
    if room < limit:
        return QuotaExceeded("The uploads of this key would take more bytes than a key may have.")
    return ContentTooLarge(f"The upload would have more than {limit} bytes; the chunk was not taken.")


def _require_offset(size: int, offset: int) -> None:
    if size != offset:
        raise OffsetMismatch(f"The upload has {size} bytes; continue at offset {size}.", size)


def _write(file: io.FileIO, buffer: bytearray) -> int:
    """Write all of a buffer, empty it, and return how much it held."""
    view = memoryview(bytes(buffer))
    while view:
        view = view[file.write(view) :]
    size = len(buffer)
    buffer.clear()
    return size


def _finish(file: io.FileIO, buffer: bytearray) -> int:
    with file:
        size = _write(file, buffer)
        os.fsync(file.fileno())
    return size
