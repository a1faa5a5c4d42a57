"""One segment on the disk: an immutable directory that is complete from the moment it has its name.

    manifest.json    what is here: model, counts, size and SHA-256 of each file
    tracklets.faiss  N vectors that rank (FAISS fp16 scalar quantiser, inner product)
    clips.f16        M vectors that locate the moment, (M, D) fp16, little-endian; tracklet after tracklet
    columns.npy      (3, N) int64: start and end in µs since 1970, first clip; in format 2 (4, N), the number
                     that each tracklet has in its video, for some of them were left out
    videos.npy       (V,) of VIDEO_DTYPE; the tracklets of a video lie together, in the order of their numbers

Where the vectors are in Milvus (formats 3 and 4), the two files of vectors are missing: the manifest has size
and SHA-256 of the vectors, (N, D) and (M, D) fp16, and `milvus.json` the key under which they are there.

The same tracklets give the same bytes.
"""

import hashlib
import json
import os
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from tokenize import TokenError
from typing import Any
from zipfile import BadZipFile

import faiss
import numpy as np
from numpy.typing import NDArray

from gallery.errors import CorruptSegment
from gallery.vectors.block import FIRST_CLIP, NUMBER, VIDEO_DTYPE, Part, Rows
from gallery.vectors.index import FlatVectors

FORMAT = 1
FORMAT_NUMBERED = 2  # tracklets were left out, so that places do not say which are there
IN_MILVUS = 2  # added to the format of a segment whose vectors are in Milvus
MANIFEST, TRACKLETS, CLIPS, COLUMNS, VIDEOS = (
    "manifest.json",
    "tracklets.faiss",
    "clips.f16",
    "columns.npy",
    "videos.npy",
)
# What readers raise of files that are none: numpy's reads its header as Python.
_UNREADABLE = (
    *(OSError, RuntimeError, ValueError, EOFError, MemoryError, TypeError, KeyError, OverflowError),
    *(SyntaxError, TokenError, BadZipFile),
)
# How FAISS writes an index of scalars: kind, dimension, vectors, three fields of no meaning here, metric; of
# the quantiser its kind, two more such fields, dimension, bytes of a vector, trained values; then how many
# bytes of vectors follow.
_INDEX = struct.Struct("<4siqqq?iiifQQQQ")
MILVUS_NOTE = "milvus.json"  # says under which key vectors are in Milvus
DATA_FILES = (TRACKLETS, CLIPS, COLUMNS, VIDEOS)
TABLES = (COLUMNS, VIDEOS)  # what is a file wherever the vectors are
MAPPED_FROM = 32768  # tracklets; smaller segments are read, and lie together in memory


class SegmentVanished(CorruptSegment):
    """The directory is not there: compaction or an erasure took it, unless the catalogue still names it."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of a segment; `files` maps each file's name to its bytes and SHA-256."""

    format: int
    model_id: str
    dimension: int
    tracklets: int
    clips: int
    videos: int
    files: Mapping[str, Mapping[str, Any]]

    @property
    def in_milvus(self) -> bool:
        """Whether the vectors are in Milvus."""
        return self.format > IN_MILVUS

    @property
    def is_numbered(self) -> bool:
        """Whether tracklets were left out."""
        return self.format in {FORMAT_NUMBERED, FORMAT_NUMBERED + IN_MILVUS}

    @property
    def local(self) -> tuple[str, ...]:
        """The files that lie in the directory."""
        return TABLES if self.in_milvus else DATA_FILES

    def encode(self) -> bytes:
        """Write it as JSON, the same for the same values."""
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode() + b"\n"


def segment_directory(data_dir: Path, segment_id: str) -> Path:
    """Name the directory of a segment."""
    return data_dir / "segments" / segment_id


def describe_file(path: Path) -> dict[str, Any]:
    """Describe a file as the manifest does."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"bytes": path.stat().st_size, "sha256": digest}


def read_manifest(directory: Path) -> Manifest:
    """Read what a segment says of itself.

    Raises:
        SegmentVanished: there is no such directory.
        CorruptSegment: the manifest is missing or invalid, or a file has another size than it says.
    """
    try:
        found = json.loads((directory / MANIFEST).read_bytes())
        manifest = Manifest(**found)
        counts = (manifest.dimension, manifest.tracklets, manifest.clips, manifest.videos)
        known = manifest.format in {FORMAT, FORMAT_NUMBERED, FORMAT + IN_MILVUS, FORMAT_NUMBERED + IN_MILVUS}
        if not known or not all(isinstance(n, int) and n >= 0 for n in counts):
            raise CorruptSegment(directory.name, "a manifest of another format")
        for name in manifest.local:
            size, right = (directory / name).stat().st_size, manifest.files[name]["bytes"]
            if size != right:
                raise CorruptSegment(directory.name, f"{name} has {size} bytes, not {right}")
    except OSError as error:
        raise gone_or_corrupt(directory, error) from error
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CorruptSegment(directory.name, f"{MANIFEST} is invalid: {error!r}") from error
    return manifest


def gone_or_corrupt(directory: Path, error: BaseException) -> CorruptSegment:
    """Tell a segment that was removed, which happens whole at one instant, from one that lost a file."""
    if not directory.exists():
        return SegmentVanished(directory.name, "its directory is not there")
    reason = error.strerror if isinstance(error, OSError) else None
    return CorruptSegment(directory.name, reason or f"cannot be read: {type(error).__name__}")


def open_segment(directory: Path) -> Rows:
    """Open a segment to search it: a large one is mapped into memory, a small one is read.

    What is read is compared with its checksum. A mapped file is not: it would have to be read for that (see
    `verify_segment`).

    Raises:
        SegmentVanished: there is no such directory.
        CorruptSegment: something is missing, does not fit together or is not what was written, or the vectors
            are not files.
    """
    manifest = read_manifest(directory)
    if manifest.in_milvus:
        raise CorruptSegment(directory.name, "its vectors are in Milvus")
    try:
        if manifest.tracklets >= MAPPED_FROM:
            _check_layout(directory, manifest, _head(directory / TRACKLETS))
            index = faiss.read_index(str(directory / TRACKLETS), faiss.IO_FLAG_MMAP_IFC)
            columns = np.asarray(np.load(directory / COLUMNS, mmap_mode="r", allow_pickle=False))
            videos = np.load(directory / VIDEOS, allow_pickle=False)
        else:
            contents = {
                name: _checked_content(directory, manifest, name) for name in (TRACKLETS, COLUMNS, VIDEOS)
            }
            _check_layout(directory, manifest, contents[TRACKLETS][: _INDEX.size])
            index = faiss.deserialize_index(np.frombuffer(contents[TRACKLETS], np.uint8))
            columns = np.load(BytesIO(contents[COLUMNS]), allow_pickle=False)
            videos = np.load(BytesIO(contents[VIDEOS]), allow_pickle=False)
    except _UNREADABLE as error:
        raise gone_or_corrupt(directory, error) from error
    _check_index(directory, index, manifest)
    _check_arrays(directory, columns, videos, manifest)
    part = Part(directory.name, directory, 0, manifest.tracklets, manifest.clips, read_clips)
    return Rows(FlatVectors(index), columns, videos, (part,))


def read_tables(directory: Path, manifest: Manifest) -> tuple[NDArray[Any], NDArray[Any]]:
    """Read the columns and the videos of a segment, compared with their checksums.

    Raises:
        CorruptSegment: they are not what was written, or do not fit together.
    """
    try:
        contents = [BytesIO(_checked_content(directory, manifest, name)) for name in TABLES]
        columns, videos = (np.load(content, allow_pickle=False) for content in contents)
    except _UNREADABLE as error:
        raise gone_or_corrupt(directory, error) from error
    _check_arrays(directory, columns, videos, manifest)
    return columns, videos


def _checked_content(directory: Path, manifest: Manifest, name: str) -> bytes:
    """Read a file that is what was written."""
    content = (directory / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != manifest.files[name]["sha256"]:
        raise CorruptSegment(directory.name, f"{name} is not what was written")
    return content


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_INDEX.size)


def _check_layout(directory: Path, manifest: Manifest, head: bytes) -> None:
    """Raise CorruptSegment unless a file of vectors is laid out as it must be: FAISS believes its lengths."""
    row, count = 2 * manifest.dimension, manifest.tracklets
    size = (directory / TRACKLETS).stat().st_size
    fits = size == _INDEX.size + row * count
    if fits:
        kind, d, vectors, _, _, _, metric, quantiser, _, _, *rest = _INDEX.unpack(head)
        fits = (kind, d, vectors) == (b"IxSQ", manifest.dimension, count)
        fits = fits and (metric, quantiser) == (faiss.METRIC_INNER_PRODUCT, faiss.ScalarQuantizer.QT_fp16)
        fits = fits and rest == [manifest.dimension, row, 0, row * count]
    if not fits:
        raise CorruptSegment(directory.name, f"{TRACKLETS} holds another index than the manifest says")


def _check_index(directory: Path, index: Any, manifest: Manifest) -> None:
    fits = (
        isinstance(index, faiss.IndexScalarQuantizer)
        and index.metric_type == faiss.METRIC_INNER_PRODUCT
        and index.sq.qtype == faiss.ScalarQuantizer.QT_fp16
        and (index.d, index.ntotal) == (manifest.dimension, manifest.tracklets)
        and index.codes.size() == manifest.tracklets * manifest.dimension * 2
    )
    if not fits:
        raise CorruptSegment(directory.name, f"{TRACKLETS} holds another index than the manifest says")


def _check_arrays(directory: Path, columns: NDArray[Any], videos: NDArray[Any], manifest: Manifest) -> None:
    if not (isinstance(columns, np.ndarray) and isinstance(videos, np.ndarray)):
        raise CorruptSegment(directory.name, f"{COLUMNS} or {VIDEOS} is an archive")
    height = 4 if manifest.is_numbered else 3
    if columns.dtype != np.int64 or columns.shape != (height, manifest.tracklets):
        raise CorruptSegment(directory.name, f"{COLUMNS} is {columns.dtype} {columns.shape}")
    if videos.dtype != VIDEO_DTYPE or videos.shape != (manifest.videos,):
        raise CorruptSegment(directory.name, f"{VIDEOS} is {videos.dtype} {videos.shape}")
    firsts = np.concatenate([[0], np.cumsum(videos["count"])])
    if (
        np.any(videos["count"] < 0)
        or np.any(videos["first"] != firsts[:-1])
        or firsts[-1] != manifest.tracklets
    ):
        raise CorruptSegment(directory.name, f"{VIDEOS} does not add up to {manifest.tracklets} tracklets")
    clips = columns[FIRST_CLIP]
    if len(clips) and (clips[0] != 0 or clips[-1] > manifest.clips or np.any(np.diff(clips) < 0)):
        raise CorruptSegment(directory.name, f"{COLUMNS} names clips that are not there")
    if height > NUMBER:
        # Ascending in each video: a tracklet is looked up by its number.
        first_of_video = np.zeros(manifest.tracklets, np.bool_)
        first_of_video[videos["first"][videos["count"] > 0]] = True
        ascends = np.diff(columns[NUMBER], prepend=-1) > 0
        if np.any(~ascends & ~first_of_video) or np.any(columns[NUMBER] < 0):
            raise CorruptSegment(directory.name, f"{COLUMNS} numbers tracklets out of order")


def read_clips(directory: Path, dimension: int, ranges: Sequence[tuple[int, int]]) -> NDArray[np.float16]:
    """Read the clip vectors of some tracklets, one after the other: (sum of end - first, D) float16.

    Raises:
        SegmentVanished: there is no such directory any more.
        CorruptSegment: the file ends too early.
    """
    row = dimension * 2
    try:
        descriptor = os.open(f"{directory}/{CLIPS}", os.O_RDONLY)
        try:
            data = [os.pread(descriptor, (end - first) * row, first * row) for first, end in ranges]
        finally:
            os.close(descriptor)
    except OSError as error:
        raise gone_or_corrupt(directory, error) from error
    read = b"".join(data)
    if len(read) != sum(end - first for first, end in ranges) * row:
        raise CorruptSegment(directory.name, f"{CLIPS} ends too early")
    return np.frombuffer(read, "<f2").reshape(-1, dimension)


def verify_segment(directory: Path) -> Manifest:
    """Compare every file of a segment with its SHA-256; vectors in Milvus are none.

    Raises:
        SegmentVanished: there is no such directory.
        CorruptSegment: names the first file that differs.
    """
    manifest = read_manifest(directory)
    for name in manifest.local:
        try:
            found = describe_file(directory / name)
        except OSError as error:
            raise gone_or_corrupt(directory, error) from error
        if found != manifest.files[name]:
            raise CorruptSegment(directory.name, f"{name} is not what was written")
    return manifest
