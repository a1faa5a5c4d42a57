"""An evidence package being written: one file after the other, to nowhere in particular, in one pass."""

import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from service.evidence import verifier
from service.evidence.verifier import Entry

_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a package: its name in it, and its content, in memory or in a file that stays for as long."""

    name: str
    content: bytes | Path

    @classmethod
    def of_json(cls, name: str, document: object) -> "Part":
        """A JSON document, in the one form of a package."""
        return cls(name, verifier.canonical(document))


class Archive:
    """Makes the bytes of a package, whose form `service.evidence.verifier` defines.

    Nothing is kept but a line for each file, so that a package may be larger than memory and disk.

    Attributes:
        digest: SHA-256 of the manifest, once that is written.
        size: bytes so far.
    """

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._names: set[str] = set()
        self._listed: list[dict[str, Any]] = []
        self.digest = ""
        self.size = 0

    def add(self, part: Part) -> Iterator[bytes]:
        """The bytes of another file, in chunks.

        Raises:
            ValueError: its name or size is none that a package has, or the name is taken.
        """
        size, crc, sha256 = _measure(part.content)
        if not verifier.is_name(part.name) or part.name.lower() in self._names:
            raise ValueError(f"no name for a file of a package: {part.name!r}")
        if size > verifier.MAX_SIZE or len(self._entries) >= verifier.MAX_ENTRIES:
            raise ValueError(f"{part.name} is too large, or one file too many")
        self._names.add(part.name.lower())
        self._entries.append(Entry(part.name, size, crc, self.size))
        self._listed.append({"name": part.name, "size": size, "sha256": sha256})
        yield from self._counted(verifier.local_header(part.name, size, crc))
        for chunk in _chunks(part.content):
            yield from self._counted(chunk)

    def finish(self, facts: Mapping[str, Any], seal: Callable[[str], object]) -> Iterator[bytes]:
        """The bytes of the manifest and the end.

        Args:
            facts: what the manifest says besides the files.
            seal: called with the manifest's SHA-256 before a byte of it is given out: the package has no end,
                and is refused, unless this has returned.
        """
        manifest = verifier.canonical({**facts, "format": verifier.FORMAT, "files": list(self._listed)})
        self.digest = hashlib.sha256(manifest).hexdigest()
        seal(self.digest)
        yield from self.add(Part(verifier.MANIFEST, manifest))
        yield from self.add(Part(verifier.DIGEST, verifier.digest_line(self.digest)))
        yield from verifier.directory(self._entries, self.size)

    def _counted(self, chunk: bytes) -> Iterator[bytes]:
        self.size += len(chunk)
        yield chunk


def _measure(content: bytes | Path) -> tuple[int, int, str]:
    """Size, CRC-32 and SHA-256 of a content."""
    size, crc, sha256 = 0, 0, hashlib.sha256()
    for chunk in _chunks(content):
        size, crc = size + len(chunk), zlib.crc32(chunk, crc)
        sha256.update(chunk)
    return size, crc, sha256.hexdigest()


def _chunks(content: bytes | Path) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
