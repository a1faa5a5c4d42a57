"""A full disk is an answer to the client, not a failure of the program."""

import contextlib
import errno
from collections.abc import Iterator
from typing import Final

from service.errors import StorageFull

_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def room_needed() -> Iterator[None]:
    """Raise StorageFull where writing fails for want of room; other errors pass."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StorageFull("The disk is full; nothing more can be taken.") from error
        raise
