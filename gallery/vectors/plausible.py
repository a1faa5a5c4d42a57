"""Damage that shows in a search: a vector that no embedding is, or a score that none has.

Large segments are mapped, not read, so no checksum stands between a flipped bit and an answer.
"""

from collections.abc import Sequence

import numpy as np

from gallery.errors import CorruptSegment
from gallery.records.tracklets import FloatArray
from gallery.vectors.block import Rows
from gallery.vectors.index import Halves, Integers

LARGEST_COSINE = 1.01  # of vectors of 16 bits, rounded


def check_vectors(rows: Rows, vectors: Halves, numbers: Integers) -> None:
    """Raise CorruptSegment unless vectors, (N, D), of the rows `numbers`, (N,), have length one."""
    lengths = np.linalg.norm(vectors.astype(np.float32), axis=1)
    wrong = np.flatnonzero(~(np.abs(lengths - 1) <= LARGEST_COSINE - 1))
    if len(wrong):
        part = rows.part_of(int(numbers[wrong[0]]))
        raise CorruptSegment(part.segment_id, f"a vector has length {lengths[wrong[0]]:.4g}")


def check_scores(rows: Rows, scores: FloatArray, numbers: Integers) -> None:
    """Raise CorruptSegment unless the scores of the rows `numbers`, (N,), are cosines.

    FAISS does not rank what is no number: when it has nothing else it gives row -1.
    """
    wrong = np.flatnonzero(~(np.abs(scores) <= LARGEST_COSINE) | (numbers < 0))
    if len(wrong):
        part = rows.part_of(max(0, int(numbers[wrong[0]])))
        raise CorruptSegment(part.segment_id, f"a vector scores {float(scores[wrong[0]]):.4g}")


def check_clips(scores: FloatArray, segments: Sequence[tuple[str, int]]) -> None:
    """Raise CorruptSegment unless the scores of clips are cosines.

    Args:
        scores: (N,), segment after segment.
        segments: the id of each, and how many of the scores are its clips'.
    """
    wrong = np.flatnonzero(~(np.abs(scores) <= LARGEST_COSINE))
    if len(wrong):
        ends = np.cumsum([count for _, count in segments])
        segment_id, _ = segments[int(np.searchsorted(ends, wrong[0], side="right"))]
        raise CorruptSegment(segment_id, f"a clip scores {float(scores[wrong[0]]):.4g}")
