"""The identity of a recording is its content."""

import hashlib
from pathlib import Path

from indexer.errors import UnreadableRecording
from indexer.names import shown


def content_hash(path: Path) -> str:
    """SHA-256 of a file as 64 hex digits, read in pieces. Raises UnreadableRecording."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableRecording(f"{shown(path)}: {error.strerror}") from error
