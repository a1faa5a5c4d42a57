"""What does approximate search of a large gallery win, and what does it miss?

    python -m benchmarks.approximate --tracklets 1000000 10000000
    python -m benchmarks.approximate --embeddings out/feedback/*.npz    # real ones, made more by noise

A gallery of segments of 262,144 tracklets, a camera each, is written straight into segment files and rows.
Its clusters are made as a worker makes them, and each probe is searched exactly and approximately in turns,
the best 100 by cosine. Times are medians in CPU and wall milliseconds of the one thread that works; run it on
a quiet machine. "Bare IVF" is FAISS asked for the same lists of the same indices, without comparing again,
merging or clips: the bound. "Recall" is the share of the exact best 100 that is found, with probes that no
clusters were measured with; "told" is what the answer says.

Random vectors have no neighbourhoods, and recall on them means nothing. Without --embeddings these are made
up: people are points of a Gaussian whose deviation falls along 512 directions as --spectrum says, a tracklet
is its person, what its camera has in common, and noise of the same shape. The number of directions that
matter (the participation ratio), and how many probes have their own person first among 10,000 others, are
printed, so that --spectrum and --noise can be set to be like a model's real features: 256 photos of CUHK01
have 38 such directions with the shipped model, these vectors 34. With --embeddings give many people, or a
gallery of few who are seen all the time is made. All of that is assumed.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert

from benchmarks.machine import machine
from benchmarks.search_latency import MODEL, Taken, microseconds, timed, video_id
from gallery import Filters, Gallery, GallerySettings, RankBy, Ranking, Snapshot
from gallery.sql.tables import Camera, GalleryState, Model, Segment, SegmentVideo, Video
from gallery.vectors.builder import SegmentBuilder, SegmentContent
from gallery.vectors.index import one_thread
from gallery.vectors.segment import segment_directory
from gallery.writing.cluster import Clustering

SEGMENT = 262_144  # tracklets: as large as compaction makes them
AT_ONCE = 8192
START = datetime(2026, 1, 1, tzinfo=UTC)
K = 100
WARM_UP = 3
MOST_PEOPLE = 200_000
FILTERS = (1.0, 0.1, 0.01, 0.001)
_FAISS: Any = faiss
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class People:
    """Where vectors come from: points, (P, D), and how tracklets differ from them, along D directions."""

    points: NDArray[np.float16]
    shape: Floats
    noise: float

    def draw(self, camera: int, seed: int, count: int) -> Floats:
        """Tracklets that a camera saw, (N, D), L2-normalised."""
        own = np.random.Generator(np.random.SFC64([1, camera]))
        common = own.standard_normal(len(self.shape), np.float32)
        random = np.random.Generator(np.random.SFC64([2, camera, seed]))
        chosen = self.points[random.integers(0, len(self.points), count)].astype(np.float32)
        return self.seen(chosen, common, random)

    def seen(self, chosen: Floats, common: Floats, random: np.random.Generator) -> Floats:
        """How people look to a camera with something in common, (N, D)."""
        varied = self.noise * random.standard_normal(chosen.shape, np.float32) * self.shape
        found: Floats = chosen + varied + 0.5 * self.noise * common * self.shape
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        return found

    def directions(self) -> float:
        """The participation ratio of the tracklets of a camera: how many directions would vary as much."""
        variances = np.linalg.eigvalsh(np.cov(self.draw(1, 0, 4096).T))
        return float(variances.sum() ** 2 / np.square(variances).sum())

    def first_among(self, others: int) -> float:
        """The share of probes whose own person, on another camera, comes first among others."""
        random = np.random.Generator(np.random.SFC64(3))
        own = self.points[random.integers(0, len(self.points), 200)].astype(np.float32)
        commons = random.standard_normal((2, len(self.shape)), np.float32)
        probes, right = (self.seen(own, common, random) for common in commons)
        wrong = self.seen(
            self.points[random.integers(0, len(self.points), others)].astype(np.float32), commons[1], random
        )
        return float(np.mean(np.sum(probes * right, axis=1) > (probes @ wrong.T).max(axis=1)))


def made_up(dimension: int, spectrum: float, noise: float) -> People:
    """People of a Gaussian whose standard deviation falls as the `spectrum`-th power of the direction."""
    random = np.random.Generator(np.random.SFC64(0))
    shape = np.arange(1, dimension + 1, dtype=np.float32) ** -spectrum
    shape /= np.linalg.norm(shape)
    points = random.standard_normal((MOST_PEOPLE, dimension), np.float32) * shape
    return People(points.astype(np.float16), shape, noise)


def of_files(files: list[Path], noise: float) -> People:
    """Embeddings that other benchmarks keep: every matrix of floats of the commonest width is taken."""
    matrices = []
    for file in files:
        with np.load(file, allow_pickle=False) as arrays:
            matrices += [arrays[name] for name in arrays.files if arrays[name].ndim == 2]
    floats = [one for one in matrices if one.dtype.kind == "f" and one.shape[1] >= 64]
    width = statistics.mode(one.shape[1] for one in floats)
    points = np.concatenate([one for one in floats if one.shape[1] == width]).astype(np.float32)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return People(points.astype(np.float16), points.std(axis=0), noise)


def main() -> int:
    """Print a table for each size."""
    wanted = _arguments()
    people = (
        of_files(wanted.embeddings, wanted.noise)
        if wanted.embeddings
        else made_up(wanted.dimension, wanted.spectrum, wanted.noise)
    )
    print(machine("python -m benchmarks.approximate", ["faiss-cpu"]), flush=True)
    print(
        f"{people.directions():.0f} directions matter; own person first among 10,000: "
        f"{people.first_among(10_000):.2f}",
        flush=True,
    )
    for tracklets in wanted.tracklets:
        with tempfile.TemporaryDirectory(dir=wanted.directory) as name:
            settings = GallerySettings(data_dir=Path(name), database_url=None)
            with Gallery.open(settings, create=True) as gallery:
                build(gallery, people, tracklets)
                report(gallery, people, tracklets, wanted)
    return 0


def build(gallery: Gallery, people: People, tracklets: int) -> None:
    """Write the segments of a gallery, a camera and a video each, and their rows."""
    dimension = len(people.shape)
    with gallery._database.write() as session:
        session.add(Model(id=MODEL, name="made", dimension=dimension, card={}, created_at=START))
        for number, count in enumerate(_counts(tracklets)):
            session.add(Camera(name=f"camera {number}", time_zone="UTC", created_at=START))
            session.flush()
            segment_id = video_id(number)
            directory = segment_directory(gallery.data_dir, segment_id)
            directory.parent.mkdir(parents=True, exist_ok=True)
            builder = SegmentBuilder(directory, MODEL, dimension)
            for first in range(0, count, AT_ONCE):
                rows = np.arange(first, min(first + AT_ONCE, count), dtype=np.int64)
                vectors = people.draw(number + 1, first, len(rows)).astype("<f2")
                starts = microseconds(START) + rows * 1_000_000
                times = np.vstack([starts, starts + 500_000])
                builder.add(vectors, times, np.ones(len(rows), np.int64), vectors)
            builder.finish([SegmentContent(video_id(number), number + 1, count)])
            session.execute(insert(Video), [_video_row(number, count)])
            session.add(
                Segment(
                    id=segment_id,
                    model_id=MODEL,
                    tracklet_count=count,
                    clip_count=count,
                    change=number + 1,
                    created_at=START,
                )
            )
            session.flush()
            row = {"video_id": video_id(number), "model_id": MODEL, "segment_id": segment_id}
            session.execute(insert(SegmentVideo), [row])
        session.get_one(GalleryState, 1).change = number + 1


def report(gallery: Gallery, people: People, tracklets: int, wanted: argparse.Namespace) -> None:
    """Make the clusters, and compare."""
    gallery._clustering = Clustering(from_tracklets=1, goal=wanted.recall)
    seconds, notes = [], []
    began = time.perf_counter()
    while (made := gallery.cluster().made) is not None:
        seconds.append(time.perf_counter() - began)
        notes.append(made[1])
        began = time.perf_counter()
    files = [*(gallery.data_dir / "clusters").rglob("*.*")]
    size = sum(file.stat().st_size for file in files) / 1e9
    first = notes[0]
    depths = [f"{one.k}: {one.probes} of {first.lists} lists, {one.recall:.4f}" for one in first.depths]
    print(
        f"\n{tracklets:,} tracklets, {len(notes)} segments, vectors "
        f"{tracklets * len(people.shape) * 2 / 1e9:.2f} GB, clusters {size:.2f} GB, made in "
        f"{statistics.median(seconds):.0f} s a segment (median); depths of the first: {'; '.join(depths)}"
    )
    print(
        "| filter | exact CPU, wall ms | approximate CPU, wall ms | bare IVF CPU ms | recall@100 | told |"
        "\n|---:|---:|---:|---:|---:|---:|"
    )
    snapshot = gallery.snapshot(MODEL)
    for share in FILTERS:
        print(_line(snapshot, people, share, wanted.repeats, min(_counts(tracklets))), flush=True)


def _line(snapshot: Snapshot, people: People, share: float, repeats: int, shortest: int) -> str:
    """Search with a filter by time that leaves a share of each segment."""
    first = shortest // 2
    length = timedelta(seconds=max(1, int(share * shortest)) - 1)  # both ends are in it
    begin = START + timedelta(seconds=first)
    filters = Filters() if share == 1 else Filters(start=begin, end=begin + length)
    exact, near, bare, recalls, told = [], [], [], [], []
    for number, probe in enumerate(_probes(people, repeats + WARM_UP)):

        def ask(query: Floats, *, compare_all: bool) -> Ranking:
            return snapshot.search(query, limit=K, filters=filters, by=RankBy.COSINE, exact=compare_all)

        right, slow = timed(lambda query: ask(query, compare_all=True), probe)
        answer, fast = timed(lambda query: ask(query, compare_all=False), probe)
        _, bound = timed(lambda query: _bare(snapshot, query), probe)
        if number < WARM_UP:
            continue
        best = {hit.tracklet_id for hit in right.hits}
        recalls.append(len(best & {hit.tracklet_id for hit in answer.hits}) / max(1, len(best)))
        told.append(answer.approximate.recall if answer.approximate else 1.0)
        exact.append(slow)
        near.append(fast)
        bare.append(bound)
    bound_ms = f"{statistics.median(one.cpu_ms for one in bare):.2f}" if share == 1 else ""
    return (
        f"| {100 * share:g} % | {_times(exact)} | {_times(near)} | {bound_ms} "
        f"| {statistics.mean(recalls):.4f} | {min(told):.4f} |"
    )


def _times(taken: list[Taken]) -> str:
    cpu, wall = ([getattr(one, name) for one in taken] for name in ("cpu_ms", "wall_ms"))
    return f"{statistics.median(cpu):.2f}, {statistics.median(wall):.2f}"


def _bare(snapshot: Snapshot, probe: Floats) -> None:
    """Ask the same indices for as many, from as many lists, and do nothing else."""
    for block in snapshot.blocks:
        clusters = block.rows.clusters
        depth = None if clusters is None else clusters._depth(K + 1, len(block.rows))
        if clusters is not None and depth is not None:
            with one_thread():
                params = _FAISS.SearchParametersIVF(nprobe=depth.probes)
                clusters._index.search(probe[None], K + 1, params=params)


def _probes(people: People, count: int) -> Iterator[Floats]:
    """People as a camera saw them that the gallery does not have."""
    yield from people.draw(10_000, 0, count)


def _counts(tracklets: int) -> list[int]:
    """How many tracklets each segment has: all alike, as large as they get."""
    segments = max(1, round(tracklets / SEGMENT))
    return [len(part) for part in np.array_split(np.arange(tracklets), segments)]


def _video_row(number: int, count: int) -> dict[str, Any]:
    return {
        "id": video_id(number),
        "content_hash": video_id(number) * 2,
        "camera_id": number + 1,
        "file_name": f"{number}.mp4",
        "path": f"/nowhere/{number}.mp4",
        "owned": False,
        "size_bytes": 0,
        "start_time": START,
        "end_time": START + timedelta(seconds=count),
        "duration_us": count * 1_000_000,
        "width": 1920,
        "height": 1080,
        "frames_decoded": 0,
        "frames_bad": 0,
        "tracklet_count": count,
        "report": {},
        "indexed_at": START,
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tracklets", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--spectrum", type=float, default=0.5, help="0: all directions alike")
    parser.add_argument("--noise", type=float, default=1.0, help="of a tracklet, beside its person")
    parser.add_argument("--embeddings", type=Path, nargs="+", help="npz files that other benchmarks keep")
    parser.add_argument("--recall", type=float, default=0.99, help="as SIGHTLINE_RECALL")
    parser.add_argument("--repeats", type=int, default=51)
    parser.add_argument("--directory", type=Path, help="where galleries are made, by default in /tmp")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
