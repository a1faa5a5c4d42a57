#!/usr/bin/env python3
"""Verify an evidence package: python3 -I verify.py PACKAGE.zip [--digest SHA256] [--recording FILE ...]

This one file needs Python 3.8 or later and nothing else: no network, no Sightline. It reads the package once,
unpacks nothing and believes nothing that stands in it. A package is refused unless

- every byte of the archive is where the format has it: each file once, in the manifest's order, nothing
  before, between or behind them, no links, no compression, no comments, no path that leads elsewhere;
- every file has the size and the SHA-256 that manifest.json states, and no other file is there;
- manifest.json has the SHA-256 in manifest.sha256, and the one given as --digest.

Without --digest it shows that the package is whole, not who made it: anybody can write a new manifest for
other files. The digest that Sightline recorded in its audit trail when it made the package settles that. Do
not take this program from the package that you doubt: take it from Sightline, or compare the two.
Exit status: 0 verified, 1 refused, 2 not readable.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import struct
import sys
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FORMAT = "sightline-evidence/1"
MANIFEST = "manifest.json"
DIGEST = "manifest.sha256"
MAX_ENTRIES = 60_000  # more would need another form of the archive's end
MAX_SIZE = 0xFFFFFFFE  # of a file; the next sizes have another meaning in the format
_MAX_MANIFEST = 64 << 20
_CHUNK = 1 << 20
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*", re.ASCII)
_MAX_NAME = 200
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
_DATE = 33  # 1980-01-01, the first that the format knows: times stand in the manifest
_MADE_BY = 3 << 8 | 45  # UNIX, so that the attributes below are read as a file's mode
_MODE = 0o100644 << 16  # a regular file
_LOCAL = struct.Struct("<4s5H3L2H")
_LOCAL_SIGNATURE = b"PK\3\4"


class Refused(Exception):
    """The package is not what was made; the message says what is wrong."""


class Entry(NamedTuple):
    """A file of the archive: `offset` is that of its header."""

    name: str
    size: int
    crc: int
    offset: int


class Verified(NamedTuple):
    """A package that holds: its manifest, the SHA-256 of that, and how many files it lists."""

    manifest: dict[str, Any]
    digest: str
    files: int


def local_header(name: str, size: int, crc: int) -> bytes:
    """The bytes before a file's content."""
    written = name.encode("ascii")
    return _LOCAL.pack(_LOCAL_SIGNATURE, 45, 0, 0, 0, _DATE, crc, size, size, len(written), 0) + written


def directory(entries: Sequence[Entry], end: int) -> Iterator[bytes]:
    """The bytes behind the last content, which ends at `end`: the central directory and the archive's end."""
    size = 0
    for entry in entries:
        written = entry.name.encode("ascii")
        far = entry.offset >= 0xFFFFFFFF
        extra = struct.pack("<2HQ", 1, 8, entry.offset) if far else b""
        record = struct.pack("<4s6H3L5H2L", b"PK\1\2", _MADE_BY, 45, 0, 0, 0, _DATE, entry.crc, entry.size,
                             entry.size, len(written), len(extra), 0, 0, 0, _MODE,
                             0xFFFFFFFF if far else entry.offset) + written + extra  # fmt: skip
        size += len(record)
        yield record
    count = len(entries)
    if end >= 0xFFFFFFFF:
        yield struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, _MADE_BY, 45, 0, 0, count, count, size, end)
        yield struct.pack("<4sLQL", b"PK\6\7", 0, end + size, 1)
    yield struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, size, min(end, 0xFFFFFFFF), 0)


def is_name(name: str) -> bool:
    """Return whether a file of a package may have this name: ASCII, relative, and leading nowhere else."""
    return len(name) <= _MAX_NAME and _NAME.fullmatch(name) is not None


def canonical(document: Any) -> bytes:
    """The one form of a JSON document in a package."""
    return (json.dumps(document, indent=1, sort_keys=True, allow_nan=False) + "\n").encode("ascii")


def verify(package: BinaryIO, digest: str | None = None) -> Verified:
    """Verify a package that is open at its beginning.

    Args:
        package: the archive, read once from beginning to end.
        digest: SHA-256 of its manifest, hexadecimal, as it was noted when the package was made.

    Raises:
        Refused: the package, or its manifest, is another one.
    """
    entries: list[Entry] = []
    sums: list[str] = []
    kept: dict[str, bytes] = {}
    end = _read_files(package, entries, sums, kept)
    for expected in directory(entries, end):
        if package.read(len(expected)) != expected:
            raise Refused("the directory at the end of the archive is not that of its files")
    if package.read(1):
        raise Refused("there is data behind the archive")
    manifest = _manifest(kept)
    _compare(manifest, entries, sums)
    found = sums[-2]
    if digest is not None and digest.strip().lower() != found:
        raise Refused("the manifest is another one: its SHA-256 is " + found)
    return Verified(manifest, found, len(entries) - 2)


def _read_files(package: BinaryIO, entries: list[Entry], sums: list[str], kept: dict[str, bytes]) -> int:
    """Read file after file up to the directory; return where that begins."""
    offset = 0
    names: set[str] = set()
    while True:
        header = package.read(4)
        if header != _LOCAL_SIGNATURE:
            if header != b"PK\1\2" or not entries:
                raise Refused(f"no evidence package, or one with other data at byte {offset}")
            package.seek(offset)
            return offset
        entry = _read_header(package, header, offset)
        if entry.name.lower() in names:
            raise Refused("two files are called " + entry.name)
        names.add(entry.name.lower())
        if len(entries) >= MAX_ENTRIES:
            raise Refused(f"it holds more than {MAX_ENTRIES} files")
        sums.append(_read_content(package, entry, kept))
        entries.append(entry)
        offset = offset + len(local_header(entry.name, entry.size, entry.crc)) + entry.size


def _read_header(package: BinaryIO, begun: bytes, offset: int) -> Entry:
    header = begun + package.read(_LOCAL.size - 4)
    if len(header) < _LOCAL.size:
        raise Refused("it ends too early")
    crc, size, _, length = _LOCAL.unpack(header)[6:10]
    written = package.read(length)
    name = written.decode("ascii", "replace")
    if not is_name(name):
        raise Refused("a file has a name that no package has: " + ascii(name[:_MAX_NAME]))
    if size > MAX_SIZE or header + written != local_header(name, size, crc):
        raise Refused(f"the header of {name} was changed")
    return Entry(name, size, crc, offset)


def _read_content(package: BinaryIO, entry: Entry, kept: dict[str, bytes]) -> str:
    """Read a file, keep it if it is the manifest or its digest, and return its SHA-256."""
    keep = entry.name in (MANIFEST, DIGEST)
    if keep and entry.size > _MAX_MANIFEST:
        raise Refused(f"{entry.name} is too large")
    found, crc, left, parts = hashlib.sha256(), 0, entry.size, []
    while left:
        chunk = package.read(min(_CHUNK, left))
        if not chunk:
            raise Refused(f"it ends in the middle of {entry.name}")
        found.update(chunk)
        crc = zlib.crc32(chunk, crc)
        left -= len(chunk)
        if keep:
            parts.append(chunk)
    if crc != entry.crc:
        raise Refused(f"{entry.name} was changed")
    if keep:
        kept[entry.name] = b"".join(parts)
    return found.hexdigest()


def _manifest(kept: dict[str, bytes]) -> dict[str, Any]:
    """The manifest, which must be written in the one form there is."""
    if set(kept) != {MANIFEST, DIGEST}:
        raise Refused(f"there is no {MANIFEST} and {DIGEST}")
    written = kept[MANIFEST]
    try:
        manifest = json.loads(written.decode("ascii"))
        same = canonical(manifest) == written
    except (ValueError, RecursionError):
        raise Refused("the manifest cannot be read") from None
    if not same or not isinstance(manifest, dict):
        raise Refused("the manifest was written by something else")
    if manifest.get("format") != FORMAT:
        raise Refused("the manifest is of another format than " + FORMAT)
    if kept[DIGEST] != digest_line(hashlib.sha256(written).hexdigest()):
        raise Refused(f"the manifest was changed: {DIGEST} states another SHA-256")
    return manifest


def digest_line(digest: str) -> bytes:
    """The content of manifest.sha256, which `sha256sum --check` reads."""
    return f"{digest}  {MANIFEST}\n".encode("ascii")


def _compare(manifest: dict[str, Any], entries: Sequence[Entry], sums: Sequence[str]) -> None:
    """Compare the files that are there with those that the manifest lists. Raises Refused."""
    there = [
        {"name": entry.name, "size": entry.size, "sha256": found}
        for entry, found in zip(entries, sums)  # noqa: B905  (an older Python knows no strict)
    ]
    if [entry.name for entry in entries[-2:]] != [MANIFEST, DIGEST]:
        raise Refused("the manifest is not behind the files that it lists")
    listed = manifest.get("files")
    if listed == there[:-2]:
        return
    known = listed if isinstance(listed, list) else []
    names = {str(one.get("name")): one for one in known if isinstance(one, dict)}
    for one in there[:-2]:
        if one["name"] not in names:
            raise Refused(f"{one['name']} is not in the manifest")
        if names[one["name"]] != one:
            raise Refused(f"{one['name']} is not the file in the manifest: it was changed")
    raise Refused("files of the manifest are missing, or in another order")


def compare_recording(manifest: dict[str, Any], path: str) -> str:
    """Say which recording of the package a file is, by its SHA-256. Raises Refused, OSError."""
    found = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            found.update(chunk)
    listed = manifest.get("recordings")
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and one.get("sha256") == found.hexdigest():
            return json.dumps(one.get("file_name"))
    raise Refused(f"{path!a} is none of the recordings in the manifest")


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify what the command line names; return the exit status."""
    parser = argparse.ArgumentParser(description="Verify an evidence package.")
    parser.add_argument("package", help="the package, a .zip file")
    parser.add_argument("--digest", help="SHA-256 of its manifest, as noted when it was made")
    parser.add_argument("--recording", action="append", default=[], help="a recording that it was made from")
    given = parser.parse_args(arguments)
    if given.digest is not None and not _HEX.fullmatch(given.digest.strip().lower()):
        parser.error("--digest takes the 64 hexadecimal digits of a SHA-256")
    try:
        found, lines = check(given.package, given.digest, given.recording)
    except Refused as error:
        print(f"REFUSED: {error}")  # noqa: T201
        return 1
    except OSError as error:
        print(f"cannot read: {error}", file=sys.stderr)  # noqa: T201
        return 2
    for line in [*lines, *said(found, given.digest)]:
        print(line)  # noqa: T201
    return 0


def check(path: str, digest: str | None, recordings: Sequence[str]) -> tuple[Verified, list[str]]:
    """Verify the package at a path, and recordings against it. Raises Refused, OSError."""
    with open(path, "rb") as file:
        if not file.seekable():
            raise Refused("it is no file")
        found = verify(file, digest)
    known = [f"recording: {one!a} is {compare_recording(found.manifest, one)}" for one in recordings]
    return found, known


def said(found: Verified, digest: str | None) -> list[str]:
    """Lines that tell a person what was found."""
    return [
        f"VERIFIED: {found.files} files are as the manifest states, and nothing else is there",
        f"made at: {json.dumps(found.manifest.get('made_at'))}",
        f"manifest: SHA-256 {found.digest}",
        "The digest is the one given: this is the package that was made."
        if digest is not None
        else "No --digest was given: whole, but made by anybody. Compare the digest with the noted one.",
    ]


if __name__ == "__main__":
    sys.exit(main())
