"""How does a server stand many searchers at once, while workers index?

    python benchmarks/load.py --seconds 600 --searchers 50 --tracklets 10000

A gallery is made of recordings of samples/, indexed, and of random tracklets of the same model. Then run,
each a process: `sightline serve`, two `sightline worker` with more recordings than they can finish, and this
script's searchers. Each has a key of its own and does what a person does on the page: uploads a photo,
searches, turns two pages, looks at strips, plays a clip, and thinks meanwhile. In the second half one key
more searches over many connections at once, without thinking: the others should hardly feel it.

It reports latencies, answers by status, refusals with and without Retry-After, and of server and workers
memory and open files over time. Searchers take CPU of the same machine.
"""

import argparse
import asyncio
import hashlib
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import numpy as np

from gallery import (
    BOX_DTYPE,
    Gallery,
    GallerySettings,
    ModelInfo,
    NewClip,
    NewRecording,
    NewTracklet,
    NewVideo,
    VideoReport,
)

ROOT = Path(__file__).parents[1]
RECORDINGS = sorted((ROOT / "samples").glob("camera-*.mp4"))
PHOTOS = [file.read_bytes() for file in sorted((ROOT / "samples/probes").glob("*.jpg"))]
SIGHTLINE = Path(sys.executable).with_name("sightline")
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
PER_VIDEO = 100
STRIPS = 12
PATIENCE = 120.0
LONGEST_WAIT = 5.0  # a searcher waits no longer, whatever Retry-After says
SAMPLE_SECONDS = 5.0


@dataclass
class Seen:
    """What the searchers met.

    Attributes:
        seconds: of each answer that was one, by who asked and what.
        statuses: of all answers, by operation; or what was wrong instead.
        told: refusals (429, 503) with Retry-After; `untold` those without.
    """

    seconds: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[tuple[str, str]] = field(default_factory=Counter)
    told: int = 0
    untold: int = 0


@dataclass
class Searcher:
    """One key at work over one connection.

    Attributes:
        who: "modest", or "greedy".
        pause: seconds that it thinks between two requests, on average; 0: never.
        clips: links to clips that can be played.
    """

    client: httpx2.AsyncClient
    key: str
    seen: Seen
    random: random.Random
    clips: Sequence[str]
    who: str = "modest"
    pause: float = 2.0

    async def work(self, end: float) -> None:
        """Look for people until the time is over."""
        probe: str | None = None
        while time.monotonic() < end:
            if probe is None or self.who == "modest":
                files = {"file": ("photo.jpg", self.random.choice(PHOTOS), "image/jpeg")}
                made = await self.ask("upload", "POST", "/v1/probes", files=files)
                probe = made.json()["id"] if made is not None else probe
            if probe is not None:
                await self._search(probe)

    async def _search(self, probe: str) -> None:
        wanted = {"probes": [{"probe_id": probe}], "limit": 50}
        answer = await self.ask("search", "POST", "/v1/searches", json=wanted)
        if answer is None or self.who == "greedy":
            return
        found = answer.json()
        hits = found["hits"]
        for _ in range(2):
            if found["next_cursor"] is None:
                break
            path = f"/v1/searches/{found['id']}"
            page = await self.ask("page", "GET", path, params={"cursor": found["next_cursor"]})
            if page is None:
                break
            found = page.json()
        for hit in hits[:STRIPS]:
            await self.ask("strip", "GET", hit["thumbnail_url"], think=False)
        await self.ask("clip", "GET", self.random.choice(self.clips), headers={"Range": "bytes=0-"})

    async def ask(
        self, what: str, method: str, path: str, *, think: bool = True, **options: object
    ) -> httpx2.Response | None:
        """Ask once; None unless it was answered. Waits as a refusal says, and thinks."""
        headers = {"X-API-Key": self.key, **options.pop("headers", {})}  # type: ignore[dict-item]
        began = time.monotonic()
        try:
            answer = await self.client.request(method, path, headers=headers, **options)  # type: ignore[arg-type]
        except httpx2.HTTPError as error:
            self.seen.statuses[what, type(error).__name__] += 1
            await asyncio.sleep(1.0)
            return None
        took = time.monotonic() - began
        self.seen.statuses[what, str(answer.status_code)] += 1
        if answer.is_success:
            self.seen.seconds[self.who, what].append(took)
            if think and self.pause:
                await asyncio.sleep(self.random.expovariate(1 / self.pause))
            return answer
        if answer.status_code in {429, 503}:
            wait = answer.headers.get("retry-after")
            self.seen.told += wait is not None
            self.seen.untold += wait is None
            await asyncio.sleep(min(LONGEST_WAIT, float(wait or 1)))
        return None


@dataclass
class Process:
    """Memory and open files of a process over time."""

    name: str
    pid: int
    mib: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    def look(self) -> None:
        """Note what it has now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        self.mib.append(int(resident.split()[1]) / 1024)
        self.files.append(len(os.listdir(f"/proc/{self.pid}/fd")))


def prepare(data_dir: Path, samples: Sequence[Path], tracklets: int) -> None:
    """Make the gallery: the samples as they are indexed, and random tracklets of the same model."""
    environment = {**os.environ, "SIGHTLINE_DATA_DIR": str(data_dir)}
    for recording in samples:
        at = ["--camera", recording.stem, "--start", START.isoformat()]
        subprocess.run([SIGHTLINE, "index", recording, *at], env=environment, check=True)
    with Gallery.open(GallerySettings(data_dir=data_dir)) as gallery:
        (model,) = gallery.models.all()
        strip = next((data_dir / "thumbnails").rglob("*.jpg")).read_bytes()
        info = ModelInfo(model.id, model.name, model.dimension, model.card)
        for number in range(tracklets // PER_VIDEO):
            _add_random(gallery, info, number, strip)
        gallery.compact()


def _add_random(gallery: Gallery, model: ModelInfo, number: int, strip: bytes) -> None:
    """A recording of people who are nobody, one every ten seconds."""
    generator = np.random.default_rng(number)
    content_hash = hashlib.sha256(str(number).encode()).hexdigest()
    camera = gallery.catalogue.get_or_add_camera(f"random-{number % 20}")
    vectors = generator.standard_normal((PER_VIDEO, 2, model.dimension), np.float32)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    with gallery.writer(content_hash, model) as writer:
        for person, (feature, clip) in enumerate(vectors):
            boxes = np.zeros(50, BOX_DTYPE)
            boxes["time_us"] = 10_000_000 * person + 100_000 * np.arange(50)
            boxes["w"], boxes["h"], boxes["score"] = 60, 160, 0.9
            first, last = int(boxes["time_us"][0]), int(boxes["time_us"][-1])
            quality = {"height": 160.0, "sharpness": 0.2}
            writer.add(NewTracklet(boxes, feature, [NewClip(first, last, 25, clip)], quality, strip))
        video = NewVideo(
            content_hash=content_hash,
            camera_id=camera.id,
            file_name=f"{number}.mp4",
            path=f"/nowhere/{number}.mp4",
            owned=False,
            size_bytes=0,
            start_time=START + timedelta(days=number // 20),
            duration_us=10_000_000 * PER_VIDEO,
            width=1920,
            height=1080,
            frames_decoded=0,
            frames_bad=0,
            report=VideoReport(detector="random"),
        )
        writer.commit(video)


def clips_of(gallery: Gallery) -> list[str]:
    """Links to the clips of the tracklets that have a recording."""
    real = {video.id for video in gallery.catalogue.videos() if Path(video.path).is_file()}
    (model,) = gallery.models.all()
    ids = gallery.snapshot(model.id).tracklet_ids()
    return [f"/v1/tracklets/{one}/clip" for one in ids if one.rpartition("-")[0] in real]


def file_work(gallery: Gallery, folder: Path, count: int) -> None:
    """File recordings enough for two workers: copies of the samples that differ by their ends."""
    new = []
    for number in range(count):
        source = RECORDINGS[number % len(RECORDINGS)]
        copy = folder / f"{number}-{source.name}"
        copy.write_bytes(source.read_bytes() + b"\0\0\0\x10free%08d" % number)
        camera = gallery.catalogue.get_or_add_camera(source.stem)
        start = START + timedelta(days=100 + number)
        new.append(NewRecording(camera.id, str(copy), copy.name, False, start))
    gallery.jobs.file(new)


@contextmanager
def running(name: str, *arguments: str, data_dir: Path, folder: Path) -> Iterator[Process]:
    """A command of the program as a process."""
    environment = {**os.environ, "SIGHTLINE_DATA_DIR": str(data_dir)}
    with (folder / f"{name}.log").open("wb") as log:
        child = subprocess.Popen([SIGHTLINE, *arguments], env=environment, stdout=log, stderr=log)
    try:
        yield Process(name, child.pid)
    finally:
        child.terminate()
        child.wait()


async def run(url: str, keys: Sequence[str], clips: Sequence[str], asked: argparse.Namespace) -> list[Seen]:
    """Let everybody search; returns what they met in the first half, and in the second."""
    halves: list[Seen] = []
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(base_url=url, timeout=PATIENCE, limits=limits) as client:
        for greedy in (False, True):
            seen, end = Seen(), time.monotonic() + asked.seconds / 2
            everybody = [
                Searcher(client, key, seen, random.Random(number), clips, pause=asked.pause)
                for number, key in enumerate(keys[:-1])
            ]
            if greedy:
                same = (client, keys[-1], seen)
                everybody += [
                    Searcher(*same, random.Random(-number), clips, "greedy", 0.0)
                    for number in range(asked.greedy)
                ]
            await asyncio.gather(*(one.work(end) for one in everybody))
            tell_half(len(halves) + 1, seen, asked.seconds / 2)
            halves.append(seen)
    return halves


async def watch(processes: Sequence[Process]) -> None:
    """Note what the processes take, until cancelled."""
    while True:
        for process in processes:
            process.look()
        await asyncio.sleep(SAMPLE_SECONDS)


async def measure(
    url: str,
    keys: Sequence[str],
    clips: Sequence[str],
    processes: Sequence[Process],
    asked: argparse.Namespace,
) -> list[Seen]:
    """Run, with the processes watched."""
    watching = asyncio.create_task(watch(processes))
    try:
        return await run(url, keys, clips, asked)
    finally:
        watching.cancel()


def tell_half(number: int, seen: Seen, seconds: float) -> None:
    """Print what the searchers met in one half."""
    print("\n| who, half | operation | answered | a second | p50, s | p95, s | p99, s | longest, s |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for (who, what), took in sorted(seen.seconds.items()):
        p50, p95, p99 = (float(np.percentile(took, one)) for one in (50, 95, 99))
        print(
            f"| {who}, {number} | {what} | {len(took)} | {len(took) / seconds:.2f} "
            f"| {p50:.2f} | {p95:.2f} | {p99:.2f} | {max(took):.2f} |"
        )
    others = {f"{what} {status}": n for (what, status), n in seen.statuses.items() if status[0] != "2"}
    print(
        f"\nhalf {number}: {sum(seen.statuses.values())} requests; not answered: {others or 'none'}; "
        f"refusals with Retry-After {seen.told}, without {seen.untold}",
        flush=True,
    )


def tell_processes(processes: Sequence[Process]) -> None:
    """Print what memory and files the processes had."""
    print("\n| process | MiB after a fifth | half | end | most | open files first | most | end |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for one in processes:
        fifth, half = one.mib[len(one.mib) // 5], one.mib[len(one.mib) // 2]
        print(
            f"| {one.name} | {fifth:.0f} | {half:.0f} | {one.mib[-1]:.0f} | {max(one.mib):.0f} "
            f"| {one.files[0]} | {max(one.files)} | {one.files[-1]} |",
            flush=True,
        )


def tell_fairness(halves: Sequence[Seen]) -> None:
    """Print what the greedy key does to the others."""
    modest = [statistics.median(half.seconds["modest", "search"] or [float("nan")]) for half in halves]
    greedy = statistics.median(halves[1].seconds["greedy", "search"] or [float("nan")])
    print(
        f"\nmedian search of a modest key: {modest[0]:.2f} s, and {modest[1]:.2f} s beside the greedy one "
        f"({modest[1] / modest[0]:.2f} times); of the greedy key {greedy:.2f} s",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--searchers", type=int, default=50)
    parser.add_argument("--greedy", type=int, default=16, help="connections of the greedy key")
    parser.add_argument("--pause", type=float, default=2.0, help="seconds of thinking, on average")
    parser.add_argument("--tracklets", type=int, default=10_000, help="random ones")
    parser.add_argument(
        "--samples", type=int, default=4, help="recordings of samples/ that are indexed before"
    )
    parser.add_argument("--recordings", type=int, default=200, help="for the workers")
    parser.add_argument("--directory", type=Path, help="keep the gallery there, and use it again")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kept = (asked.directory or folder) / "gallery"
        if not kept.exists():
            prepare(kept, RECORDINGS[-asked.samples :], asked.tracklets)
        data_dir = folder / "used"
        shutil.copytree(kept, data_dir, dirs_exist_ok=True)
        with Gallery.open(GallerySettings(data_dir=data_dir)) as gallery:
            keys = [gallery.keys.create(f"searcher {n}")[1] for n in range(asked.searchers + 1)]
            clips = clips_of(gallery)
            file_work(gallery, folder, asked.recordings)
        print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        url, where = f"http://127.0.0.1:{port}", {"data_dir": data_dir, "folder": folder}
        with (
            running("server", "serve", "--port", str(port), **where) as server,
            running("worker 1", "worker", "--name", "w1", **where) as first,
            running("worker 2", "worker", "--name", "w2", **where) as second,
        ):
            _wait(url)
            processes = [server, first, second]
            halves = asyncio.run(measure(url, keys, clips, processes, asked))
            tell_processes(processes)
            tell_fairness(halves)
        with Gallery.open(GallerySettings(data_dir=data_dir)) as gallery:
            recordings = gallery.jobs.get(gallery.jobs.list()[0].id).recordings
            print(f"recordings of the job by state: {dict(Counter(one.state for one in recordings))}")
        print(f"load of the machine after: {os.getloadavg()[0]:.1f}")


def _wait(url: str) -> None:
    """Wait until the server answers searches."""
    while True:
        try:
            if httpx2.get(f"{url}/readyz", timeout=PATIENCE).status_code == 200:
                return
        except httpx2.HTTPError:
            pass
        time.sleep(0.5)


if __name__ == "__main__":
    main()
