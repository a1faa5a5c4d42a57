"""Vectors that FAISS compares with a probe: fp16 codes, inner product, exact.

A segment's file is one flat index. What is joined in memory lies in one list for each camera, so that a
single call ranks every camera by itself.
"""

import ctypes
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from gallery.records.tracklets import FloatArray

_FAISS: Any = faiss  # its type stubs know the C++ constructors, not what the Python wrapper makes of them
_LIBC: Final[Any] = ctypes.CDLL(None)
_PAGE: Final = 4096
_HUGE_PAGE: Final = 2 << 20
_ADVISE, _COLLAPSE = 14, 25  # MADV_HUGEPAGE, MADV_COLLAPSE of Linux
Mask = NDArray[np.bool_]
Integers = NDArray[np.int64]
Halves = NDArray[np.float16]
Found = tuple[FloatArray, Integers]  # scores and rows, best first


class Vectors(ABC):
    """N vectors of D dimensions, by row."""

    def __init__(self, dimension: int, count: int) -> None:
        self.dimension = dimension
        self.count = count

    @abstractmethod
    def take(self, rows: Integers) -> Halves:
        """Copy some vectors: (R,) -> (R, D)."""

    def joined(self, lists: Mapping[int, Sequence["Stretch"]]) -> "CameraVectors":
        """Put stretches of vectors of this kind together: what each camera saw, camera after camera."""
        taken = {
            camera: [vectors.take(np.arange(first, end)) for vectors, first, end in stretches]
            for camera, stretches in lists.items()
        }
        return ListedVectors({camera: np.concatenate(those) for camera, those in taken.items()})


Stretch = tuple[Vectors, int, int]  # rows of some vectors: the first, and where they end


class CameraVectors(Vectors):
    """Vectors whose rows are consecutive for each camera."""

    @abstractmethod
    def nearest_each(self, query: FloatArray, count: int, mask: Mask | None) -> dict[int, Found]:
        """Rank the marked rows of each camera by itself: at most `count` of each. query: (1, D)."""


class FlatVectors(Vectors):
    """Vectors in one FAISS scalar quantiser, which may be mapped from a file."""

    def __init__(self, index: Any) -> None:
        super().__init__(index.d, index.ntotal)
        self._index = index

    def all(self) -> Halves:
        """View all vectors, (N, D), without a copy."""
        return stored_vectors(self._index)

    def take(self, rows: Integers) -> Halves:
        """Copy some vectors: (R,) -> (R, D)."""
        return self.all()[rows]

    def nearest(self, query: FloatArray, count: int, mask: Mask | None) -> Found:
        """Return the `count` nearest to a query, (1, D); at least as many rows must be marked."""
        with one_thread():
            params = None if mask is None else _FAISS.SearchParameters(sel=selector(mask))
            scores, rows = self._index.search(query, count, params=params)
        return scores[0], rows[0]


class ListedVectors(CameraVectors):
    """Vectors in a list for each camera, whose rows are consecutive.

    Args:
        lists: (n, D) vectors of each camera, in the order of their rows.
    """

    def __init__(self, lists: Mapping[int, Halves]) -> None:
        first = next(iter(lists.values()))
        super().__init__(first.shape[1], sum(map(len, lists.values())))
        self.cameras = tuple(lists)
        self._firsts = np.cumsum([0, *map(len, lists.values())])
        inverted = _FAISS.ArrayInvertedLists(len(lists), 2 * self.dimension)
        for number, vectors in enumerate(lists.values()):
            rows = np.arange(self._firsts[number], self._firsts[number + 1])
            codes = np.ascontiguousarray(vectors, "<f2")
            inverted.add_entries(
                number, len(rows), _FAISS.swig_ptr(rows), _FAISS.swig_ptr(codes.view(np.uint8))
            )
            if len(vectors):
                in_huge_pages(_address(inverted.get_codes(number)), codes.nbytes)
        self._coarse = _FAISS.IndexFlatIP(self.dimension)  # never asked: the lists are named
        self._coarse.add(np.zeros((len(lists), self.dimension), np.float32))
        kind = (faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT, False)
        self._index = _FAISS.IndexIVFScalarQuantizer(self._coarse, self.dimension, len(lists), *kind)
        self._index.is_trained = True
        self._index.replace_invlists(inverted, False)
        self._index.ntotal = self.count
        self._inverted = inverted

    def take(self, rows: Integers) -> Halves:
        """Copy some vectors: (R,) -> (R, D)."""
        found = np.empty((len(rows), self.dimension), np.float16)
        numbers = np.searchsorted(self._firsts, rows, side="right") - 1
        for number in np.unique(numbers).tolist():
            here = numbers == number
            found[here] = self._list(number)[rows[here] - self._firsts[number]]
        return found

    def nearest_each(self, query: FloatArray, count: int, mask: Mask | None) -> dict[int, Found]:
        """Rank the marked rows of each camera by itself: at most `count` of each. query: (1, D)."""
        numbers = np.arange(len(self.cameras))
        scores, rows = self._search(np.repeat(query, len(numbers), axis=0), count, numbers[:, None], mask)
        return {
            camera: (own_scores[own >= 0], own[own >= 0])
            for camera, own_scores, own in zip(self.cameras, scores, rows, strict=True)
        }

    def _search(self, queries: FloatArray, count: int, lists: Integers, mask: Mask | None) -> Found:
        """Search for each query, (Q, D), the lists beside it, (Q, P). Missing rows are -1."""
        chosen = None if mask is None else selector(mask)
        params = _FAISS.SearchParametersIVF(nprobe=lists.shape[1], sel=chosen)
        lists = np.ascontiguousarray(lists, np.int64)
        near = np.zeros(lists.shape, np.float32)  # added to no score
        scores = np.empty((len(queries), count), np.float32)
        rows = np.empty((len(queries), count), np.int64)
        arrays = map(_FAISS.swig_ptr, (lists, near, scores, rows))
        with one_thread():
            # The wrapper without _c takes no parameters.
            self._index.search_preassigned_c(
                len(queries), _FAISS.swig_ptr(queries), count, *arrays, False, params
            )
        return scores, rows

    def _list(self, number: int) -> Halves:
        """View the vectors of one list, (n, D), without a copy."""
        shape = (int(self._firsts[number + 1] - self._firsts[number]), self.dimension)
        return _view(self._inverted.get_codes(number), shape, self)


def new_index(dimension: int) -> Any:
    """Make an empty index of the kind that segments hold."""
    return faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)


def add_vectors(index: Any, vectors: Halves) -> None:
    """Append (N, D) float16 vectors as they are: FAISS's own rounding depends on the processor."""
    if len(vectors):
        index.add_sa_codes(np.ascontiguousarray(vectors).view(np.uint8).reshape(len(vectors), -1))


def cosines(query: FloatArray, vectors: Halves) -> FloatArray:
    """Compare a query, (D,), with normalised vectors, (N, D): (N,) float32.

    FAISS reads fp16; numpy would have to widen it first, which takes ten times as long.
    """
    index = new_index(query.size)
    add_vectors(index, vectors)
    found, rows = FlatVectors(index).nearest(query.reshape(1, -1), len(vectors), None)
    scores = np.full(len(vectors), -np.inf, np.float32)  # what is not a number is not ranked
    scores[rows] = found
    return scores


class _Codes:
    """Memory of an index as numpy sees it: read-only, and there as long as anybody looks at it."""

    def __init__(self, address: int, shape: tuple[int, int], owner: Any) -> None:
        self._owner = owner
        self.__array_interface__ = {"version": 3, "shape": shape, "typestr": "<f2", "data": (address, True)}


def _view(pointer: Any, shape: tuple[int, int], owner: Any) -> Halves:
    if not shape[0]:
        return np.empty(shape, np.float16)
    return np.asarray(_Codes(_address(pointer), shape, owner))


def _address(pointer: Any) -> int:
    found: int = _FAISS.rev_swig_ptr(pointer, 1).ctypes.data
    return found


def stored_vectors(index: Any) -> Halves:
    """View the vectors in a flat index, (N, D) float16, without a copy."""
    return _view(index.codes.data(), (index.ntotal, index.d), index)


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep FAISS from waking threads that have nothing to do: it shares out queries, and there is one.

    The number belongs to the calling thread, and is put back for others that use the same OpenMP.
    """
    threads = _FAISS.omp_get_max_threads()
    _FAISS.omp_set_num_threads(1)
    try:
        yield
    finally:
        _FAISS.omp_set_num_threads(threads)


def selector(mask: Mask) -> Any:
    """Make FAISS pass over what is not marked, before it ranks."""
    return _FAISS.IDSelectorBitmap(np.packbits(mask, bitorder="little"))


def in_huge_pages(address: int, size: int) -> None:
    """Ask for memory that is in use already to be moved into huge pages; where that cannot be, it stays.

    A search reads every vector once, and in pages of 4 KiB looks each of them up: in a virtual machine that
    has taken longer than reading what is in them (benchmarks/README.md, Search latency).
    """
    if size < _HUGE_PAGE or not hasattr(_LIBC, "madvise"):
        return
    first = address // _PAGE * _PAGE  # the beginning of the allocation, whose header stands before the array
    length = ctypes.c_size_t(address + size - first)
    for advice in (_ADVISE, _COLLAPSE):  # a kernel without them says so, and nothing has changed
        _LIBC.madvise(ctypes.c_void_p(first), length, advice)
