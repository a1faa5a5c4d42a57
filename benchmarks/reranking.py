"""What does re-ranking the head of an answer by k-reciprocal neighbours gain, and what does it cost?

    python benchmarks/reranking.py simulated=DIR cuhk01-images=DIR --out out/embeddings

Each query's gallery is ranked by standard scores, as the product does; the first HEADS are re-ranked by the
stored vectors alone. Rank-1, mean average precision over the whole list, and 95 % intervals of the paired
differences over queries.
"""

import argparse
import hashlib
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from feedback import World, world  # type: ignore[import-not-found]  # beside this file
from numpy.typing import NDArray

from gallery import standard_scores
from models import names, zoo
from models.datasets import load
from models.embedder import Embedder
from models.evaluation.bootstrap import paired_bootstrap
from models.evaluation.metrics import average_precision
from models.evaluation.reranking import k_reciprocal

HEADS, NEIGHBOURS = (100, 200, 500), (6, 20)


def judged(order: NDArray[np.int64], same: NDArray[np.bool_]) -> tuple[float, float]:
    """Rank-1 and average precision of one query's list."""
    ranks = np.flatnonzero(same[order]) + 1
    return float(ranks[0] == 1), average_precision(ranks)


def compare(
    known: World, most: int, head: int, k1: int
) -> tuple[NDArray[np.float64], NDArray[np.int64], float]:
    """(Q, 2, 2): plain and re-ranked, rank-1 and average precision; (Q,) the people; seconds a query."""
    chosen = np.linspace(0, len(known.probes) - 1, min(most, len(known.probes))).astype(int)
    all_scores = standard_scores(known.probes[chosen], known.vectors, known.cameras)
    rows, people, spent = [], [], 0.0
    for query, own_scores in zip(chosen, all_scores, strict=True):
        there = np.flatnonzero(
            (known.ids != known.probe_ids[query]) | (known.cameras != known.probe_cameras[query])
        )
        same = known.ids[there] == known.probe_ids[query]
        if not same.any():
            continue
        probe, vectors = known.probes[query : query + 1], known.vectors[there]
        order = np.argsort(-own_scores[there], kind="stable")
        began = time.perf_counter()
        first = order[:head]
        distances = k_reciprocal(probe, vectors[first], k1=k1, k2=max(1, round(k1 * 0.3)))[0]
        changed = np.concatenate([first[np.argsort(distances, kind="stable")], order[head:]])
        spent += time.perf_counter() - began
        rows.append([judged(order, same), judged(changed, same)])
        people.append(known.probe_ids[query])
    return np.array(rows), np.array(people), spent / max(1, len(rows))


def gain(rows: NDArray[np.float64], people: NDArray[np.int64], figure: int) -> str:
    """The mean gain of a figure in points, and its 95 % interval."""
    found = paired_bootstrap([rows[:, 1, figure]], [rows[:, 0, figure]], [people])
    return f"{100 * found.value:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


def show(name: str, known: World, most: int, settings: Sequence[tuple[int, int]]) -> None:
    """Print a line of a table for each setting."""
    for head, k1 in settings:
        found, people, seconds = compare(known, most, head, k1)
        plain = 100 * found[:, 0].mean(axis=0)
        print(
            f"| {name} | {len(found)} | {head} | {k1} | {plain[0]:.1f} | {gain(found, people, 0)} "
            f"| {plain[1]:.1f} | {gain(found, people, 1)} | {1000 * seconds:.0f} |",
            flush=True,
        )


def main() -> None:
    """Embed, rank, re-rank, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sets", nargs="+", metavar="KIND=DIR")
    parser.add_argument("--model", default=names.DEFAULT)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--out", type=Path, default=Path("out/embeddings"), help="keeps embeddings")
    args = parser.parse_args()
    embedder = Embedder(zoo.load(args.model), device="auto")
    print("| set | queries | head | k1 | rank-1 | gained | mAP | gained | ms a query |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|--:|")
    for named in args.sets:
        kind, folder = named.split("=", 1)
        for number, split in enumerate(load(kind, Path(folder)).splits[:1]):
            key = hashlib.sha256(f"{embedder.id} {Path(folder).resolve()} {kind} {number}".encode())
            known = world(split, embedder, args.out / f"{key.hexdigest()[:16]}.npz")
            show(named, known, args.queries, [(head, k1) for head in HEADS for k1 in NEIGHBOURS])


if __name__ == "__main__":
    main()
