"""Tracklet vectors with their columns in the shape that is searched: an index, and arrays beside it."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gallery.records.tracklets import FloatArray
from gallery.vectors.clusters import Clusters
from gallery.vectors.index import (
    CameraVectors,
    FlatVectors,
    Found,
    Halves,
    Integers,
    Mask,
    Stretch,
    Vectors,
)

VIDEO_DTYPE = np.dtype([("id", "S32"), ("camera_id", "<i8"), ("first", "<i8"), ("count", "<i8")])
# Fetches clip vectors of a segment: its directory, its dimension, and where those of each row begin and end.
ClipReader = Callable[[Path, int, Sequence[tuple[int, int]]], Halves]
START, END, FIRST_CLIP, NUMBER = range(4)  # rows of `columns`; the last only where tracklets were left out


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive rows that come from one segment, whose clip vectors stay where they are: `read` gets some.

    The clips of its last row end at `clip_end`, as those of others do where the next row's begin.
    """

    segment_id: str
    directory: Path
    first: int
    count: int
    clip_end: int
    read: ClipReader


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
        vectors: (N, D).
        columns: (3, N) int64: start and end in µs since 1970, and the first clip inside the row's segment;
            (4, N) where tracklets were left out: the number of each in its video, else they count from 0.
        videos: (V,) of VIDEO_DTYPE: whose rows are where.
        parts: which segments the rows come from, in order.
        clusters: what finds most of the nearest without comparing all; None: nothing does.
        video_of_row: (N,) int32, position in `videos`.
        spans: the times of each video's tracklets.
    """

    vectors: Vectors
    columns: Integers
    videos: NDArray[np.void]
    parts: tuple[Part, ...]
    clusters: Clusters | None = None
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

    def nearest_each(self, query: FloatArray, count: int, mask: Mask | None) -> dict[int, Found]:
        """Rank the marked rows of each camera by itself: at most `count` of each. query: (1, D).

        Rows of several cameras must have been joined.
        """
        if isinstance(self.vectors, CameraVectors):
            return self.vectors.nearest_each(query, count, mask)
        (camera_id,) = self.camera_ids
        assert isinstance(self.vectors, FlatVectors)
        marked = len(self) if mask is None else int(np.count_nonzero(mask))
        return {camera_id: self.vectors.nearest(query, min(count, marked), mask)} if marked else {}

    def nearest_about(
        self, query: FloatArray, count: int, mask: Mask | None, marked: int
    ) -> tuple[dict[int, Found], float] | None:
        """Rank what clusters find, and say what share of the nearest that is; scores are exact.

        None where all are to be compared: see `Clusters.nearest`. Else as `nearest_each`.
        """
        if self.clusters is None or not marked:
            return None
        assert isinstance(self.vectors, FlatVectors)
        found = self.clusters.nearest(query, self.vectors, count, mask, marked)
        if found is None:
            return None
        (camera_id,) = self.camera_ids
        return {camera_id: found[0]}, found[1]

    @property
    def camera_ids(self) -> list[int]:
        """The cameras that saw the tracklets."""
        found: list[int] = np.unique(self.videos["camera_id"][self.videos["count"] > 0]).tolist()
        return found

    def tracklet_ids(self, rows: Integers) -> list[str]:
        """Name the tracklets of some rows."""
        videos = self.videos[self.video_of_row[rows]]
        names = zip(videos["id"].tolist(), self.numbers(rows).tolist(), strict=True)
        return [f"{video.decode()}-{number}" for video, number in names]

    def numbers(self, rows: Integers) -> Integers:
        """Return the numbers that the tracklets of some rows have in their videos."""
        if len(self.columns) > NUMBER:
            named: Integers = self.columns[NUMBER, rows]
            return named
        found: Integers = rows - self.videos["first"][self.video_of_row[rows]]
        return found

    def row_of(self, ordinal: int, number: int) -> int | None:
        """Return the row of a tracklet by its number in a video, given by position; None: it has none."""
        first, count = int(self.videos["first"][ordinal]), int(self.videos["count"][ordinal])
        if len(self.columns) <= NUMBER:
            return first + number if number < count else None
        own = self.columns[NUMBER, first : first + count]
        place = int(np.searchsorted(own, number))
        return first + place if place < count and own[place] == number else None

    def part_of(self, row: int) -> Part:
        """Find the segment a row comes from."""
        return self.parts[bisect_right(self._part_firsts, row) - 1]

    def clips(self, row: int) -> Halves:
        """Fetch the clip vectors of a row, (N, D). Raises CorruptSegment."""
        part = self.part_of(row)
        return part.read(part.directory, self.vectors.dimension, [self.clips_of(row, part)])

    def clips_of(self, row: int, part: Part) -> tuple[int, int]:
        """Return where the clips of a row begin and end inside its segment."""
        first = int(self.columns[FIRST_CLIP, row])
        is_last = row + 1 == part.first + part.count
        return first, part.clip_end if is_last else int(self.columns[FIRST_CLIP, row + 1])


def join_rows(several: Sequence[Rows]) -> Rows:
    """Join rows of the same dimension, whose vectors are of one kind, camera by camera."""
    runs = sorted((run for rows in several for run in _runs(rows)), key=lambda run: run.camera_id)
    numbered = any(len(rows.columns) > NUMBER for rows in several)
    lists: dict[int, list[Stretch]] = {}
    videos, columns, parts, offset = [], [], [], 0
    for run in runs:
        rows, end = run.rows, run.first + run.count
        lists.setdefault(run.camera_id, []).append((rows.vectors, run.first, end))
        moved = run.videos.copy()
        moved["first"] += offset - run.first
        videos.append(moved)
        columns.append(_columns(rows, run.first, end, numbered=numbered))
        clip_end = rows.clips_of(end - 1, run.part)[1]
        parts.append(replace(run.part, first=offset, count=run.count, clip_end=clip_end))
        offset += run.count
    vectors = several[0].vectors.joined(lists)
    return Rows(vectors, np.concatenate(columns, axis=1), np.concatenate(videos), tuple(parts))


def _columns(rows: Rows, first: int, end: int, *, numbered: bool) -> Integers:
    """Return the columns of some rows, with their numbers if they are to be joined with others' that have."""
    own = rows.columns[:, first:end]
    if numbered and len(own) <= NUMBER:
        return np.vstack([own, rows.numbers(np.arange(first, end))])
    return own


@dataclass(frozen=True, slots=True)
class _Run:
    """Consecutive rows of one segment that one camera recorded."""

    camera_id: int
    rows: Rows
    part: Part
    videos: NDArray[np.void]
    first: int
    count: int


def _runs(rows: Rows) -> Iterator[_Run]:
    """Cut rows where the camera or the segment changes."""
    videos = rows.videos[rows.videos["count"] > 0]
    keys = [(int(video["camera_id"]), rows.part_of(int(video["first"]))) for video in videos]
    start = 0
    for (camera_id, part), group in groupby(keys):
        stop = start + len(list(group))
        own = videos[start:stop]
        yield _Run(camera_id, rows, part, own, int(own["first"][0]), int(own["count"].sum()))
        start = stop


@dataclass(frozen=True, slots=True)
class Block:
    """Rows as one snapshot sees them: without the videos, and the single tracklets, that were erased.

    Attributes:
        rows: all of them.
        erased: (V,) whole videos.
        gone: (N,) single tracklets; None: none.
    """

    rows: Rows
    erased: Mask
    gone: Mask | None

    def without(self, videos: Mask) -> "Block":
        """Leave more videos out, (V,); what was erased singly stays out."""
        return replace(self, erased=self.erased | videos)

    @property
    def live_count(self) -> int:
        """Number of tracklets that are not erased."""
        return int(self.live_counts[~self.erased].sum())

    @property
    def live_counts(self) -> Integers:
        """Number of tracklets of each video that are not erased singly, (V,)."""
        counts: Integers = self.rows.videos["count"].astype(np.int64)
        if self.gone is None:
            return counts
        lost = np.bincount(self.rows.video_of_row[self.gone], minlength=len(counts))
        left: Integers = counts - lost
        return left

    def live_rows(self, firsts: Integers, places: Integers) -> Integers:
        """Return the rows at some places among those that are left of their videos.

        Args:
            firsts: (N,) the first row of each one's video.
            places: (N,) from 0.
        """
        if self.gone is None:
            return firsts + places
        live = np.flatnonzero(~self.gone)
        found: Integers = live[np.searchsorted(live, firsts) + places]
        return found

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
        if allowed.all() and not cut.any() and self.gone is None:
            return None
        mask: Mask = np.repeat(allowed, videos["count"])
        if self.gone is not None:
            mask &= ~self.gone
        rows = _rows_of(videos[cut])
        if end_us is not None:
            mask[rows] &= self.rows.columns[START, rows] < end_us
        if start_us is not None:
            mask[rows] &= self.rows.columns[END, rows] >= start_us
        return mask


def _rows_of(videos: NDArray[np.void]) -> Integers:
    """List all rows of some videos."""
    counts = videos["count"]
    before = np.cumsum(counts) - counts
    rows: Integers = np.repeat(videos["first"] - before, counts) + np.arange(counts.sum())
    return rows
