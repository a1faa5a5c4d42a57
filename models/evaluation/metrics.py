"""Metrics of rankings: CMC, mAP, mINP, verification, open-set identification; pure functions on numpy.

A query's candidates are the gallery less what has the query's identity and its camera, and less junk
(identity JUNK). Distractors (identity DISTRACTOR) stay as negatives of every query. A query without a match
among its candidates cannot be judged: it is left out of closed-set figures, and counted (Zheng et al.,
"Scalable Person Re-identification", ICCV 2015; MARS, ECCV 2016). Ties keep the order of the gallery.

Distances are (Q, G) with small meaning alike. They are read row by row; verification alone copies them, which
is 260 MiB for a full MARS test (1 980 x 11 310 in float32).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from models.datasets.records import DISTRACTOR, JUNK
from models.errors import BadDataset, BadDistances

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Distances = NDArray[np.floating[Any]]
AP = Literal["trapezoid", "standard"]


@dataclass(frozen=True, slots=True)
class Labels:
    """Identity and camera of N queries or gallery entries: two arrays (N,)."""

    identities: Ints
    cameras: Ints

    def __len__(self) -> int:
        return len(self.identities)


@dataclass(frozen=True, slots=True)
class Ranking:
    """Ranks of the matches of each judged query.

    Attributes:
        ranks: of each of the V judged queries, the ranks of its matches among its candidates, counted from 1,
            ascending, at least one.
        queries: (V,) which queries those are.
        identities: (V,) who they ask for.
        skipped: queries that have no match among their candidates.
    """

    ranks: tuple[Ints, ...]
    queries: Ints
    identities: Ints
    skipped: int


@dataclass(frozen=True, slots=True)
class Verification:
    """Pairs accepted as one person when their distance is below `threshold`, at a false accept rate.

    `tar` is the share of the `positives` (pairs of one identity) that is accepted; at most a share of `far`
    of the `negatives` is. With fewer than 1/far negatives none is.
    """

    far: float
    tar: float
    threshold: float
    positives: int
    negatives: int


@dataclass(frozen=True, slots=True)
class Identification:
    """Open-set search at a false alarm rate.

    A search raises an alarm when its nearest candidate is below `threshold`; at most a share of `far` of the
    `unknown` probes (they are nobody in the gallery) raises one. `dir` is the share of the `known` probes
    whose nearest candidate is below it and is the right person.
    """

    far: float
    dir: float
    threshold: float
    known: int
    unknown: int


def rank(distances: Distances, query: Labels, gallery: Labels) -> Ranking:
    """Rank the gallery for each query.

    Args:
        distances: (Q, G).
        query: Q labels; a query of no known identity is skipped like one without a match.
        gallery: G labels.

    Raises:
        BadDistances: not one finite distance for each pair.
    """
    ranks, queries = [], []
    for index, row, candidates, matches in _rows(distances, query, gallery):
        if matches.any():
            order = np.argsort(row[candidates], kind="stable")
            ranks.append(np.flatnonzero(matches[candidates][order]) + 1)
            queries.append(index)
    judged = np.array(queries, dtype=np.int64)
    return Ranking(tuple(ranks), judged, query.identities[judged], len(query) - len(judged))


def best(
    distances: Distances, query: Labels, gallery: Labels, index: int, depth: int
) -> tuple[Ints, NDArray[np.bool_]]:
    """The first `depth` candidates of query `index`, or all if they are fewer, in the order of `rank`.

    Returns:
        Their places in the gallery, and which of them are matches.

    Raises:
        BadDistances: not one finite distance for each entry.
    """
    one = slice(index, index + 1)
    asked = Labels(query.identities[one], query.cameras[one])
    ((_, row, candidates, matches),) = _rows(distances[one], asked, gallery)
    places = np.flatnonzero(candidates)
    first = places[np.argsort(row[places], kind="stable")[:depth]]
    return first, matches[first]


def single_gallery_shot(
    distances: Distances, query: Labels, gallery: Labels, depth: int, *, draws: int = 10, seed: int = 0
) -> Floats:
    """CMC of CUHK03's first protocol (Li et al., CVPR 2014): one entry a person in the gallery, drawn anew.

    Args:
        distances: (Q, G).
        query: Q labels.
        gallery: G labels; each distractor counts as a person.
        depth: of the curve.
        draws: how many galleries are drawn for each query.
        seed: of the draws.

    Returns:
        (depth,) rank-1, rank-2 and so on, averaged over draws and judged queries.

    Raises:
        BadDistances: not one finite distance for each pair.
        BadDataset: no query has a match.
    """
    rng = np.random.default_rng(seed)
    persons = np.where(
        gallery.identities == DISTRACTOR, JUNK - 1 - np.arange(len(gallery)), gallery.identities
    )
    found: list[int] = []
    for index, row, candidates, matches in _rows(distances, query, gallery):
        if not matches.any():
            continue
        ranked = persons[candidates][np.argsort(row[candidates], kind="stable")]
        places = np.argsort(ranked, kind="stable")  # in the ranking, person by person
        people, first, counts = np.unique(ranked[places], return_index=True, return_counts=True)
        match = np.searchsorted(people, query.identities[index])
        for _ in range(draws):
            drawn = places[first + rng.integers(counts)]  # (people,)
            found.append(1 + int((drawn < drawn[match]).sum()))
    return _curve(np.array(found, dtype=np.int64), depth)


def cmc(ranking: Ranking, depth: int) -> Floats:
    """Cumulative matching characteristic: (depth,) shares of queries with a match at rank 1, 2, and so on.

    Raises:
        BadDataset: no query has a match.
    """
    return _curve(first_ranks(ranking), depth)


def first_ranks(ranking: Ranking) -> Ints:
    """(V,) rank of the first match of each judged query."""
    return np.array([ranks[0] for ranks in ranking.ranks], dtype=np.int64)


def average_precisions(ranking: Ranking, ap: AP) -> Floats:
    """Average precision of each judged query: (V,).

    "standard" takes the precision at each match, as torchreid, fast-reid and scikit-learn do. "trapezoid"
    takes the mean of the precision before and at each match, as the evaluation codes of Market-1501, MARS and
    TKP do; it is never the larger one. The two cannot be compared with each other.
    """
    return np.array([average_precision(ranks, ap) for ranks in ranking.ranks], dtype=np.float64)


def inverse_negative_penalties(ranking: Ranking) -> Floats:
    """Matches over the rank of the last one, for each judged query: (V,); their mean is the mINP.

    Ye et al., "Deep Learning for Person Re-identification: A Survey and Outlook", TPAMI 2021.
    """
    return np.array([len(ranks) / ranks[-1] for ranks in ranking.ranks], dtype=np.float64)


def verification(
    distances: Distances, query: Labels, gallery: Labels, fars: Sequence[float]
) -> tuple[Verification, ...]:
    """Verify every query against each of its candidates.

    A pair of one identity is a positive, every other one a negative; queries of no known identity take no
    part.

    Args:
        distances: (Q, G).
        query: Q labels.
        gallery: G labels.
        fars: false accept rates, 0..1, of the figures wanted.

    Raises:
        BadDistances: not one finite distance for each pair.
        BadDataset: there is no positive, or no negative.
    """
    same: list[Distances] = []
    other: list[Distances] = []
    for index, row, candidates, matches in _rows(distances, query, gallery):
        if query.identities[index] not in {DISTRACTOR, JUNK}:
            same.append(row[matches])
            other.append(row[candidates & ~matches])
    if not any(map(len, same)) or not any(map(len, other)):
        raise BadDataset("verification needs pairs of one person and pairs of two")
    positives, negatives = np.concatenate(same), np.concatenate(other)
    thresholds = _thresholds(negatives, fars)
    return tuple(
        Verification(far, float((positives < limit).mean()), limit, len(positives), len(negatives))
        for far, limit in zip(fars, thresholds, strict=True)
    )


def identification(
    distances: Distances, query: Labels, gallery: Labels, fars: Sequence[float]
) -> tuple[Identification, ...]:
    """Search every query among its candidates, of whom it may be none.

    A query with a match is a known probe, one without an unknown one; junk queries take no part. Phillips,
    Grother and Micheals, "Evaluation Methods in Face Recognition" (Handbook of Face Recognition, 2011): the
    detection and identification rate at rank 1.

    Args:
        distances: (Q, G).
        query: Q labels.
        gallery: G labels.
        fars: false alarm rates, 0..1, of the figures wanted.

    Raises:
        BadDistances: not one finite distance for each pair.
        BadDataset: there is no known probe, or no unknown one.
    """
    right: list[np.bool_] = []
    known: list[np.floating[Any]] = []
    unknown: list[np.floating[Any]] = []
    for index, row, candidates, matches in _rows(distances, query, gallery):
        if query.identities[index] == JUNK:
            continue
        reachable = np.where(candidates, row, np.inf)  # without candidates there is no alarm at any threshold
        nearest = int(np.argmin(reachable))
        (known if matches.any() else unknown).append(reachable[nearest])
        if matches.any():
            right.append(matches[nearest])
    if not known or not unknown:
        raise BadDataset("open-set identification needs people who are in the gallery and people who are not")
    thresholds = _thresholds(np.array(unknown), fars)
    return tuple(
        Identification(
            far, float((np.array(right) & (np.array(known) < limit)).mean()), limit, len(known), len(unknown)
        )
        for far, limit in zip(fars, thresholds, strict=True)
    )


def _rows(
    distances: Distances, query: Labels, gallery: Labels
) -> Iterator[tuple[int, Distances, NDArray[np.bool_], NDArray[np.bool_]]]:
    """Each query's number, its distances (G,), its candidates (G,) and, among those, its matches (G,)."""
    if distances.shape != (len(query), len(gallery)):
        raise BadDistances(f"{distances.shape} distances for {len(query)} queries and {len(gallery)} entries")
    kept = gallery.identities != JUNK
    for index, row in enumerate(distances):
        if not np.isfinite(row).all():
            raise BadDistances(f"query {index} has distances that are not finite")
        identity, camera = query.identities[index], query.cameras[index]
        same = (gallery.identities == identity) & (identity not in {DISTRACTOR, JUNK})
        candidates = kept & ~(same & (gallery.cameras == camera))
        yield index, row, candidates, same & candidates


def _curve(first: Ints, depth: int) -> Floats:
    """(depth,) share of the first matches that came at each rank or before."""
    if not len(first):
        raise BadDataset("no query has a match in the gallery")
    return np.bincount(first, minlength=depth + 1)[1 : depth + 1].cumsum() / len(first)


def average_precision(ranks: Ints, ap: AP = "standard") -> float:
    """Average precision of one query whose matches have these ranks, (M,), ascending, from 1; M >= 1.

    `average_precisions` says what the two kinds are.
    """
    hits = np.arange(1, len(ranks) + 1)
    at = hits / ranks
    if ap == "standard":
        return float(at.mean())
    # Nothing stands before rank 1: the precision there is taken as 1.
    before = np.where(ranks == 1, 1.0, (hits - 1) / np.maximum(ranks - 1, 1))
    return float((before + at).mean() / 2)


def _thresholds(impostors: Distances, fars: Sequence[float]) -> list[float]:
    """For each rate the largest distance below which at most that share of the impostors lies."""
    ordered = np.sort(impostors)
    # The small addend keeps 0.29 x 100 from being 28.
    places = [int(far * len(ordered) + 1e-9) for far in fars]
    return [float(ordered[place]) if place < len(ordered) else float("inf") for place in places]
