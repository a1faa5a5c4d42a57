"""The file of a recording, held open while it is indexed: what is hashed is what is decoded."""

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from io import FileIO
from pathlib import Path

from gallery import FiledFile
from indexer.errors import UnreadableRecording
from indexer.names import shown


class OpenedFile:
    """A recording's file; made by `opened_file`.

    Attributes:
        path: where it was opened.
        source: leads to this very file while it is open, here and in processes that are begun here, whatever
            is put in its place meanwhile.
        status: as the file system says it, in the state in which its content has `digest`.
    """

    def __init__(self, path: Path, file: FileIO) -> None:
        self.path = path
        self.source = Path(f"/proc/{os.getpid()}/fd/{file.fileno()}")
        self.status = os.fstat(file.fileno())
        self._file = file

    @cached_property
    def digest(self) -> str:
        """SHA-256 of its content as 64 hex digits. Raises UnreadableRecording: it changes right now."""
        before = self.status
        digest = self._hash()
        self.status = os.fstat(self._file.fileno())
        if FiledFile.of(self.status) != FiledFile.of(before):
            raise self._changed()
        return digest

    def require_as_filed(self, filed: FiledFile | None) -> None:
        """Raise UnreadableRecording unless it is as it was when it was filed; None: nobody looked then."""
        if filed is None:
            return
        now = FiledFile.of(self.status)
        same = now == filed if filed.sha256 is None else self.digest == filed.sha256
        if same:
            return
        how = "it was written to, replaced or renamed"
        if now.size_bytes != filed.size_bytes:
            how = f"it had {filed.size_bytes:,} bytes and has {now.size_bytes:,}"
        raise UnreadableRecording(
            f"{shown(self.path.name)}: the file changed since it was filed ({how}); to try again takes it as "
            "it is then"
        )

    def require_unchanged(self, digest: str) -> None:
        """Raise UnreadableRecording unless its content, read before, has this digest and lies at its path.

        Who is allowed to read it, and further names of it, may have changed; then it is read again.
        """
        now = os.fstat(self._file.fileno())
        if not self._is_in_place(now):
            raise self._changed()
        if FiledFile.of(now) == FiledFile.of(self.status):
            return
        if (now.st_size, now.st_mtime_ns) != (self.status.st_size, self.status.st_mtime_ns):
            raise self._changed()
        if self._hash() != digest or FiledFile.of(os.fstat(self._file.fileno())) != FiledFile.of(now):
            raise self._changed()
        self.status = now

    def _is_in_place(self, status: os.stat_result) -> bool:
        try:
            found = self.path.stat()
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == (status.st_dev, status.st_ino)

    def _hash(self) -> str:
        try:
            self._file.seek(0)
            return hashlib.file_digest(self._file, "sha256").hexdigest()
        except OSError as error:
            raise UnreadableRecording(f"{shown(self.path)}: {error.strerror}") from error

    def _changed(self) -> UnreadableRecording:
        return UnreadableRecording(f"{shown(self.path.name)}: the file changed while it was read")


@contextmanager
def opened_file(path: Path) -> Iterator[OpenedFile]:
    """Hold the file of a recording open. Raises UnreadableRecording: there is none that can be read."""
    try:
        file = open(path, "rb", buffering=0, opener=_without_waiting)  # noqa: SIM115  (closed below)
    except OSError as error:
        raise UnreadableRecording(f"{shown(path)}: {error.strerror}") from error
    with file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise UnreadableRecording(f"{shown(path)}: not a file")
        yield OpenedFile(path, file)


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)  # nobody writes to a pipe that was put there
