"""How long does a search in the gallery take, compared with bare FAISS on the same vectors?

    python -m benchmarks.search_latency --tracklets 10000 100000 1000000 --dimensions 512 1280

Galleries of random embeddings are written straight into segment files and rows, without video. Bare FAISS is
one fp16 scalar-quantiser index over the same vectors in the same order, mapped, with the selector of the
filter made beforehand: all that can be left out is left out. Each query is asked of both, in turns. Times are
CPU milliseconds of the one thread that works, so that other programs disturb little; the ratio is the median
of the queries' own ratios, and the wall ratio the same by the clock on the wall. Both answers must be the
same, or it stops. FAISS may use one thread: it shares out queries among threads and there is one, so more
only cost time (`--threads` shows how much).
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert

from benchmarks.machine import machine
from gallery import Filters, Gallery, GallerySettings, RankBy, Ranking, Snapshot
from gallery.sql.database import Database
from gallery.sql.tables import Camera, GalleryState, Model, Segment, SegmentVideo, Video
from gallery.vectors.builder import SegmentBuilder, SegmentContent
from gallery.vectors.segment import TRACKLETS, segment_directory

MODEL = "0" * 64
CAMERAS = 20  # one of them is 5 %
PER_VIDEO = 50  # tracklets
CLIPS = 2  # of a tracklet
LIMIT = 50  # hits
WARM_UP = 3  # queries
START = datetime(2026, 1, 1, tzinfo=UTC)
SPACING_US = 1_000_000  # between the starts of two tracklets: time follows the rows
_FAISS: Any = faiss  # its type stubs know the C++ constructors, not what the Python wrapper makes of them


@dataclass(frozen=True)
class World:
    """What is in a gallery: the vectors follow from the seed, everything else from the row."""

    tracklets: int
    dimension: int
    model: str = MODEL

    def vectors(self, first_video: int, videos: int) -> NDArray[np.float16]:
        """The normalised vectors of some videos, (videos * PER_VIDEO, dimension)."""
        parts = []
        for video in range(first_video, first_video + videos):
            generator = np.random.Generator(np.random.SFC64(video))
            raw = generator.standard_normal((PER_VIDEO, self.dimension), np.float32)
            parts.append((raw / np.linalg.norm(raw, axis=1, keepdims=True)).astype("<f2"))
        return np.concatenate(parts)

    @property
    def videos(self) -> int:
        """How many videos hold the tracklets."""
        return self.tracklets // PER_VIDEO


@dataclass(frozen=True)
class Filtered:
    """A filter for the gallery, and the rows it keeps for bare FAISS."""

    name: str
    filters: Filters
    rows: NDArray[np.bool_] | None


@dataclass(frozen=True)
class Place:
    """A gallery that is measured."""

    world: World
    segments: int


@dataclass(frozen=True)
class Taken:
    """What one search took: the thread's own time, and the time that passed."""

    cpu_ms: float
    wall_ms: float


@dataclass(frozen=True)
class Row:
    """One line of the table: medians over the queries."""

    place: Place
    filtered: str
    gallery_ms: float
    faiss_ms: float
    difference_ms: float
    ratio: float
    wall_ratio: float


def main() -> int:
    arguments = _arguments()
    faiss.omp_set_num_threads(arguments.threads)
    print(machine("python -m benchmarks.search_latency", ["faiss-cpu"]), flush=True)
    print(HEADER, flush=True)
    worst = 0.0
    for dimension in arguments.dimensions:
        for tracklets in arguments.tracklets:
            world = World(tracklets, dimension)
            if (reason := _too_large(world)) is not None:
                print(f"not measured: {tracklets} tracklets of {dimension} dimensions: {reason}", flush=True)
                continue
            for segments in arguments.segments:
                for row in measure(Place(world, segments), arguments.repeats, arguments.directory):
                    worst = max(worst, row.ratio)
                    print(_line(row), flush=True)
    print(f"worst ratio: {worst:.2f}")
    return 0


def measure(place: Place, repeats: int, directory: Path | None) -> Iterator[Row]:
    """Build a gallery, search it with each filter, remove it."""
    with tempfile.TemporaryDirectory(dir=directory) as name:
        settings = GallerySettings(data_dir=Path(name), database_url=None)
        with Gallery.open(settings, create=True) as gallery:
            files = build(gallery, place)
            bare = _bare_index(files, Path(name))
            snapshot = gallery.snapshot(MODEL)
            for filtered in _filters(place.world):
                yield _compare(place, snapshot, bare, filtered, repeats)


def build(gallery: Gallery, place: Place) -> list[Path]:
    """Write segments and rows; returns the index files in the order of the rows."""
    world = place.world
    add_frame(gallery._database, world)
    shares = np.array_split(np.arange(world.videos), place.segments)
    files = []
    for number, share in enumerate(shares):
        segment_id = f"{number:032x}"
        directory = segment_directory(gallery.data_dir, segment_id)
        write_segment(directory, world, share.tolist())
        add_segment(gallery._database, world, segment_id, number, share.tolist())
        files.append(directory / TRACKLETS)
    return files


def write_segment(directory: Path, world: World, videos: Sequence[int]) -> None:
    """Write the vectors of some videos as a segment, without its rows."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    builder = SegmentBuilder(directory, world.model, world.dimension)
    for video in videos:
        vectors = world.vectors(video, 1)
        rows = np.arange(video * PER_VIDEO, (video + 1) * PER_VIDEO, dtype=np.int64)
        starts = microseconds(START) + rows * SPACING_US
        times = np.vstack([starts, starts + SPACING_US // 2])
        builder.add(vectors, times, np.full(len(vectors), CLIPS), np.repeat(vectors, CLIPS, axis=0))
    builder.finish([SegmentContent(video_id(video), 1 + video % CAMERAS, PER_VIDEO) for video in videos])


def add_frame(database: Database, world: World) -> None:
    """Add the rows of the model and of the cameras."""
    with database.write() as session:
        session.add(
            Model(id=world.model, name="random", dimension=world.dimension, card={}, created_at=START)
        )
        for number in range(1, CAMERAS + 1):
            camera = Camera(name=f"camera {number}", time_zone="UTC", created_at=START)
            session.add(camera)
            session.flush()
            assert camera.id == number  # as the database numbers them, or its next would take one twice


def add_segment(
    database: Database, world: World, segment_id: str, number: int, videos: Sequence[int]
) -> None:
    """Add the rows of a segment and its videos, without those of tracklets, as change `number` + 1."""
    count = len(videos)
    with database.write() as session:
        session.execute(insert(Video), [_video_row(video) for video in videos])
        session.add(
            Segment(
                id=segment_id,
                model_id=world.model,
                tracklet_count=count * PER_VIDEO,
                clip_count=count * PER_VIDEO * CLIPS,
                change=number + 1,
                created_at=START,
            )
        )
        session.flush()
        session.execute(
            insert(SegmentVideo),
            [{"video_id": video_id(v), "model_id": world.model, "segment_id": segment_id} for v in videos],
        )
        session.get_one(GalleryState, 1).change = number + 1


def _video_row(video: int) -> dict[str, Any]:
    start = START + timedelta(microseconds=video * PER_VIDEO * SPACING_US)
    duration = PER_VIDEO * SPACING_US
    return {
        "id": video_id(video),
        "content_hash": video_id(video) * 2,
        "camera_id": 1 + video % CAMERAS,
        "file_name": f"{video}.mp4",
        "path": f"/nowhere/{video}.mp4",
        "owned": False,
        "size_bytes": 0,
        "start_time": start,
        "end_time": start + timedelta(microseconds=duration),
        "duration_us": duration,
        "width": 1920,
        "height": 1080,
        "frames_decoded": 0,
        "frames_bad": 0,
        "tracklet_count": PER_VIDEO,
        "report": {},
        "indexed_at": START,
    }


def _filters(world: World) -> list[Filtered]:
    """Nothing filtered; one of twenty cameras; one hundredth of the time, from the middle."""
    rows = np.arange(world.tracklets)
    first = world.tracklets // 2
    count = world.tracklets // 100
    start = START + timedelta(microseconds=first * SPACING_US)
    end = START + timedelta(microseconds=(first + count) * SPACING_US)
    return [
        Filtered("none", Filters(), None),
        Filtered("camera 5 %", Filters(camera_ids=frozenset({7})), rows // PER_VIDEO % CAMERAS == 6),
        Filtered("time 1 %", Filters(start=start, end=end), (rows >= first) & (rows < first + count)),
    ]


def _bare_index(files: Sequence[Path], place: Path) -> Any:
    """One index with the vectors of all segments, mapped: that was faster than to read it into memory."""
    if len(files) == 1:
        return _FAISS.read_index(str(files[0]), faiss.IO_FLAG_MMAP_IFC)
    index = _FAISS.read_index(str(files[0]))
    for file in files[1:]:
        index.merge_from(_FAISS.read_index(str(file)), 0)
    merged = place / "bare.faiss"
    _FAISS.write_index(index, str(merged))
    return _FAISS.read_index(str(merged), faiss.IO_FLAG_MMAP_IFC)


def _compare(place: Place, snapshot: Snapshot, bare: Any, filtered: Filtered, repeats: int) -> Row:
    """Ask both the same queries in turns; the first few only warm up."""
    parameters = None
    if filtered.rows is not None:
        selector = _FAISS.IDSelectorBitmap(np.packbits(filtered.rows, bitorder="little"))
        parameters = _FAISS.SearchParameters(sel=selector)

    def ask_gallery(query: NDArray[np.float32]) -> Ranking:
        return snapshot.search(query, limit=LIMIT, filters=filtered.filters, by=RankBy.COSINE)

    def ask_faiss(query: NDArray[np.float32]) -> Any:
        return bare.search(query[None], LIMIT, params=parameters)

    taken = []
    for number, query in enumerate(queries(place.world, repeats + WARM_UP)):
        if number % 2:
            expected, bare_time = timed(ask_faiss, query)
            answer, own_time = timed(ask_gallery, query)
        else:
            answer, own_time = timed(ask_gallery, query)
            expected, bare_time = timed(ask_faiss, query)
        _check(answer, *expected)
        if number >= WARM_UP:
            taken.append((own_time, bare_time))
    return _row(place, filtered.name, taken)


def _row(place: Place, name: str, taken: Sequence[tuple[Taken, Taken]]) -> Row:
    return Row(
        place,
        name,
        gallery_ms=statistics.median(own.cpu_ms for own, _ in taken),
        faiss_ms=statistics.median(bare.cpu_ms for _, bare in taken),
        difference_ms=statistics.median(own.cpu_ms - bare.cpu_ms for own, bare in taken),
        ratio=statistics.median(own.cpu_ms / bare.cpu_ms for own, bare in taken),
        wall_ratio=statistics.median(own.wall_ms / bare.wall_ms for own, bare in taken),
    )


def queries(world: World, count: int) -> Iterator[NDArray[np.float32]]:
    """Vectors near a tracklet of the gallery, as those of a probe are."""
    generator = np.random.default_rng(0)
    for video in generator.integers(0, world.videos, count):
        raw = world.vectors(int(video), 1)[0].astype(np.float32)
        raw += generator.standard_normal(world.dimension, np.float32) / np.float32(world.dimension**0.5)
        yield raw / np.linalg.norm(raw)


def timed(ask: Callable[[NDArray[np.float32]], Any], query: NDArray[np.float32]) -> tuple[Any, Taken]:
    """Ask, and say what that took."""
    wall, cpu = time.perf_counter(), time.thread_time()
    answer = ask(query)
    return answer, Taken((time.thread_time() - cpu) * 1000, (time.perf_counter() - wall) * 1000)


def _check(answer: Ranking, scores: NDArray[np.float32], rows: NDArray[np.int64]) -> None:
    """Both must have found the same: else they did not do the same work."""
    expected = [f"{video_id(row // PER_VIDEO)}-{row % PER_VIDEO}" for row in map(int, rows[0])]
    found = [hit.tracklet_id for hit in answer.hits]
    assert set(found) == set(expected), "the gallery and bare FAISS disagree"
    assert np.allclose([hit.score for hit in answer.hits], scores[0], atol=1e-6)


def video_id(video: int) -> str:
    """The id of a video."""
    return f"{video:032x}"


def microseconds(moment: datetime) -> int:
    """µs since 1970."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _too_large(world: World) -> str | None:
    """Bare FAISS and the mapped segments each hold all vectors; half the memory is left to others."""
    needed = 2 * world.tracklets * world.dimension * 2
    with Path("/proc/meminfo").open() as file:
        facts = dict(line.split(":") for line in file)
    available = int(facts["MemAvailable"].split()[0]) * 1024
    if needed > available / 2:
        return f"it takes {needed / 2**30:.1f} GiB and {available / 2**30:.1f} GiB are free"
    return None


HEADER = """
| tracklets | dimension | segments | filter | gallery ms | bare FAISS ms | difference | ratio | wall ratio |
|---:|---:|---:|---|---:|---:|---:|---:|---:|"""


def _line(row: Row) -> str:
    world = row.place.world
    return (
        f"| {world.tracklets:,} | {world.dimension} | {row.place.segments} | {row.filtered} "
        f"| {row.gallery_ms:.2f} | {row.faiss_ms:.2f} "
        f"| {row.difference_ms:.2f} | {row.ratio:.2f} | {row.wall_ratio:.2f} |"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tracklets", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--dimensions", type=int, nargs="+", default=[512, 1280])
    parser.add_argument("--segments", type=int, nargs="+", default=[1, 200])
    parser.add_argument("--repeats", type=int, default=51)
    parser.add_argument("--threads", type=int, default=1, help="OpenMP threads of bare FAISS")
    parser.add_argument("--directory", type=Path, help="where to write the galleries; a temporary directory")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
