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
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gallery import standard_scores
from models import names, zoo
from models.datasets import load
from models.datasets.records import DISTRACTOR, JUNK, Split
from models.embedder import Embedder
from models.evaluation.protocols import TrackletFeatures
from models.evaluation.reranking import k_reciprocal

HEADS, NEIGHBOURS = (100, 200, 500), (6, 20)
RESAMPLED = 2000

Floats = NDArray[np.float32]
World = dict[str, NDArray[Any]]


def embedded(split: Split, embedder: Embedder, cache: Path) -> World:
    """Probes by the image network, the gallery by the video network; embedded once."""
    if not cache.exists():
        features = TrackletFeatures(embedder)
        query = [one for one in split.query if one.identity not in {DISTRACTOR, JUNK}]
        gallery = [one for one in split.gallery if one.identity != JUNK]
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.savez(
            cache,
            probes=features.of(query, video=False),
            probe_ids=[one.identity for one in query],
            probe_cameras=[one.camera for one in query],
            vectors=features.of(gallery, video=True),
            ids=[one.identity for one in gallery],
            cameras=[one.camera for one in gallery],
        )
    return dict(np.load(cache))


def judged(order: NDArray[np.int64], same: NDArray[np.bool_]) -> tuple[float, float]:
    """Rank-1 and average precision of one query's list."""
    places = np.flatnonzero(same[order])
    return float(places[0] == 0), float(np.mean(np.arange(1, len(places) + 1) / (places + 1)))


def compare(world: World, most: int, head: int, k1: int) -> tuple[NDArray[np.float64], float]:
    """(Q, 2, 2): plain and re-ranked, rank-1 and average precision; seconds a query for re-ranking."""
    chosen = np.linspace(0, len(world["probes"]) - 1, min(most, len(world["probes"]))).astype(int)
    all_scores = standard_scores(world["probes"][chosen], world["vectors"], world["cameras"])
    rows, spent = [], 0.0
    for query, own_scores in zip(chosen, all_scores, strict=True):
        there = np.flatnonzero(
            (world["ids"] != world["probe_ids"][query]) | (world["cameras"] != world["probe_cameras"][query])
        )
        same = world["ids"][there] == world["probe_ids"][query]
        if not same.any():
            continue
        probe, vectors = world["probes"][query : query + 1], world["vectors"][there]
        order = np.argsort(-own_scores[there], kind="stable")
        began = time.perf_counter()
        first = order[:head]
        distances = k_reciprocal(probe, vectors[first], k1=k1, k2=max(1, round(k1 * 0.3)))[0]
        changed = np.concatenate([first[np.argsort(distances, kind="stable")], order[head:]])
        spent += time.perf_counter() - began
        rows.append([judged(order, same), judged(changed, same)])
    return np.array(rows), spent / max(1, len(rows))


def interval(differences: NDArray[np.float64]) -> str:
    """The mean of paired differences in points, and its 95 % interval."""
    random = np.random.default_rng(1)
    means = differences[random.integers(len(differences), size=(RESAMPLED, len(differences)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{100 * differences.mean():+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def show(name: str, world: World, most: int, settings: Sequence[tuple[int, int]]) -> None:
    """Print a line of a table for each setting."""
    for head, k1 in settings:
        found, seconds = compare(world, most, head, k1)
        plain = 100 * found[:, 0].mean(axis=0)
        gained = found[:, 1] - found[:, 0]
        print(
            f"| {name} | {len(found)} | {head} | {k1} | {plain[0]:.1f} | {interval(gained[:, 0])} "
            f"| {plain[1]:.1f} | {interval(gained[:, 1])} | {1000 * seconds:.0f} |",
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
            world = embedded(split, embedder, args.out / f"{key.hexdigest()[:16]}.npz")
            show(named, world, args.queries, [(head, k1) for head in HEADS for k1 in NEIGHBOURS])


if __name__ == "__main__":
    main()
