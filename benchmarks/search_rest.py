"""How long does it take from a photo to its answer over REST, in a gallery of a million tracklets?

    python -m benchmarks.search_rest --tracklets 100000 1000000

Galleries of random embeddings of the shipped model, one segment a camera as compaction leaves them, with
all rows that a recording leaves: videos and when they have pictures, tracklets with their boxes, clips.
`sightline serve` answers photos of samples/: they are decoded, people are found and embedded, all tracklets
that pass the filter are ranked, the clips of 50 hits are read, coverage is measured, and search and audit
event are recorded. Filters are stretches of time that hold 10, 1 and .1 % of the tracklets. One user asks
without thinking, then 20 at once; users take CPU of the same machine. The last columns are means in ms.
`ready` is the time until /readyz says so, beside that of an empty gallery: what loads without vectors.

The last table is about the recordings of one day: a gallery whose newest 200 recordings are segments of
their own, the same after they were merged, and all of it in one segment. Each query is asked of the three in
turns, CPU time of the one thread that works; the ratios are medians of the queries' own.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert

from benchmarks import asking
from benchmarks.machine import machine
from benchmarks.search_latency import (
    CAMERAS,
    CLIPS,
    LIMIT,
    PER_VIDEO,
    SPACING_US,
    START,
    WARM_UP,
    World,
    add_frame,
    add_segment,
    microseconds,
    queries,
    timed,
    video_id,
    write_segment,
)
from gallery import BOX_DTYPE, Filters, Gallery, GallerySettings, RankBy
from gallery.catalogue.boxes import pack
from gallery.sql.database import Database
from gallery.sql.tables import Clip, Tracklet, VideoInterval
from gallery.vectors.segment import segment_directory
from models import zoo
from models.names import DEFAULT

BOXES = 20  # of a tracklet: two seconds, ten a second
AT_ONCE = 200  # videos whose rows are inserted by one transaction
SHARES = (1.0, 0.1, 0.01, 0.001)


@dataclass(frozen=True)
class Asked:
    """One line of the table."""

    world: World
    share: float
    users: int
    answers: asking.Answers
    cpu_ms: float
    stages_ms: dict[str, float]


def main() -> None:
    arguments = _arguments()
    network = zoo.load(DEFAULT)
    worlds = [World(count, network.dimension, network.id) for count in arguments.tracklets]
    print(machine("python -m benchmarks.search_rest", ["faiss-cpu"]), flush=True)
    with tempfile.TemporaryDirectory(dir=arguments.directory) as name:
        bare = ready_seconds(World(0, network.dimension, network.id), Path(name) / "empty")
        print(f"\nan empty gallery is ready {bare:.1f} s after the start")
        for world in worlds:
            measure(world, Path(name) / str(world.tracklets), arguments)
        if arguments.merged:
            tell_merged(World(arguments.merged, network.dimension, network.id), Path(name), arguments)


def ready_seconds(world: World, data_dir: Path) -> float:
    """How long a server takes until it is ready."""
    build(world, data_dir)
    with asking.serving("server", {"SIGHTLINE_DATA_DIR": str(data_dir)}, data_dir) as server:
        return server.ready_seconds


def measure(world: World, data_dir: Path, arguments: argparse.Namespace) -> None:
    """Make a gallery, and ask it as one user and as many, with each filter."""
    began = time.perf_counter()
    keys = build(world, data_dir, users=max(arguments.users))
    size = sum(file.stat().st_size for file in data_dir.rglob("*") if file.is_file())
    took = time.perf_counter() - began
    print(f"\n{world.tracklets:,} tracklets: {size / 2**30:.1f} GiB, made in {took:.0f} s")
    with asking.serving("server", {"SIGHTLINE_DATA_DIR": str(data_dir)}, data_dir) as server:
        print(f"ready {server.ready_seconds:.1f} s after the start\n\n{HEADER}", flush=True)
        asking.ask([server], keys[:1], {"limit": LIMIT}, answers=WARM_UP)
        for share in SHARES:
            for users in arguments.users:
                print(_line(asked(world, server, keys[:users], share, arguments.answers)), flush=True)
        resident = Path(f"/proc/{server.pid}/status").read_text().split("VmRSS:")[1].split()[0]
        print(f"\nmemory of the server: {int(resident) / 2**20:.2f} GiB, mapped files included", flush=True)


def asked(world: World, server: asking.Server, keys: Sequence[str], share: float, answers: int) -> Asked:
    """Ask one kind of question so often; each user at least twice."""
    query = {"limit": LIMIT, **_stretch(world, share)}
    spent, cpu = asking.stage_seconds([server]), asking.cpu_seconds([server.pid])
    found = asking.ask([server], keys, query, answers=max(answers, 2 * len(keys)))
    cpu = asking.cpu_seconds([server.pid]) - cpu
    now, count = asking.stage_seconds([server]), max(1, len(found.seconds))
    stages = {name: (now[name] - spent[name]) / count * 1000 for name in asking.STAGES}
    return Asked(world, share, len(keys), found, cpu / count * 1000, stages)


def _stretch(world: World, share: float) -> dict[str, str]:
    """The filter that lets a share of the tracklets pass, from the middle."""
    if share == 1:
        return {}
    count = max(1, round(world.tracklets * share))
    first = START + timedelta(microseconds=(world.tracklets - count) // 2 * SPACING_US)
    return {
        "start": first.isoformat(),
        "end": (first + timedelta(microseconds=count * SPACING_US)).isoformat(),
    }


def build(world: World, data_dir: Path, *, users: int = 1) -> list[str]:
    """Make a gallery with a segment a camera and all rows; returns a key a user."""
    with Gallery.open(GallerySettings(data_dir=data_dir), create=True) as gallery:
        by_camera = [range(camera, world.videos, CAMERAS) for camera in range(CAMERAS)]
        fill(gallery, world, [videos for videos in by_camera if len(videos)])
        return [gallery.keys.create(f"user {number}")[1] for number in range(users)]


def fill(gallery: Gallery, world: World, segments: Sequence[Sequence[int]]) -> None:
    """Put segments, each of some videos, and all their rows into an empty gallery."""
    database = gallery._database
    add_frame(database, world)
    for number, videos in enumerate(segments):
        segment_id = f"{number:032x}"
        write_segment(segment_directory(gallery.data_dir, segment_id), world, videos)
        add_segment(database, world, segment_id, number, videos)
    for first in range(0, world.videos, AT_ONCE):
        add_tracklets(database, range(first, min(first + AT_ONCE, world.videos)))


def add_tracklets(database: Database, videos: Sequence[int]) -> None:
    """Add when videos have pictures, and the rows of their tracklets and clips."""
    boxes = np.zeros(BOXES, BOX_DTYPE)
    boxes["w"], boxes["h"], boxes["score"] = 60, 160, 0.9
    tracklets: list[dict[str, Any]] = []
    for place in range(PER_VIDEO):
        boxes["time_us"] = place * SPACING_US + np.arange(BOXES) * (SPACING_US // BOXES)
        tracklets.append(
            {
                "number": place,
                "start_us": int(boxes["time_us"][0]),
                "end_us": int(boxes["time_us"][-1]),
                "frame_count": BOXES,
                "quality": {"height": 160.0, "sharpness": 0.2},
                "boxes": pack(boxes),
                "thumbnail_sha256": "0" * 64,
            }
        )
    clips = [
        {"number": clip, "start_us": one["start_us"], "end_us": one["end_us"], "frame_count": BOXES // CLIPS}
        for one in tracklets
        for clip in range(CLIPS)
    ]
    length = PER_VIDEO * SPACING_US
    starts = {video_id(video): microseconds(START) + video * length for video in videos}
    with database.write() as session:
        session.execute(
            insert(VideoInterval),
            [{"video_id": name, "start_us": at, "end_us": at + length} for name, at in starts.items()],
        )
        session.execute(
            insert(Tracklet),
            [
                {"id": f"{name}-{one['number']}", "video_id": name, **one}
                for name in starts
                for one in tracklets
            ],
        )
        session.execute(
            insert(Clip),
            [
                {"tracklet_id": f"{name}-{place // CLIPS}", **clip}
                for name in starts
                for place, clip in enumerate(clips)
            ],
        )


def tell_merged(world: World, directory: Path, arguments: argparse.Namespace) -> None:
    """Print what the segments of one day cost before and after they are merged."""
    recent = min(arguments.recordings, world.videos // 2)
    days = range(world.videos - recent)
    older = [days[camera::CAMERAS] for camera in range(CAMERAS)]
    single = [[video] for video in range(len(days), world.videos)]
    kinds: dict[str, tuple[Sequence[Sequence[int]], bool]] = {
        "one segment": ([range(world.videos)], False),
        f"{recent} recordings unmerged": ([*older, *single], False),
        "merged": ([*older, *single], True),
    }
    with ExitStack() as opened:
        snapshots = {}
        for name, (segments, merged) in kinds.items():
            settings = GallerySettings(data_dir=directory / name.replace(" ", "-"))
            gallery = opened.enter_context(Gallery.open(settings, create=True))
            fill(gallery, world, segments)
            began = time.perf_counter()
            if merged:
                gallery.compact()
                took = time.perf_counter() - began
                print(f"\nmerging took {took:.1f} s, {gallery.segment_count()} segments left")
            snapshots[name] = gallery.snapshot(world.model)
        taken: dict[str, list[float]] = {name: [] for name in kinds}
        for number, query in enumerate(queries(world, arguments.repeats + WARM_UP)):
            order = list(kinds)[number % 3 :] + list(kinds)[: number % 3]
            for name in order:
                _, cost = timed(
                    lambda one, name=name: snapshots[name].search(  # type: ignore[misc]
                        one, limit=LIMIT, filters=Filters(), by=RankBy.STANDARD_SCORE
                    ),
                    query,
                )
                if number >= WARM_UP:
                    taken[name].append(cost.cpu_ms)
    print(f"\n| {world.tracklets:,} tracklets | search, CPU ms | times one segment |\n|---|---:|---:|")
    for name, took_ms in taken.items():
        ratio = statistics.median(_ratios(took_ms, taken["one segment"]))
        print(f"| {name} | {statistics.median(took_ms):.2f} | {ratio:.2f} |", flush=True)


def _ratios(mine: Sequence[float], others: Sequence[float]) -> Iterator[float]:
    return (one / other for one, other in zip(mine, others, strict=True))


_COLUMNS = (
    *("tracklets", "filter", "users", "answers", "p50, ms", "p95, ms", "a second", "CPU, ms"),
    *("photo, detect, embed", "search", "rank", "record", "other"),
)
HEADER = f"| {' | '.join(_COLUMNS)} |\n|---:|---|{'---:|' * (len(_COLUMNS) - 2)}"


def _line(one: Asked) -> str:
    found, stages = one.answers, one.stages_ms
    networks = stages["photo"] + stages["detect"] + stages["embed"]
    mean = statistics.fmean(found.seconds) * 1000 if found.seconds else float("nan")
    other = mean - sum(stages.values())
    refused = f" ({dict(found.statuses)})" if found.statuses else ""
    return (
        f"| {one.world.tracklets:,} | {'none' if one.share == 1 else f'{one.share * 100:g} %'} | {one.users} "
        f"| {len(found.seconds)}{refused} | {found.wall_ms(50):.0f} | {found.wall_ms(95):.0f} "
        f"| {len(found.seconds) / found.passed:.1f} | {one.cpu_ms:.0f} | {networks:.0f} "
        f"| {stages['search']:.0f} | {stages['rank']:.1f} | {stages['record']:.1f} | {other:.0f} |"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tracklets", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--users", type=int, nargs="+", default=[1, 20])
    parser.add_argument("--answers", type=int, default=60, help="of each kind of question")
    parser.add_argument("--merged", type=int, default=100_000, help="tracklets of the last table; 0: none")
    parser.add_argument("--recordings", type=int, default=200, help="of the day that is merged")
    parser.add_argument("--repeats", type=int, default=51, help="queries of the last table")
    parser.add_argument("--directory", type=Path, help="where to write the galleries; a temporary directory")
    return parser.parse_args()


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
