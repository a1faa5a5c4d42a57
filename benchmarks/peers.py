"""How fast is a search in the gallery beside other indexes of vectors, with filters before ranking?

    python3 -m venv /tmp/peers
    echo $PWD/.venv/lib/python3.11/site-packages > /tmp/peers/lib/python3.11/site-packages/ours.pth
    /tmp/peers/bin/pip install sqlite-vec apsw lancedb hnswlib
    PYTHONPATH=. /tmp/peers/bin/python -m benchmarks.peers --vectors 10000 100000 1000000

The peers are no dependencies: what is not installed is said and left out. They go into an environment of
their own, which sees that of the project.

Made-up vectors lie in groups, as of people who were seen 25 times each (vectors without any groups would be
unfair to graphs). Every index gets the same ones, and a number with each that follows the order, as times do.
Filters are ranges of it, and must come before ranking: an answer has to have 50 hits, or all there are.
The same queries are asked of all in turns, in an order drawn for each, pinned to one core with one thread
each; medians by the clock on the wall, and means of CPU time, in which a server's process is counted. Beside
an index that is not exact stands its recall of the 50. One that errs, returns fewer hits than there are, or
should be exact and is not, is marked as invalid with the reason. What would take longer to build than
`--build-seconds`, judged by the smaller number of vectors before, is not built, and that is said.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import machine
from benchmarks.peer_indexes import PEERS, Matrix, NotHad, Peer, Query, Span

PACKAGES = ("faiss-cpu", "numpy", "sqlite-vec", "lancedb", "hnswlib", "milvus-lite", "psycopg")
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "LANCE_CPU_THREADS"), "1"
)
SEEN = 25  # vectors of a group
NEAR = 2e-5  # scores that rounding may exchange
LEAST, WARM_UP = 3, 1  # queries


@dataclass
class Cell:
    """What one index said with one filter.

    Attributes:
        wall_ms: of each query.
        cpu_ms: of each query.
        recall: of each query.
        wrong: why it is invalid.
        failed: it raised, and is asked no more.
    """

    wall_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    recall: list[float] = field(default_factory=list)
    wrong: str = ""
    failed: bool = False


def main() -> None:
    asked = _arguments()
    if os.environ.get("OMP_NUM_THREADS") != "1":  # libraries read it when they are loaded
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        environment = {**os.environ, **ONE_THREAD, "LANCE_LOG": "error"}
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks.peers", *sys.argv[1:]], environment)
    faiss.omp_set_num_threads(1)
    print(machine("python -m benchmarks.peers", PACKAGES), flush=True)
    rates: dict[str, tuple[int, float]] = {}
    for count in asked.vectors:
        with tempfile.TemporaryDirectory(dir=asked.directory) as name:
            measure(made_up(count, asked.dimension), Path(name), asked, rates)


def made_up(count: int, dimension: int) -> Matrix:
    """Normalised vectors in groups, (count, dimension); a group's are spread over all places."""
    generator = np.random.default_rng(0)
    groups = generator.standard_normal((max(1, count // SEEN), dimension), np.float32)
    made = np.empty((count, dimension), np.float16)
    for start in range(0, count, 10_000):
        some = groups[generator.integers(0, len(groups), min(10_000, count - start))]
        some += 0.8 * generator.standard_normal(some.shape, np.float32)
        made[start : start + 10_000] = some / np.linalg.norm(some, axis=1, keepdims=True)
    return made


def measure(
    vectors: Matrix, folder: Path, asked: argparse.Namespace, rates: dict[str, tuple[int, float]]
) -> None:
    """Build all indexes of these vectors, and search them with each filter."""
    peers = _built(vectors, folder, asked, rates)
    try:
        print(f"\n| vectors | filter | index | wall ms | CPU ms | CPU, to ours | recall@{asked.limit} | |")
        print("|---:|---|---|---:|---:|---:|---:|---|")
        for name, span in spans(len(vectors)).items():
            queries = _queries(vectors, asked.repeats + WARM_UP)
            cells = compare(peers, queries, vectors, span, asked)
            _print_cells(len(vectors), name, cells)
    finally:
        for peer in peers:
            peer.close()


def _built(
    vectors: Matrix, folder: Path, asked: argparse.Namespace, rates: dict[str, tuple[int, float]]
) -> list[Peer]:
    print("\n| vectors | index | built in, s | on disk, MB | |\n|---:|---|---:|---:|---|")
    peers: list[Peer] = []
    for number, kind in enumerate(PEERS):
        if asked.only and not any(word in kind.name.lower() for word in asked.only):
            continue
        said = f"| {len(vectors):,} | {kind.name} |"
        before, took = rates.get(kind.name, (len(vectors), 0.0))
        if (expected := took * len(vectors) / before) > asked.build_seconds:
            print(f"{said} | | not measured: it would take some {expected:.0f} s to build |", flush=True)
            continue
        place = folder / str(number)
        place.mkdir()
        try:
            peer = kind(place)
        except NotHad as error:
            print(f"{said} | | {error} |", flush=True)
            continue
        began = time.perf_counter()
        try:
            peer.build(vectors)
        except Exception as error:  # noqa: BLE001  (a peer's own; it is told)
            print(f"{said} | | invalid: {_line(error)} |", flush=True)
            peer.close()
            continue
        took = time.perf_counter() - began
        rates[kind.name] = len(vectors), took
        print(f"{said} {took:.1f} | {peer.bytes_on_disk() / 1e6:,.0f} | |", flush=True)
        peers.append(peer)
    return peers


def spans(count: int) -> Mapping[str, Span | None]:
    """Filters: places from the middle on."""
    first = count // 2
    shares = {"10 %": 10, "1 %": 100, ".1 %": 1000}
    return {"none": None, **{name: (first, first + count // of) for name, of in shares.items()}}


def _queries(vectors: Matrix, count: int) -> list[Query]:
    """Vectors near some of the gallery, as those of a probe are."""
    generator = np.random.default_rng(1)
    chosen = vectors[generator.integers(0, len(vectors), count)].astype(np.float32)
    chosen += 0.03 * generator.standard_normal(chosen.shape, np.float32)
    return list(chosen / np.linalg.norm(chosen, axis=1, keepdims=True))


def compare(
    peers: Sequence[Peer],
    queries: Sequence[Query],
    vectors: Matrix,
    span: Span | None,
    asked: argparse.Namespace,
) -> dict[str, Cell]:
    """Ask all the same queries in turns."""
    cells: dict[str, Cell] = defaultdict(Cell)
    generator = np.random.default_rng(2)
    for number, query in enumerate(queries):
        scores = _scores(vectors, query, span)
        for peer in (peers[turn] for turn in generator.permutation(len(peers))):
            cell = cells[peer.name]
            enough = len(cell.wall_ms) >= LEAST and sum(cell.wall_ms) / 1000 > asked.cell_seconds
            if not (cell.failed or enough):
                _ask(peer, query, scores, asked.limit, span, cell, warm=number < WARM_UP)
    return {peer.name: cells[peer.name] for peer in peers}


def _ask(  # noqa: PLR0917  (a question, and where the answer goes)
    peer: Peer,
    query: Query,
    scores: NDArray[np.float32],
    limit: int,
    span: Span | None,
    cell: Cell,
    *,
    warm: bool,
) -> None:
    others = peer.processes()
    wall, cpu = time.perf_counter(), time.process_time() + _cpu_of(others)
    try:
        found = peer.search(query, limit, span)
    except Exception as error:  # noqa: BLE001  (a peer's own; it is told)
        cell.wrong, cell.failed = _line(error), True
        return
    cpu, wall = time.process_time() + _cpu_of(others) - cpu, time.perf_counter() - wall
    first = 0 if span is None else span[0]
    wanted = min(limit, len(scores))
    least = np.partition(scores, -wanted)[-wanted] - NEAR
    rows = np.array(found, np.int64) - first
    inside = rows[(rows >= 0) & (rows < len(scores))]
    recall = float(np.count_nonzero(scores[np.unique(inside)] >= least)) / wanted
    if len(inside) != len(rows):
        cell.wrong = "hits that the filter leaves out"
    elif len(rows) < wanted:
        cell.wrong = f"{len(rows)} hits of {wanted} for a query"
    elif peer.exact and recall < 1:
        cell.wrong = "not exact"
    cell.recall.append(recall)
    if not warm:
        cell.wall_ms.append(1000 * wall)
        cell.cpu_ms.append(1000 * cpu)


def _scores(vectors: Matrix, query: Query, span: Span | None) -> NDArray[np.float32]:
    """The inner products of all that the filter leaves, by brute force."""
    some = vectors if span is None else vectors[slice(*span)]
    steps = range(0, len(some), 50_000)
    return np.concatenate([some[step : step + 50_000].astype(np.float32) @ query for step in steps])


def _cpu_of(processes: Sequence[int]) -> float:
    """CPU seconds of processes with one thread, to the nanosecond."""
    return sum(int(Path(f"/proc/{one}/schedstat").read_text().split()[0]) for one in processes) / 1e9


def _print_cells(count: int, name: str, cells: Mapping[str, Cell]) -> None:
    ours = next(iter(cells.values()))
    for index, cell in cells.items():
        wall = cpu = ratio = recall = ""
        if cell.wall_ms:
            wall, mean = f"{statistics.median(cell.wall_ms):.2f}", statistics.fmean(cell.cpu_ms)
            cpu = f"{mean:.2f}"
            ratio = f"{mean / statistics.fmean(ours.cpu_ms):.2f}" if ours.cpu_ms else ""
        if cell.recall:
            recall = f"{statistics.fmean(cell.recall):.3f}"
        few = f"{len(cell.wall_ms)} queries" if 0 < len(cell.wall_ms) < len(ours.wall_ms) else ""
        note = f"invalid: {cell.wrong}" if cell.wrong else few
        print(f"| {count:,} | {name} | {index} | {wall} | {cpu} | {ratio} | {recall} | {note} |", flush=True)


def _line(error: Exception) -> str:
    words = " ".join(str(error).split()).replace("|", "/")
    return f"{type(error).__name__}: {words}"[:120]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--vectors", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--limit", type=int, default=50, help="hits")
    parser.add_argument("--repeats", type=int, default=21, help="queries with each filter")
    parser.add_argument("--build-seconds", type=float, default=120.0, help="that building may take")
    parser.add_argument(
        "--cell-seconds", type=float, default=10.0, help="after which slow ones are asked no more"
    )
    parser.add_argument(
        "--only", nargs="+", help="words of the names of the indexes to compare, such as faiss"
    )
    parser.add_argument("--directory", type=Path, help="for the files; a temporary one by default")
    return parser.parse_args()


if __name__ == "__main__":
    main()
