"""Makes the clusters of a segment, and measures what a search by them finds.

Centres are those of k-means (spherical, ten rounds, a fixed start) over a sample of the segment's vectors.
Then probes are ranked against all vectors; of the lists, in the order in which a search would look at them,
as many are taken as hold the wanted share of the true best. What is recorded is measured last, by searching
as searches do, with the codes and what they misplace.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from gallery.disk.files import sync_file, write_durably
from gallery.records.tracklets import FloatArray
from gallery.vectors.block import Rows
from gallery.vectors.clusters import (
    COARSE,
    LISTS,
    NOTE,
    Clusters,
    ClustersNote,
    Depth,
    new_clusters,
    open_clusters,
)
from gallery.vectors.index import FlatVectors, Integers
from gallery.vectors.plausible import check_vectors

_FAISS: Any = faiss
DEPTHS: Final = (100, 300, 1000, 3000)  # of the true best: how many
LEAST_LIST: Final = 40  # vectors of a list, in the mean, that k-means can put a centre to
SAMPLED: Final = 64  # vectors that each centre is learnt from
ROUNDS: Final = 10
SEED: Final = 20181  # of the sample, and of k-means
MOST_LISTS: Final = 0.5  # of all lists: who looks at more may as well compare everything
WIDER: Final = 1.25  # so many more lists are taken where codes have misplaced too many
_AT_ONCE: Final = 8192  # vectors in memory as float32


@dataclass(frozen=True, slots=True)
class Probes:
    """Embeddings that a search by clusters is measured with, (Q, D) float32, L2-normalised, and whose."""

    vectors: FloatArray
    of: str


@dataclass(frozen=True, slots=True)
class _Truth:
    """The best rows of each probe, (Q, K), with their scores, by falling score."""

    scores: FloatArray
    rows: Integers


def make_clusters(rows: Rows, probes: Probes, goal: float, directory: Path) -> ClustersNote:
    """Write the clusters of a segment into an empty directory, and measure them.

    Args:
        rows: of the segment, whose vectors are files.
        probes: what to measure with.
        goal: the share of the true best that a search is to find.
        directory: of the files.

    Raises:
        CorruptSegment: a vector is none.
        OSError: something cannot be written.
    """
    assert isinstance(rows.vectors, FlatVectors)
    index = _trained(rows)
    for first, vectors in _chunks(rows):
        index.add_with_ids(vectors, np.arange(first, first + len(vectors)))
    files = _write(index, directory)
    note = ClustersNote(
        tracklets=len(rows),
        dimension=rows.vectors.dimension,
        lists=index.nlist,
        goal=goal,
        queries=len(probes.vectors),
        of=probes.of,
        depths=(),
        files=files,
    )
    write_durably(directory / NOTE, note.encode())
    clusters = open_clusters(directory, note.tracklets, note.dimension)
    note = replace(note, depths=_measured(rows, index, clusters, probes, goal))
    write_durably(directory / NOTE, note.encode())
    return note


def list_count(tracklets: int) -> int:
    """How many lists a segment gets: twice the root of its tracklets, for centres cost as codes do."""
    return max(1, min(round(2 * math.sqrt(tracklets)), tracklets // LEAST_LIST))


def _trained(rows: Rows) -> Any:
    """An empty index whose centres and codes fit the vectors."""
    lists = list_count(len(rows))
    index = new_clusters(rows.vectors.dimension, lists)
    index.cp.niter, index.cp.seed, index.cp.min_points_per_centroid = ROUNDS, SEED, 1
    random = np.random.Generator(np.random.PCG64(SEED))
    places = np.sort(random.choice(len(rows), min(len(rows), SAMPLED * lists), replace=False))
    sample = rows.vectors.take(places)
    check_vectors(rows, sample, places)
    index.train(sample.astype(np.float32))
    return index


def _chunks(rows: Rows) -> Iterator[tuple[int, FloatArray]]:
    """All vectors, so many at a time, each time with the number of the first."""
    for first in range(0, len(rows), _AT_ONCE):
        places = np.arange(first, min(first + _AT_ONCE, len(rows)))
        vectors = rows.vectors.take(places)
        check_vectors(rows, vectors, places)
        yield first, vectors.astype(np.float32)


def _write(index: Any, directory: Path) -> dict[str, dict[str, Any]]:
    """Write centres and lists; returns size and SHA-256 of each file."""
    lengths = np.array([index.invlists.list_size(number) for number in range(index.nlist)], np.int64)
    coarse = BytesIO()
    trained = _FAISS.vector_to_array(index.sq.trained).reshape(2, index.d)
    np.savez(coarse, centres=_centres(index), lengths=lengths, trained=trained)
    write_durably(directory / COARSE, coarse.getvalue())
    digest = hashlib.sha256()
    with (directory / LISTS).open("wb") as file:
        for number, length in enumerate(lengths.tolist()):
            for part in _list(index, number, length):
                digest.update(part)
                file.write(part)
    sync_file(directory / LISTS)
    return {
        COARSE: {"bytes": coarse.tell(), "sha256": hashlib.sha256(coarse.getvalue()).hexdigest()},
        LISTS: {"bytes": (directory / LISTS).stat().st_size, "sha256": digest.hexdigest()},
    }


def _list(index: Any, number: int, length: int) -> tuple[bytes, bytes]:
    """Codes and rows of a list."""
    if not length:
        return b"", b""
    codes = _FAISS.rev_swig_ptr(index.invlists.get_codes(number), length * index.code_size)
    return codes.tobytes(), _rows_of(index, number, length).astype("<i8").tobytes()


def _rows_of(index: Any, number: int, length: int) -> Integers:
    found: Integers = _FAISS.rev_swig_ptr(index.invlists.get_ids(number), length)
    return found


def _centres(index: Any) -> FloatArray:
    found: FloatArray = index.quantizer.reconstruct_n(0, index.nlist)
    return found


def _measured(rows: Rows, index: Any, clusters: Clusters, probes: Probes, goal: float) -> tuple[Depth, ...]:
    """What a search finds of the best, at each depth at which it need not look at too many lists."""
    depths: list[Depth] = []
    if not len(probes.vectors):
        return ()
    wanted = [k for k in DEPTHS if k <= len(rows) // 4]
    truth = _truth(rows, probes.vectors, max(wanted, default=1))
    turns = _turns(index, probes.vectors, truth.rows)
    for k in wanted:
        least = max((one.probes for one in depths), default=1)
        depth = _depth(rows, clusters, probes.vectors, truth, np.sort(turns[:, :k].ravel()), k, least, goal)
        if depth is None:
            break
        depths.append(depth)
    return tuple(depths)


def _truth(rows: Rows, probes: FloatArray, k: int) -> _Truth:
    """Rank all vectors for each probe, and keep the best k."""
    scores = np.full((len(probes), 0), 0, np.float32)
    places: Integers = np.zeros((len(probes), 0), np.int64)
    for first, vectors in _chunks(rows):
        scores = np.concatenate([scores, probes @ vectors.T], axis=1)
        own = np.broadcast_to(np.arange(first, first + len(vectors)), (len(probes), len(vectors)))
        places = np.concatenate([places, own], axis=1)
        if scores.shape[1] > k:
            best = np.argpartition(-scores, k - 1, axis=1)[:, :k]
            scores, places = np.take_along_axis(scores, best, 1), np.take_along_axis(places, best, 1)
    order = np.argsort(-scores, axis=1, kind="stable")
    return _Truth(np.take_along_axis(scores, order, 1), np.take_along_axis(places, order, 1))


def _turns(index: Any, probes: FloatArray, best: Integers) -> NDArray[np.int64]:
    """As the how manieth a search looks at the list that each of the best lies in, (Q, K), from 1."""
    list_of_row = np.empty(index.ntotal, np.int64)
    for number in range(index.nlist):
        if length := index.invlists.list_size(number):
            list_of_row[_rows_of(index, number, length)] = number
    order = np.argsort(-(probes @ _centres(index).T), axis=1, kind="stable")
    turn_of_list = np.empty_like(order)
    np.put_along_axis(turn_of_list, order, np.arange(1, index.nlist + 1)[None], axis=1)
    found: NDArray[np.int64] = np.take_along_axis(turn_of_list, list_of_row[best], axis=1)
    return found


def _depth(  # noqa: PLR0917  (what was measured before, and what is wanted)
    rows: Rows,
    clusters: Clusters,
    probes: FloatArray,
    truth: _Truth,
    turns: Sequence[int] | NDArray[np.int64],
    k: int,
    least: int,
    goal: float,
) -> Depth | None:
    """How many lists find the wanted share of the best k; None: too many."""
    lists = max(least, int(turns[math.ceil(goal * len(turns)) - 1]))
    while lists <= MOST_LISTS * clusters.note.lists:
        recall = recall_of(rows, clusters, probes, truth.scores[:, k - 1], k, lists)
        if recall >= goal:
            return Depth(k, lists, recall)
        lists = math.ceil(lists * WIDER)
    return None


def recall_of(  # noqa: PLR0917  (as above)
    rows: Rows, clusters: Clusters, probes: FloatArray, last: FloatArray, k: int, lists: int
) -> float:
    """Search for each probe, (Q, D), and return the share of its true best k that is found, in the mean.

    `last` is the score of the last of them, (Q,): of equals, one is as good as another.
    """
    assert isinstance(rows.vectors, FlatVectors)
    found = 0
    for probe, threshold in zip(probes, last, strict=True):
        scores, _ = clusters.search(probe[None], rows.vectors, k, lists, None)
        found += min(k, int(np.count_nonzero(scores >= threshold - 1e-6)))
    return found / (k * len(probes))
