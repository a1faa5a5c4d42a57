"""Where the vectors of segments lie: in files beside their columns, which FAISS searches, or in Milvus."""

import hashlib
import json
import re
import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np

from gallery.disk.files import copy_file, sync_file, write_durably
from gallery.errors import CorruptSegment, VectorsUnavailable
from gallery.vectors.block import Part, Rows
from gallery.vectors.index import Halves, add_vectors, new_index
from gallery.vectors.milvus import AT_ONCE, Milvus, collection_of
from gallery.vectors.remote import MilvusVectors, Piece
from gallery.vectors.segment import (
    CLIPS,
    DATA_FILES,
    FORMAT,
    FORMAT_NUMBERED,
    IN_MILVUS,
    MANIFEST,
    MILVUS_NOTE,
    TABLES,
    TRACKLETS,
    Manifest,
    describe_file,
    gone_or_corrupt,
    open_segment,
    read_manifest,
    read_tables,
    verify_segment,
)

SPOOLED_TRACKLETS: Final = "tracklets.f16"
SPOOLED_CLIPS: Final = CLIPS
_KINDS: Final = {SPOOLED_TRACKLETS: "tracklets", SPOOLED_CLIPS: "clips"}  # what is spooled in which file
_CHUNK_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Spooled:
    """Vectors that a builder has written one after the other: (N, D) and (M, D) fp16, little-endian."""

    directory: Path
    model_id: str
    dimension: int

    def read(self, name: str, rows: int) -> Iterator[Halves]:
        """Read `rows` vectors at a time, (R, D)."""
        with (self.directory / name).open("rb") as file:
            while len(chunk := np.fromfile(file, "<f2", rows * self.dimension)):
                yield chunk.reshape(-1, self.dimension)


class VectorStore(ABC):
    """Keeps the vectors of segments: of tracklets, which rank, and of clips, which locate the moment.

    Attributes:
        formats: of the manifests of its segments: of one with all tracklets, and of one that lost some.
    """

    formats: tuple[int, int]

    @abstractmethod
    def keep(self, spooled: Spooled) -> dict[str, dict[str, Any]]:
        """Take what a builder has spooled, which is removed; returns size and SHA-256 for the manifest.

        Raises:
            VectorsUnavailable: it cannot be taken now.
        """

    @abstractmethod
    def open(self, directory: Path) -> Rows:
        """Open a segment to search it.

        Raises:
            SegmentVanished: there is no such directory.
            CorruptSegment: something is missing or is not what was written.
            VectorsUnavailable: the vectors cannot be reached.
        """

    @abstractmethod
    def verify(self, directory: Path) -> Manifest:
        """Compare everything of a segment with its SHA-256. Raises as `open`."""


class FileStore(VectorStore):
    """Vectors in two files of the segment's directory."""

    formats = (FORMAT, FORMAT_NUMBERED)

    def keep(self, spooled: Spooled) -> dict[str, dict[str, Any]]:
        """Make an index of the tracklets; the clips stay as they are. See `VectorStore.keep`."""
        index = new_index(spooled.dimension)
        for chunk in spooled.read(SPOOLED_TRACKLETS, max(1, _CHUNK_BYTES // (2 * spooled.dimension))):
            add_vectors(index, chunk)
        # Given a path, FAISS does not notice that its end found no room on the disk; Python does.
        with (spooled.directory / TRACKLETS).open("wb") as file:
            writer = faiss.PyCallbackIOWriter(file.write)  # type: ignore[attr-defined]  # of SWIG
            faiss.write_index(index, writer)
        (spooled.directory / SPOOLED_TRACKLETS).unlink()
        return {name: describe_file(spooled.directory / name) for name in (TRACKLETS, CLIPS)}

    def open(self, directory: Path) -> Rows:
        """Open a segment; see `VectorStore.open`."""
        return open_segment(directory)

    def verify(self, directory: Path) -> Manifest:
        """Compare its files; see `VectorStore.verify`."""
        return verify_segment(directory)


FILES: Final = FileStore()


class MilvusStore(VectorStore):
    """Vectors in Milvus.

    Before the first is sent, a note in the directory says under which key, which is never used again: who
    removes the directory removes what has this key.
    """

    formats = (FORMAT + IN_MILVUS, FORMAT_NUMBERED + IN_MILVUS)

    def __init__(self, milvus: Milvus) -> None:
        self._milvus = milvus

    def keep(self, spooled: Spooled) -> dict[str, dict[str, Any]]:
        """Send the vectors, and wait until Milvus has taken them; see `VectorStore.keep`."""
        key = secrets.token_hex(16)
        write_durably(spooled.directory / MILVUS_NOTE, json.dumps({"key": key}).encode())
        kept = {}
        for name, kind in _KINDS.items():
            first = 0
            for chunk in spooled.read(name, AT_ONCE):
                self._milvus.insert(collection_of(spooled.model_id, kind), key, first, chunk)
                first += len(chunk)
            kept[name] = describe_file(spooled.directory / name)
        for name in kept:
            (spooled.directory / name).unlink()
        return kept

    def open(self, directory: Path) -> Rows:
        """Open a segment: its columns are read, its vectors are counted. See `VectorStore.open`."""
        manifest = read_manifest(directory)
        columns, videos = read_tables(directory, manifest)
        collection = collection_of(manifest.model_id, "tracklets")
        key = _read_key(directory)
        held = self._milvus.count(collection, key) if manifest.tracklets else 0
        if held != manifest.tracklets:
            raise _wrong(directory, f"Milvus has {held} of its {manifest.tracklets} vectors")
        pieces = {0: [Piece(directory, key, 0, manifest.tracklets, manifest.tracklets)]}
        vectors = MilvusVectors(self._milvus, collection, manifest.dimension, pieces)
        clips = collection_of(manifest.model_id, "clips")

        def read(directory: Path, dimension: int, ranges: Sequence[tuple[int, int]]) -> Halves:
            return self._clips(clips, key, directory, dimension, ranges)

        part = Part(directory.name, directory, 0, manifest.tracklets, manifest.clips, read)
        return Rows(vectors, columns, videos, (part,))

    def verify(self, directory: Path) -> Manifest:
        """Compare its files, and fetch and compare all of its vectors; see `VectorStore.verify`."""
        manifest = verify_segment(directory)
        for name in _KINDS:
            for _ in self._fetched(directory, manifest, name):
                pass
        return manifest

    def export(self, directory: Path, target: Path) -> None:
        """Write a segment into an empty directory, as one whose vectors are files.

        Everything is compared with its SHA-256 on the way. Raises as `open`.
        """
        manifest = verify_segment(directory)
        for name in (SPOOLED_TRACKLETS, SPOOLED_CLIPS):
            with (target / name).open("wb") as file:
                for chunk in self._fetched(directory, manifest, name):
                    file.write(chunk)
        kept = FILES.keep(Spooled(target, manifest.model_id, manifest.dimension))
        for name in TABLES:
            copy_file(directory / name, target / name)
        files = {**manifest.files, **kept}
        del files[SPOOLED_TRACKLETS]
        for name in DATA_FILES:
            if describe_file(target / name) != files[name]:
                raise CorruptSegment(directory.name, f"the copy of {name} is not what was written")
            sync_file(target / name)
        exported = replace(manifest, format=FILES.formats[manifest.is_numbered], files=files)
        write_durably(target / MANIFEST, exported.encode())

    def _fetched(self, directory: Path, manifest: Manifest, name: str) -> Iterator[bytes]:
        """The vectors of tracklets or of clips in their order, as files have them.

        Raises:
            CorruptSegment: they are not what was written; said at the end.
        """
        kind, count = _KINDS[name], getattr(manifest, _KINDS[name])
        collection, key, digest = (
            collection_of(manifest.model_id, kind),
            _read_key(directory),
            hashlib.sha256(),
        )
        held = self._milvus.count(collection, key) if count else 0
        if held != count:
            raise _wrong(directory, f"Milvus has {held} of its {count} vectors of {kind}")
        for start in range(0, count, AT_ONCE):
            places = [(key, place) for place in range(start, min(start + AT_ONCE, count))]
            chunk = self._milvus.fetch(collection, places, manifest.dimension).astype("<f2").tobytes()
            digest.update(chunk)
            yield chunk
        if digest.hexdigest() != manifest.files[name]["sha256"]:
            raise _wrong(directory, f"its vectors of {kind} in Milvus are not what was written")

    def release(self, directory: Path) -> bool:
        """Remove from Milvus what a directory, about to go, stands for; False if that has to wait."""
        try:
            self._milvus.delete(_read_key(directory))
        except CorruptSegment:
            return True  # nothing was sent
        except VectorsUnavailable:
            return False
        return True

    def _clips(
        self, collection: str, key: str, directory: Path, dimension: int, ranges: Sequence[tuple[int, int]]
    ) -> Halves:
        places = [(key, place) for first, end in ranges for place in range(first, end)]
        found = self._milvus.fetch(collection, places, dimension)
        if np.isnan(found).any():
            raise _wrong(directory, "Milvus has lost vectors of its clips")
        return found.astype(np.float16)


def _read_key(directory: Path) -> str:
    """Read under which key the vectors of a segment are in Milvus."""
    try:
        key = json.loads((directory / MILVUS_NOTE).read_bytes())["key"]
    except OSError as error:
        raise gone_or_corrupt(directory, error) from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CorruptSegment(directory.name, f"{MILVUS_NOTE} is invalid: {error!r}") from error
    if not isinstance(key, str) or re.fullmatch("[0-9a-f]{32}", key) is None:
        raise CorruptSegment(directory.name, f"{MILVUS_NOTE} names no key")
    return key


def _wrong(directory: Path, what: str) -> CorruptSegment:
    """Say what is wrong with a segment, unless it was removed meanwhile: the directory goes first."""
    if directory.exists():
        return CorruptSegment(directory.name, what)
    return gone_or_corrupt(directory, FileNotFoundError())
