"""Rankings to judge: small ones written down, random ones, and a slow judge that is easy to believe."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from models.evaluation.metrics import Distances, Floats, Ints, Labels


@dataclass(frozen=True, slots=True)
class Problem:
    """Distances (Q, G) and who is who."""

    distances: Distances
    query: Labels
    gallery: Labels


def labels(*entries: tuple[int, int]) -> Labels:
    """From (identity, camera) of each."""
    identities, cameras = np.array(entries, dtype=np.int64).reshape(-1, 2).T
    return Labels(identities, cameras)


def listed(*entries: tuple[int, int], query: tuple[int, int] = (1, 1)) -> Problem:
    """One query and its gallery, best first."""
    return Problem(np.arange(len(entries), dtype=np.float64)[None], labels(query), labels(*entries))


def random_problem(
    rng: np.random.Generator, queries: int, entries: int, people: int, *, lowest: int = 1, cameras: int = 4
) -> Problem:
    """Tie-free random distances; the identities of entries begin at `lowest` (JUNK, DISTRACTOR or 1)."""
    distances = rng.permutation(queries * entries).reshape(queries, entries) / (queries * entries)
    query = Labels(rng.integers(1, people + 1, queries), rng.integers(1, cameras + 1, queries))
    gallery = Labels(rng.integers(lowest, people + 1, entries), rng.integers(1, cameras + 1, entries))
    return Problem(distances, query, gallery)


@st.composite
def problems(draw: st.DrawFn, *, lowest: int = -1, ties: bool = False) -> Problem:
    """Small problems with everything in them; at least one query has a match."""
    queries, entries = draw(st.integers(1, 5)), draw(st.integers(2, 9))
    label = st.tuples(st.integers(lowest, 3), st.integers(1, 2))
    asked = [(1, 1), *draw(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 2)), min_size=queries))]
    there = [(1, 2), *draw(st.lists(label, min_size=entries, max_size=entries))]
    size = len(asked) * len(there)
    values = (
        st.lists(st.integers(0, 5), min_size=size, max_size=size) if ties else st.permutations(range(size))
    )
    distances = np.array(draw(values), dtype=np.float64).reshape(len(asked), len(there))
    return Problem(distances, labels(*asked), labels(*there))


def permuted(problem: Problem, order: Ints) -> Problem:
    """The gallery in another order."""
    gallery = Labels(problem.gallery.identities[order], problem.gallery.cameras[order])
    return Problem(problem.distances[:, order], problem.query, gallery)


def extended(problem: Problem, identity: int, distances: Distances) -> Problem:
    """With one more gallery entry, on a camera of its own."""
    gallery = Labels(np.append(problem.gallery.identities, identity), np.append(problem.gallery.cameras, 9))
    return Problem(np.hstack([problem.distances, distances[:, None]]), problem.query, gallery)


def slow_judge(problem: Problem, depth: int) -> tuple[Floats, float, float, float, int] | None:
    """CMC, standard and trapezoid mAP, mINP and skipped queries, entry by entry; None if all are skipped."""
    curves, standard, trapezoid, penalties, skipped = [], [], [], [], 0
    for q, row in enumerate(problem.distances):
        person, camera = problem.query.identities[q], problem.query.cameras[q]
        hits = []
        for g in sorted(range(len(row)), key=lambda g: (row[g], g)):
            identity = problem.gallery.identities[g]
            if identity != -1 and not (identity == person and problem.gallery.cameras[g] == camera):
                hits.append(identity == person)
        if True not in hits:
            skipped += 1
            continue
        curves.append([True in hits[: k + 1] for k in range(depth)])
        precisions, areas, before = [], [], 1.0
        for k, hit in enumerate(hits):
            now = sum(hits[: k + 1]) / (k + 1)
            if hit:
                precisions.append(now)
                areas.append((before + now) / 2)
            before = now
        standard.append(sum(precisions) / len(precisions))
        trapezoid.append(sum(areas) / len(areas))
        last = max(k for k, hit in enumerate(hits) if hit)
        penalties.append(sum(hits) / (last + 1))
    if not curves:
        return None
    means = [float(np.mean(values)) for values in (standard, trapezoid, penalties)]
    return np.mean(curves, axis=0), means[0], means[1], means[2], skipped
