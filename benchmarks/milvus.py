"""What does a search cost whose vectors lie in Milvus, beside the same gallery with its vectors in files?

    python -m benchmarks.milvus [--tracklets 4000] [--segments 4] [--uri http://HOST:19530]

A gallery of random embeddings of 20 cameras is written, and copied; the vectors of the copy are moved into
Milvus as `sightline migrate-vectors milvus` does, each compared. Both are asked the same queries in turns, by
standard scores, unfiltered, of one camera, and of a tenth, a hundredth and a thousandth of the time. Then the
vectors are moved back. Without `--uri` Milvus is milvus-lite, which is written in Python and for trials:
what a server takes only `--uri` can say. Queries of more than `--cell-seconds` in all are asked no more.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import folder_bytes, machine, version_of
from benchmarks.search_latency import (
    CAMERAS,
    CLIPS,
    MODEL,
    PER_VIDEO,
    SPACING_US,
    START,
    Place,
    World,
    build,
    queries,
)
from gallery import Filters, Gallery, GallerySettings, Ranking, Snapshot
from gallery.vectors import milvus
from gallery.vectors.milvus import Milvus

LIMIT = 50
LEAST = 3  # queries with each filter
LITE_SECONDS = 300.0  # that a request to milvus-lite may take: a slow one is no server that is away


@dataclass
class Asked:
    """What both said with one filter: seconds of each query, files first, and where answers differ."""

    files: list[float] = field(default_factory=list)
    remote: list[float] = field(default_factory=list)
    same: int = 0
    hits: int = 0
    apart: float = 0.0


def main() -> None:
    asked = _arguments()
    print(machine("python -m benchmarks.milvus", ("pymilvus", "milvus-lite", "faiss-cpu")), flush=True)
    with tempfile.TemporaryDirectory(dir=asked.directory) as name, ExitStack() as stack:
        folder = Path(name)
        uri = asked.uri or str(folder / "milvus.db")
        if asked.uri is None:
            vars(milvus).update(_SECONDS=LITE_SECONDS, _INSERT_SECONDS=LITE_SECONDS)
        print(f"Milvus: {_version(uri)}", flush=True)
        world = World(asked.tracklets, asked.dimension)
        with opened(folder / "files", uri) as files:
            build(files, Place(world, asked.segments))
        shutil.copytree(folder / "files", folder / "moved")
        files = stack.enter_context(opened(folder / "files", uri))
        moved = stack.enter_context(opened(folder / "moved", uri))
        move(moved, world, into_milvus=True)
        if asked.uri is None:
            held = sum(folder_bytes(one) if one.is_dir() else one.stat().st_size for one in _lite(folder))
            print(f"on disk: {held / 1e6:.0f} MB in milvus-lite, ", end="")
            print(f"{folder_bytes(folder / 'files' / 'segments') / 1e6:.0f} MB of segments in files")
        compare(files.snapshot(MODEL), moved.snapshot(MODEL), world, asked)
        move(moved, world, into_milvus=False)


def opened(data_dir: Path, uri: str) -> Gallery:
    """A gallery whose new vectors go into files, and which knows a Milvus."""
    settings = GallerySettings(data_dir=data_dir, database_url=None, milvus_uri=uri)
    return Gallery.open(settings, create=True)


def move(gallery: Gallery, world: World, *, into_milvus: bool) -> None:
    """Move all vectors, and tell how long that took."""
    began = time.perf_counter()
    report = gallery.migrate_vectors(into_milvus)
    took = time.perf_counter() - began
    assert not report.damaged
    assert report.vectors == world.videos * PER_VIDEO * (1 + CLIPS)
    where = "into Milvus" if into_milvus else "back into files"
    print(
        f"\nmoved {where}: {report.vectors:,} vectors of {world.dimension} numbers in {report.segments} "
        f"segments, each compared: {took:.1f} s, {report.vectors / took:,.0f} a second",
        flush=True,
    )


def compare(files: Snapshot, moved: Snapshot, world: World, asked: argparse.Namespace) -> None:
    """Ask both in turns with each filter."""
    query = next(queries(world, 1))
    firsts = [_timed(one, query, Filters())[1] for one in (files, moved)]
    first, remote = (f"{1000 * seconds:,.0f} ms" for seconds in firsts)
    print(f"\nThe first search of all, which looks at what cameras see: {first} files, {remote} Milvus.")
    print(
        "\n| filter | queries | files, p50 ms | Milvus, p50 ms | ratio | same hits in the same order "
        "| largest difference of a score |"
    )
    print("|---|---:|---:|---:|---:|---:|---:|", flush=True)
    for name, filters in filters_of(world).items():
        print(
            _line(name, _ask(files, moved, list(queries(world, asked.repeats)), filters, asked)), flush=True
        )


def _ask(
    files: Snapshot,
    moved: Snapshot,
    wanted: Sequence[NDArray[np.float32]],
    filters: Filters,
    asked: argparse.Namespace,
) -> Asked:
    result = Asked()
    for number, query in enumerate(wanted):
        if number >= LEAST and sum(result.remote) > asked.cell_seconds:
            break
        answers, taken = {}, {}
        for one in (files, moved) if number % 2 else (moved, files):
            answers[one], taken[one] = _timed(one, query, filters)
        result.files.append(taken[files])
        result.remote.append(taken[moved])
        _agree(answers[files], answers[moved], result)
    return result


def _agree(one: Ranking, other: Ranking, result: Asked) -> None:
    ids = [hit.tracklet_id for hit in one.hits]
    scores = {hit.tracklet_id: hit.score for hit in other.hits}
    result.same += ids == list(scores)
    result.hits = len(ids)
    apart = [abs(hit.score - scores[hit.tracklet_id]) for hit in one.hits if hit.tracklet_id in scores]
    result.apart = max([result.apart, *apart])


def _line(name: str, found: Asked) -> str:
    files, remote = (1000 * statistics.median(seconds) for seconds in (found.files, found.remote))
    count = len(found.files)
    return (
        f"| {name} | {count} | {files:.1f} | {remote:,.0f} | {remote / files:,.0f} "
        f"| {found.same} of {count} ({found.hits} hits) | {found.apart:.1e} |"
    )


def _timed(snapshot: Snapshot, query: NDArray[np.float32], filters: Filters) -> tuple[Ranking, float]:
    began = time.perf_counter()
    answer = snapshot.search(query, limit=LIMIT, filters=filters)
    return answer, time.perf_counter() - began


def filters_of(world: World) -> Mapping[str, Filters]:
    """Nothing filtered; a camera; stretches of time from the middle on."""
    first = world.tracklets // 2
    found = {"none": Filters(), f"camera {100 // CAMERAS} %": Filters(camera_ids=frozenset({7}))}
    for name, of in {"time 10 %": 10, "time 1 %": 100, "time .1 %": 1000}.items():
        start = START + timedelta(microseconds=first * SPACING_US)
        end = START + timedelta(microseconds=(first + max(1, world.tracklets // of)) * SPACING_US - 1)
        found[name] = Filters(start=start, end=end)
    return found


def _version(uri: str) -> str:
    if uri.endswith(".db"):
        return f"milvus-lite {version_of('milvus-lite')}, in this process"
    connection = Milvus(uri)
    try:
        return f"{uri}, {connection.version()}"
    finally:
        connection.close()


def _lite(folder: Path) -> Sequence[Path]:
    return list(folder.glob("milvus.db*"))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tracklets", type=int, default=4000)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--segments", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=11, help="queries with each filter")
    parser.add_argument("--cell-seconds", type=float, default=20.0)
    parser.add_argument("--uri", help="of a Milvus server; milvus-lite by default")
    parser.add_argument("--directory", type=Path, help="for the galleries; a temporary one by default")
    return parser.parse_args()


if __name__ == "__main__":
    main()
