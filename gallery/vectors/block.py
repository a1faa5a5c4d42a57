"""Tracklet vectors with their columns in the shape that is searched: a FAISS index, and arrays beside it."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from gallery.records.tracklets import FloatArray

VIDEO_DTYPE = np.dtype([("id", "S32"), ("camera_id", "<i8"), ("first", "<i8"), ("count", "<i8")])
START, END, FIRST_CLIP = range(3)  # rows of `columns`

_FAISS: Any = faiss  # its type stubs know the C++ constructors, not what the Python wrapper makes of them
Mask = NDArray[np.bool_]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of a block that come from one segment; its clip vectors stay on the disk."""

    segment_id: str
    directory: Path
    first: int
    count: int
    clip_count: int


@dataclass(frozen=True, slots=True)
class Spans:
    """Between which times the tracklets of each video begin and end, (V,) each.

    Most videos lie wholly inside or wholly outside a time range: only the rows of the others are looked at.
    """

    first_start: Integers
    last_start: Integers
    first_end: Integers
    last_end: Integers

    @classmethod
    def of(cls, columns: Integers, videos: NDArray[np.void]) -> "Spans":
        """Look through all rows once."""
        filled = videos["count"] > 0
        firsts = videos["first"][filled]
        found = []
        for column in (START, END):
            for extreme in (np.minimum, np.maximum):
                values = np.zeros(len(videos), np.int64)
                if len(firsts):
                    values[filled] = extreme.reduceat(columns[column], firsts)
                found.append(values)
        return cls(*found)


@dataclass(frozen=True, slots=True)
class Rows:
    """Tracklets of whole videos, in the order of their numbers.

    Attributes:
        index: FAISS fp16 scalar quantiser with inner product, N vectors.
        columns: (3, N) int64: start and end in µs since 1970, and the first clip inside the row's segment.
        videos: (V,) of VIDEO_DTYPE: whose rows are where.
        parts: which segments the rows come from, in order.
        video_of_row: (N,) int32, position in `videos`.
        spans: the times of each video's tracklets.
    """

    index: Any
    columns: Integers
    videos: NDArray[np.void]
    parts: tuple[Part, ...]
    video_of_row: NDArray[np.int32] = field(init=False)
    spans: Spans = field(init=False)
    _part_firsts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        ordinals = np.repeat(np.arange(len(self.videos), dtype=np.int32), self.videos["count"])
        object.__setattr__(self, "video_of_row", ordinals)
        object.__setattr__(self, "spans", Spans.of(self.columns, self.videos))
        object.__setattr__(self, "_part_firsts", [part.first for part in self.parts])

    def __len__(self) -> int:
        return int(self.columns.shape[1])

    def vectors(self) -> NDArray[np.float16]:
        """Return the stored vectors, (N, D) float16, as a view into the index."""
        return stored_vectors(self.index)

    def tracklet_ids(self, rows: Integers) -> list[str]:
        """Name the tracklets of some rows."""
        videos = self.videos[self.video_of_row[rows]]
        numbers = (rows - videos["first"]).tolist()
        names = zip(videos["id"].tolist(), numbers, strict=True)
        return [f"{video.decode()}-{number}" for video, number in names]

    def part_of(self, row: int) -> Part:
        """Find the segment a row comes from."""
        return self.parts[bisect_right(self._part_firsts, row) - 1]

    def clips_of(self, row: int, part: Part) -> tuple[int, int]:
        """Return where the clips of a row begin and end inside its segment."""
        first = int(self.columns[FIRST_CLIP, row])
        is_last = row + 1 == part.first + part.count
        return first, part.clip_count if is_last else int(self.columns[FIRST_CLIP, row + 1])


def new_index(dimension: int) -> Any:
    """Make an empty index of the kind that segments hold."""
    return faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)


def add_vectors(index: Any, vectors: NDArray[np.float16]) -> None:
    """Append (N, D) float16 vectors as they are: FAISS's own rounding depends on the processor."""
    if len(vectors):
        index.add_sa_codes(np.ascontiguousarray(vectors).view(np.uint8).reshape(len(vectors), -1))


def cosines(query: FloatArray, vectors: NDArray[np.float16]) -> FloatArray:
    """Compare a query, (D,), with normalised vectors, (N, D): (N,) float32.

    FAISS reads fp16; numpy would have to widen it first, which takes ten times as long.
    """
    index = new_index(query.size)
    add_vectors(index, vectors)
    with _one_thread():
        ranked, rows = index.search(query.reshape(1, -1), len(vectors))
    scores = np.full(len(vectors), -np.inf, np.float32)  # what is not a number is not ranked
    scores[rows[0]] = ranked[0]
    return scores


class _Codes:
    """The memory of an index as numpy sees it: read-only, and there as long as anybody looks at it."""

    def __init__(self, index: Any) -> None:
        self._index = index
        address = _FAISS.rev_swig_ptr(index.codes.data(), 1).ctypes.data
        shape = (index.ntotal, index.d)
        self.__array_interface__ = {"version": 3, "shape": shape, "typestr": "<f2", "data": (address, True)}


def stored_vectors(index: Any) -> NDArray[np.float16]:
    """View the vectors in an index, (N, D) float16, without a copy."""
    return np.asarray(_Codes(index)) if index.ntotal else np.empty((0, index.d), np.float16)


def concatenate(several: Sequence[Rows]) -> Rows:
    """Copy rows of the same dimension into one."""
    index = new_index(several[0].index.d)
    videos, parts, offset = [], [], 0
    for rows in several:
        add_vectors(index, rows.vectors())
        moved = rows.videos.copy()
        moved["first"] += offset
        videos.append(moved)
        parts += [replace(part, first=part.first + offset) for part in rows.parts]
        offset += len(rows)
    columns = np.concatenate([rows.columns for rows in several], axis=1)
    return Rows(index, columns, np.concatenate(videos), tuple(parts))


@dataclass(frozen=True, slots=True)
class Block:
    """Rows as one snapshot sees them: without the videos that were erased."""

    rows: Rows
    erased: Mask  # (V,)

    @property
    def live_count(self) -> int:
        """How many tracklets are not erased."""
        return int(self.rows.videos["count"][~self.erased].sum())

    def select(
        self,
        camera_ids: Integers | None,
        video_ids: NDArray[np.bytes_] | None,
        start_us: int | None,
        end_us: int | None,
    ) -> Mask | None:
        """Mark the rows that may be in an answer, (N,); None when all may.

        A tracklet is seen from its first to its last frame, both included: it overlaps [start_us, end_us)
        when it begins before the end and does not end before the start.
        """
        videos, spans = self.rows.videos, self.rows.spans
        allowed = ~self.erased
        if camera_ids is not None:
            allowed &= np.isin(videos["camera_id"], camera_ids)
        if video_ids is not None:
            allowed &= np.isin(videos["id"], video_ids)
        cut = np.zeros(len(videos), np.bool_)
        if end_us is not None:
            allowed &= spans.first_start < end_us
            cut |= spans.last_start >= end_us
        if start_us is not None:
            allowed &= spans.last_end >= start_us
            cut |= spans.first_end < start_us
        cut &= allowed
        if allowed.all() and not cut.any():
            return None
        mask = np.repeat(allowed, videos["count"])
        rows = _rows_of(videos[cut])
        if end_us is not None:
            mask[rows] &= self.rows.columns[START, rows] < end_us
        if start_us is not None:
            mask[rows] &= self.rows.columns[END, rows] >= start_us
        return mask

    def nearest(self, query: FloatArray, count: int, mask: Mask | None) -> tuple[FloatArray, Integers]:
        """Return scores and rows of the `count` nearest among the marked rows, best first.

        `count` must not exceed the number of marked rows. query: (1, D).
        """
        with _one_thread():
            scores, rows = self.rows.index.search(query, count, params=_parameters(mask))
        return scores[0], rows[0]

    def above(self, query: FloatArray, score: float, mask: Mask | None) -> tuple[FloatArray, Integers]:
        """Return scores and rows of all marked rows with a score above `score`, in no order."""
        with _one_thread():
            _limits, scores, rows = self.rows.index.range_search(query, score, params=_parameters(mask))
        return scores, rows


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep FAISS from waking threads that have nothing to do: it shares out queries, and there is one.

    The number belongs to the calling thread, and is put back for others that use the same OpenMP.
    """
    threads = _FAISS.omp_get_max_threads()
    _FAISS.omp_set_num_threads(1)
    try:
        yield
    finally:
        _FAISS.omp_set_num_threads(threads)


def _rows_of(videos: NDArray[np.void]) -> Integers:
    """List all rows of some videos."""
    counts = videos["count"]
    before = np.cumsum(counts) - counts
    rows: Integers = np.repeat(videos["first"] - before, counts) + np.arange(counts.sum())
    return rows


def _parameters(mask: Mask | None) -> Any:
    """Make FAISS pass over what is not marked, before it ranks; None searches everything at full speed."""
    if mask is None:
        return None
    selector = _FAISS.IDSelectorBitmap(np.packbits(mask, bitorder="little"))
    return _FAISS.SearchParameters(sel=selector)
