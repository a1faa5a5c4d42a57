"""Room kept back on the disk, so that erasing works when it is full: making room must not need room."""

import os
from contextlib import suppress
from pathlib import Path

from gallery.disk.files import PRIVATE_FILE

RESERVE_BYTES = 16 * 1024 * 1024  # for the log of SQLite and the note of an erasure


class Reserve:
    """A file of no use but its size."""

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "reserve"

    def keep(self) -> None:
        """Put the room aside; without enough of it, do without."""
        with suppress(OSError):
            descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
            try:
                os.posix_fallocate(descriptor, 0, RESERVE_BYTES)
            finally:
                os.close(descriptor)

    def spend(self) -> bool:
        """Give the room back; False when there was none."""
        try:
            self._file.unlink()
        except FileNotFoundError:
            return False
        return True
