"""Vectors that lie in Milvus, as a block's vectors: rows stand for places of segments."""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

import numpy as np

from gallery.errors import CorruptSegment
from gallery.records.tracklets import FloatArray
from gallery.vectors.index import (
    CameraVectors,
    Found,
    Halves,
    Integers,
    Mask,
    Stretch,
    cosines,
)
from gallery.vectors.milvus import AT_ONCE, MOST_FOUND, Milvus
from gallery.vectors.segment import gone_or_corrupt


@dataclass(frozen=True, slots=True)
class Piece:
    """Consecutive places of a segment that has `of` of them, and whose vectors have this key."""

    directory: Path
    key: str
    first: int
    count: int
    of: int


@dataclass(frozen=True, slots=True)
class _Asked:
    """What Milvus is asked for of a camera: places of pieces that may be found, and how many at most."""

    runs: Sequence[tuple[Piece, Sequence[tuple[int, int]]]]
    count: int

    @property
    def expression(self) -> str:
        """Which places, in Milvus's words: filters come before ranking there too."""
        whole = [f'"{piece.key}"' for piece, runs in self.runs if runs == [(0, piece.of)]]
        terms = [
            f'(segment == "{piece.key}" and ({_inside(runs)}))'
            for piece, runs in self.runs
            if runs != [(0, piece.of)]
        ]
        if whole:
            terms.append(f"segment in [{','.join(whole)}]")
        return " or ".join(terms)

    def check(self, found: int, held: Callable[[str], int]) -> None:
        """Raise CorruptSegment if something may be missing; `held` counts the vectors of a key."""
        for piece, _ in self.runs:
            # Who removes a segment takes its directory away before its vectors.
            if not piece.directory.exists():
                raise _lost(piece.directory)
        if found < self.count:
            for piece, _ in self.runs:
                if held(piece.key) != piece.of:
                    raise _lost(piece.directory)
            raise CorruptSegment(self.runs[0][0].directory.name, "Milvus did not rank all of its vectors")


class MilvusVectors(CameraVectors):
    """Vectors in a collection.

    Args:
        milvus: where it is.
        collection: which.
        dimension: of the vectors.
        pieces: what each camera saw, in the order of the rows. A segment that was only opened has all of its
            rows under no camera's id, and is joined with others before it is searched.
    """

    def __init__(
        self, milvus: Milvus, collection: str, dimension: int, pieces: Mapping[int, Sequence[Piece]]
    ) -> None:
        self._flat = [piece for own in pieces.values() for piece in own]
        self._firsts = [0, *accumulate(piece.count for piece in self._flat)]
        super().__init__(dimension, self._firsts[-1])
        self._milvus = milvus
        self._collection = collection
        ends = list(accumulate(map(len, pieces.values())))
        self._of_camera = dict(zip(pieces, zip([0, *ends], ends, strict=False), strict=True))

    def take(self, rows: Integers) -> Halves:
        """Copy some vectors: (R,) -> (R, D).

        Raises:
            CorruptSegment: some are not there.
            VectorsUnavailable: Milvus cannot be asked.
        """
        places = [self._place(row) for row in rows.tolist()]
        named = [(piece.key, place) for piece, place in places]
        found = self._milvus.fetch(self._collection, named, self.dimension)
        lost: Integers = np.flatnonzero(np.isnan(found).any(axis=1))
        if len(lost):
            raise _lost(places[int(lost[0])][0].directory)
        return found.astype(np.float16)

    def joined(self, lists: Mapping[int, Sequence[Stretch]]) -> CameraVectors:
        """Put stretches together: no vector is copied."""
        pieces: dict[int, list[Piece]] = {camera: [] for camera in lists}
        for camera, stretches in lists.items():
            for vectors, first, end in stretches:
                assert isinstance(vectors, MilvusVectors)
                pieces[camera] += vectors._cut(first, end)
        return MilvusVectors(self._milvus, self._collection, self.dimension, pieces)

    def nearest_each(self, query: FloatArray, count: int, mask: Mask | None) -> dict[int, Found]:
        """Rank the marked rows of each camera by itself: at most `count` of each. query: (1, D).

        Raises:
            CorruptSegment: vectors are missing, or their segment was removed meanwhile.
            VectorsUnavailable: Milvus cannot be asked.
        """
        marked = {camera: self._marked(camera, mask) for camera in self._of_camera}
        asked = {
            camera: _Asked(self._runs(camera, mask), min(count, number))
            for camera, number in marked.items()
            if number and min(count, number) <= MOST_FOUND
        }
        wanted = {camera: (one.expression, one.count) for camera, one in asked.items()}
        answers = self._milvus.search_each(self._collection, query[0], wanted)
        found = {camera: self._rows(camera, hits) for camera, hits in answers.items()}
        for camera, one in asked.items():
            one.check(len(found[camera][1]), lambda key: self._milvus.count(self._collection, key))
        for camera, number in marked.items():
            if number and camera not in asked:
                found[camera] = self._rank_here(camera, query, count, mask)
        return found

    def _place(self, row: int) -> tuple[Piece, int]:
        number = bisect_right(self._firsts, row) - 1
        piece = self._flat[number]
        return piece, piece.first + row - self._firsts[number]

    def _cut(self, first: int, end: int) -> Iterator[Piece]:
        """The pieces that make some consecutive rows."""
        for piece, start in zip(self._flat, self._firsts, strict=False):
            low, high = max(first, start), min(end, start + piece.count)
            if low < high:
                yield replace(piece, first=piece.first + low - start, count=high - low)

    def _pieces(self, camera: int) -> Sequence[Piece]:
        return self._flat[slice(*self._of_camera[camera])]

    def _span(self, camera: int) -> tuple[int, int]:
        """Where the rows of a camera begin and end."""
        first, end = self._of_camera[camera]
        return self._firsts[first], self._firsts[end]

    def _marked(self, camera: int, mask: Mask | None) -> int:
        first, end = self._span(camera)
        return end - first if mask is None else int(np.count_nonzero(mask[first:end]))

    def _runs(self, camera: int, mask: Mask | None) -> list[tuple[Piece, list[tuple[int, int]]]]:
        """The pieces of a camera that have marked rows, with where these begin and end among the places."""
        found = []
        first, _ = self._of_camera[camera]
        for piece, start in zip(self._pieces(camera), self._firsts[first:], strict=False):
            own = None if mask is None else mask[start : start + piece.count]
            runs = [(piece.first, piece.first + piece.count)]
            if own is not None and not own.all():
                edges = np.flatnonzero(np.diff(own, prepend=False, append=False)) + piece.first
                runs = [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
            if runs:
                found.append((piece, runs))
        return found

    def _rows(self, camera: int, hits: Sequence[tuple[str, int, float]]) -> Found:
        """Return scores and rows of what Milvus found."""
        first, _ = self._of_camera[camera]
        starts: dict[str, list[tuple[Piece, int]]] = {}
        for piece, start in zip(self._pieces(camera), self._firsts[first:], strict=False):
            starts.setdefault(piece.key, []).append((piece, start))
        rows = np.empty(len(hits), np.int64)
        for number, (key, place, _) in enumerate(hits):
            rows[number] = next(
                (
                    start + place - piece.first
                    for piece, start in starts[key]
                    if piece.first <= place < piece.first + piece.count
                ),
                -1,
            )
            if rows[number] < 0:
                raise CorruptSegment(
                    starts[key][0][0].directory.name, "Milvus has vectors of it that no row stands for"
                )
        return np.array([score for _, _, score in hits], np.float32), rows

    def _rank_here(self, camera: int, query: FloatArray, count: int, mask: Mask | None) -> Found:
        """Rank more than Milvus returns of one search."""
        first, end = self._span(camera)
        rows = np.arange(first, end) if mask is None else first + np.flatnonzero(mask[first:end])
        scores = np.concatenate(
            [
                cosines(query[0], self.take(rows[start : start + AT_ONCE]))
                for start in range(0, len(rows), AT_ONCE)
            ]
        )
        best = np.argsort(-scores, kind="stable")[:count]
        return scores[best], rows[best]


def _inside(runs: Sequence[tuple[int, int]]) -> str:
    """Say that a place is in one of some runs, each (first, end)."""
    alone = [str(first) for first, end in runs if end - first == 1]
    terms = [f"(place >= {first} and place < {end})" for first, end in runs if end - first > 1]
    return " or ".join([*terms, *([f"place in [{','.join(alone)}]"] if alone else [])])


def _lost(directory: Path) -> CorruptSegment:
    """Tell a segment that was removed from one whose vectors are missing."""
    if directory.exists():
        return CorruptSegment(directory.name, "Milvus has lost vectors of it")
    return gone_or_corrupt(directory, FileNotFoundError())
