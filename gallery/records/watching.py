"""Files of watched folders."""

from dataclasses import dataclass

from gallery.records.jobs import NewRecording


@dataclass(frozen=True, slots=True)
class WatchedStamp:
    """What tells a file with its content from others without reading it; a rename keeps it."""

    inode: int
    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class WatchedFile:
    """A file that has settled, with the SHA-256 of its content, in hexadecimal."""

    recording: NewRecording
    content_hash: str
    stamp: WatchedStamp
