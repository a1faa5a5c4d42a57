"""The figures of an evaluation, and means over splits."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from statistics import fmean
from typing import Any, Final, Literal, TypeVar, get_args

import numpy as np

from models.evaluation.bootstrap import Interval
from models.evaluation.metrics import Floats

CMC_DEPTH: Final = 50
COSINE: Final = "cosine"

Compared = Literal["rank_1", "map_standard", "map_trapezoid"]
COMPARED: Final[tuple[Compared, ...]] = get_args(Compared)
"""Figures that are means over queries: they have intervals, and models are compared by them."""

Key = TypeVar("Key", int, float)


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts: `queries` have a match, `skipped` have none, `identities` are those asked for.

    `gallery` is what was ranked: with distractors, without junk.
    """

    queries: int
    skipped: int
    gallery: int
    identities: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares, 0..1.

    Attributes:
        rank: of the queries, with a match at this rank or before.
        map_standard, map_trapezoid: mean average precision by its two definitions (see metrics.py).
        minp: mean inverse negative penalty.
        tar_at_far: verification, by false accept rate.
        dir_at_far: open-set search, by false alarm rate; None where fewer than two people are asked for. The
            people asked for are parted into two random halves; each half is once taken out of the gallery, so
            that its queries ask for nobody, and the mean of the two rates is given.
        cmc: rank-1 to rank-CMC_DEPTH.
        single_gallery_shot: `rank` with one drawn gallery entry a person; None where it is not usual.
    """

    rank: Mapping[int, float]
    map_standard: float
    map_trapezoid: float
    minp: float
    tar_at_far: Mapping[float, float]
    dir_at_far: Mapping[float, float] | None
    cmc: tuple[float, ...]
    single_gallery_shot: Mapping[int, float] | None


@dataclass(frozen=True, slots=True)
class Queries:
    """The V judged queries of a split, one by one.

    Attributes:
        numbers: which queries of the split they are.
        identities: who they ask for.
        rank_1: 1 where a match came first, else 0.
        map_standard, map_trapezoid: average precision.
    """

    numbers: tuple[int, ...]
    identities: tuple[int, ...]
    rank_1: tuple[float, ...]
    map_standard: tuple[float, ...]
    map_trapezoid: tuple[float, ...]

    def values(self, figure: Compared) -> Floats:
        """(V,) a figure of each query."""
        columns = {
            "rank_1": self.rank_1,
            "map_standard": self.map_standard,
            "map_trapezoid": self.map_trapezoid,
        }
        return np.array(columns[figure], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class SplitResult:
    """Figures of one split; `reranked` apart, as re-ranking sees all queries and may not be compared."""

    counts: Counts
    figures: Figures
    reranked: Figures | None
    queries: Queries


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures of a model on a data set, averaged over its splits.

    Attributes:
        dataset: its name.
        protocol: "i2v", "v2v" or "i2i".
        ranked_by: what ordered the gallery: "cosine", or what else distances were made of.
        model: its name.
        model_id: SHA-256 of its weights.
        counts: sums over the splits.
        figures: means over the splits.
        intervals: of rank-1 ("rank_1") and both mAPs of `figures`, 95 %, by resampling identities.
        reranked: means over the splits of what re-ranked distances give, or None.
        splits: one by one.
    """

    dataset: str
    protocol: str
    model: str
    model_id: str
    counts: Counts
    figures: Figures
    intervals: Mapping[str, Interval]
    reranked: Figures | None
    splits: tuple[SplitResult, ...]
    ranked_by: str = COSINE

    def to_json(self) -> dict[str, Any]:
        """Plain values for a JSON file; shares are 0..1."""
        return asdict(self)


def total(counts: Sequence[Counts]) -> Counts:
    """Sums over splits."""
    return Counts(*(sum(values) for values in zip(*map(astuple, counts), strict=True)))


def mean(figures: Sequence[Figures]) -> Figures:
    """Means over splits, field by field; what a split has not the whole has not."""
    return Figures(
        _mean_by_key([one.rank for one in figures]),
        fmean(one.map_standard for one in figures),
        fmean(one.map_trapezoid for one in figures),
        fmean(one.minp for one in figures),
        _mean_by_key([one.tar_at_far for one in figures]),
        _mean_of_all([one.dir_at_far for one in figures]),
        tuple(np.mean([one.cmc for one in figures], axis=0).tolist()),
        _mean_of_all([one.single_gallery_shot for one in figures]),
    )


def _mean_of_all(shares: Sequence[Mapping[Key, float] | None]) -> dict[Key, float] | None:
    there = [share for share in shares if share is not None]
    return _mean_by_key(there) if len(there) == len(shares) else None


def _mean_by_key(shares: Sequence[Mapping[Key, float]]) -> dict[Key, float]:
    return {key: fmean(share[key] for share in shares) for key in shares[0]}
