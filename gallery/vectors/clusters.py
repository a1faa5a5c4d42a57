"""Vectors of a large segment once more, in clusters: what compares a probe with a part of them only.

They lie beside the segment, in `clusters/<segment>/`, and can be made again from it at any time: without
them, every search is exact.

    clusters.json  what is here, how far it may be trusted and how that was measured; size and SHA-256 of:
    coarse.npz     (L, D) float32 centres, (L,) lengths of the lists, (2, D) how codes become numbers
    lists.bin      list after list: its codes, (n, D) uint8, then the rows that they are of, (n,) int64

FAISS compares a probe with all centres, then with the codes of the lists whose centres are nearest, as an
IndexIVFScalarQuantizer (inner product). What is nearest by codes is compared again by the segment's own
vectors: the scores are those of an exact search, and only what is missing can be wrong.
"""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np

from gallery.records.tracklets import FloatArray
from gallery.vectors.index import FlatVectors, Found, Integers, Mask, cosines, one_thread, selector

_FAISS: Any = faiss
FORMAT: Final = 1
NOTE, COARSE, LISTS = "clusters.json", "coarse.npz", "lists.bin"
REFINED: Final = 3  # times as many are compared by their own vectors as are wanted: codes misplace some
REFINING: Final = 4  # rows compared in their order, in the time that one takes that lies anywhere
WORTH: Final = 2  # times as many must be spared: below, lists with filters took longer than all in order
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, RecursionError, OverflowError)


class DamagedClusters(Exception):
    """The clusters of a segment are not what was written: it is searched exactly. Stays in the gallery."""


@dataclass(frozen=True, slots=True)
class Depth:
    """How many lists are looked at for the best `k`, and the share of these that was found so."""

    k: int
    probes: int
    recall: float


@dataclass(frozen=True, slots=True)
class ClustersNote:
    """What clusters say of themselves.

    Attributes:
        tracklets, dimension: of the segment.
        lists: how many.
        goal: the recall that was aimed at.
        queries: how many tracklets it was measured with.
        of: whose these were: "other cameras", or "own camera" where the model has no other.
        depths: what was measured, by rising k. Empty: too many lists would have to be looked at.
        files: size and SHA-256 of each.
        format: of this note.
    """

    tracklets: int
    dimension: int
    lists: int
    goal: float
    queries: int
    of: str
    depths: Sequence[Depth]
    files: Mapping[str, Mapping[str, Any]]
    format: int = FORMAT

    def encode(self) -> bytes:
        """Write it as JSON."""
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode() + b"\n"


class Clusters:
    """Clusters that are open to be searched; the lists are mapped.

    Attributes:
        note: what they say of themselves.
        stamp: tells them from others that took their place.
    """

    def __init__(self, note: ClustersNote, index: Any, inverted: Any, stamp: tuple[int, int]) -> None:
        self.note = note
        self.stamp = stamp
        self._index = index
        self._inverted = inverted  # there as long as the index, which does not own it

    def nearest(
        self, query: FloatArray, vectors: FlatVectors, count: int, mask: Mask | None, marked: int
    ) -> tuple[Found, float] | None:
        """Return about the `count` nearest to a query, (1, D), with exact scores, and the recall measured.

        None where an exact search is no dearer, where nothing was measured that deep, and where the lists do
        not hold enough: then all are to be compared.

        Args:
            query: the probe.
            vectors: of the segment.
            count: how many are wanted.
            mask: the rows that may be found; None: all.
            marked: how many these are.
        """
        depth = self._depth(count, marked)
        if depth is None:
            return None
        found = self.search(query, vectors, count, depth.probes, mask)
        return None if len(found[1]) < min(count, marked) else (found, depth.recall)

    def _depth(self, count: int, marked: int) -> Depth | None:
        """How many lists to look at.

        The best of a tenth of the rows lie ten times as deep among all of them, so as many more are looked
        at as were needed for ten times as many.
        """
        k = math.ceil(count * self.note.tracklets / marked)
        for depth in self.note.depths:
            if depth.k >= k:
                share = depth.probes / self.note.lists
                compared = self.note.lists + share * marked + REFINING * REFINED * count
                return depth if WORTH * compared < marked else None
        return None

    def search(
        self, query: FloatArray, vectors: FlatVectors, count: int, probes: int, mask: Mask | None
    ) -> Found:
        """Look at the `probes` lists nearest to a query, (1, D): at most `count`, with exact scores."""
        chosen = None if mask is None else selector(mask)
        params = _FAISS.SearchParametersIVF(nprobe=probes, sel=chosen)
        with one_thread():
            _, rows = self._index.search(query, min(REFINED * count, self.note.tracklets), params=params)
        sound: Integers = np.unique(rows[(rows >= 0) & (rows < vectors.count)])
        scores = cosines(query[0], vectors.take(sound)) if len(sound) else np.zeros(0, np.float32)
        best = np.argsort(-scores, kind="stable")[:count]
        return scores[best], sound[best]


def new_clusters(dimension: int, lists: int) -> Any:
    """Make an empty index of the kind that clusters are."""
    kind = (faiss.ScalarQuantizer.QT_8bit, faiss.METRIC_INNER_PRODUCT, False)
    return _FAISS.IndexIVFScalarQuantizer(_FAISS.IndexFlatIP(dimension), dimension, lists, *kind)


def read_note(directory: Path) -> ClustersNote:
    """Read what clusters say of themselves.

    Raises:
        DamagedClusters: it is missing or invalid, or a file has another size than it says.
    """
    try:
        found = json.loads((directory / NOTE).read_bytes())
        depths = tuple(Depth(**one) for one in found.pop("depths"))
        note = ClustersNote(**found, depths=depths)
        if note.format != FORMAT or not _plausible(note):
            raise DamagedClusters(f"clusters/{directory.name}: {NOTE} is of another format")
        for name in (COARSE, LISTS):
            if (directory / name).stat().st_size != note.files[name]["bytes"]:
                raise DamagedClusters(f"clusters/{directory.name}: {name} has another size than it had")
    except _UNREADABLE as error:
        raise _damaged(directory, error) from error
    return note


def open_clusters(directory: Path, tracklets: int, dimension: int) -> Clusters:
    """Open the clusters of a segment with so many tracklets. Its lists are mapped, and not compared.

    FAISS believes the lengths of lists; those come from a file that is compared with its checksum.

    Raises:
        DamagedClusters: they are not what was written, or another segment's.
    """
    note = read_note(directory)
    try:
        content = (directory / COARSE).read_bytes()
        if hashlib.sha256(content).hexdigest() != note.files[COARSE]["sha256"]:
            raise DamagedClusters(f"clusters/{directory.name}: {COARSE} is not what was written")
        with np.load(BytesIO(content), allow_pickle=False) as arrays:
            centres, lengths, trained = arrays["centres"], arrays["lengths"], arrays["trained"]
        stat = (directory / NOTE).stat()
    except _UNREADABLE as error:
        raise _damaged(directory, error) from error
    fits = (note.tracklets, note.dimension, int(lengths.sum())) == (tracklets, dimension, tracklets)
    fits = fits and centres.shape == (note.lists, dimension) and lengths.shape == (note.lists,)
    if not fits or (directory / LISTS).stat().st_size != tracklets * (dimension + 8):
        raise DamagedClusters(f"clusters/{directory.name}: they are of another segment")
    mapped = _mapped(directory / LISTS, centres, lengths, trained)
    return Clusters(note, *mapped, (stat.st_ino, stat.st_mtime_ns))


def _mapped(file: Path, centres: FloatArray, lengths: Integers, trained: FloatArray) -> tuple[Any, Any]:
    """The index, and the lists that it looks at."""
    lists, dimension = centres.shape
    index = new_clusters(dimension, lists)
    index.quantizer.add(np.ascontiguousarray(centres, np.float32))
    _FAISS.copy_array_to_vector(np.ascontiguousarray(trained.ravel(), np.float32), index.sq.trained)
    index.is_trained = True
    inverted = _FAISS.OnDiskInvertedLists(lists, dimension, str(file))
    sizes = np.ascontiguousarray(lengths, np.uint64)
    inverted.set_all_lists_sizes(_FAISS.swig_ptr(sizes))
    inverted.totsize = file.stat().st_size
    inverted.read_only = True
    inverted.prefetch_nthread = 0  # no threads: the pages come when they are looked at
    inverted.do_mmap()
    index.replace_invlists(inverted, False)
    index.ntotal = int(lengths.sum())
    return index, inverted


def verify_clusters(directory: Path) -> ClustersNote:
    """Compare every file with its SHA-256. Raises DamagedClusters, which names the first that differs."""
    note = read_note(directory)
    for name in (COARSE, LISTS):
        try:
            with (directory / name).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _damaged(directory, error) from error
        if digest != note.files[name]["sha256"]:
            raise DamagedClusters(f"clusters/{directory.name}: {name} is not what was written")
    return note


def _plausible(note: ClustersNote) -> bool:
    sizes = (note.tracklets, note.dimension, note.lists, *(one.k for one in note.depths))
    return all(isinstance(size, int) and size > 0 for size in sizes) and all(
        0 < one.probes <= note.lists and 0 < one.recall <= 1 for one in note.depths
    )


def _damaged(directory: Path, error: BaseException) -> DamagedClusters:
    reason = error.strerror if isinstance(error, OSError) else type(error).__name__
    return DamagedClusters(f"clusters/{directory.name}: cannot be read: {reason}")
