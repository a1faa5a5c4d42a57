"""The first key of a deployment that is set up without hands: from a file, while there is no key."""

import os
import stat
from pathlib import Path
from typing import Final

import structlog

from gallery import Gallery, InvalidInput
from service.errors import UnsafeSettings

log = structlog.get_logger(__name__)

_LARGEST: Final = 4096  # bytes of the file; a key has 46
_HOW: Final = """echo "sl_$(openssl rand -base64 32 | tr '+/' '-_' | tr -d '=')" makes one"""


def take_first_key(gallery: Gallery, file: Path) -> bool:
    """Record the key in `file` if there has never been one; tell whether that was so.

    The file stays what it is: once there is a key it is not even read. The null device stands for no file, so
    that a deployment can name one always.

    Raises:
        UnsafeSettings: the file cannot be read, or what it holds is no key as this program makes them.
    """
    if gallery.keys.list():
        return False
    try:
        with file.open("rb") as opened:
            mode = os.fstat(opened.fileno()).st_mode
            if stat.S_ISCHR(mode):
                return False
            content = opened.read(_LARGEST + 1)
    except OSError as error:
        raise UnsafeSettings(f"the first key cannot be read from {file}: {error.strerror}") from error
    if stat.S_IMODE(mode) & stat.S_IROTH:
        log.warning("everybody on this machine can read the first key", file=str(file))
    try:
        made = gallery.keys.create_first("first key", content.decode("ascii", "replace").strip())
    except InvalidInput as error:
        raise UnsafeSettings(f"the first key in {file} is refused: {error}; {_HOW}") from error
    if made:
        log.info("first key taken", key_id=made.id, file=str(file))
    return made is not None
