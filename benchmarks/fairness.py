"""What do other keys feel while one key asks for as much as it can?

    python -m benchmarks.fairness --seconds 30 --tracklets 5000 --searches 120

`sightline serve` on a gallery of random tracklets, with a case of that many searches. One modest key reads a
list, a tracklet and a strip, one after the other, and meanwhile uploads a photo and searches with it, and
watches clips that nobody has watched before. It is alone at first; then beside a greedy key with 60
connections of the same reads; then beside one that asks for the journey of the case over 45; then beside one
that uploads photos over 12, small files that cost as much to decode as a photo may; then beside one that
watches long stretches of a recording over 24, each another one.

It reports the latencies of the modest key, and what the greedy one was answered. This script takes CPU of the
same machine.
"""

import argparse
import asyncio
import io
import os
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from datetime import UTC, datetime
from itertools import count, cycle, repeat
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from PIL import Image

from benchmarks import load
from gallery import Gallery, GallerySettings

PATIENCE = 300.0
READERS, TRAVELLERS, UPLOADERS, WATCHERS = 60, 45, 12, 24
COSTLY_SIDE = 6900  # pixels: near the largest photo that is taken by default


def furnish(data_dir: Path, tracklets: int) -> tuple[list[str], list[str]]:
    """Fill a gallery; returns two keys, the greedy one first, and paths to read."""
    load.prepare(data_dir, load.RECORDINGS[:1], tracklets)
    with Gallery.open(GallerySettings(data_dir=data_dir)) as gallery:
        first, second = (gallery.keys.create(name)[1] for name in ("greedy", "modest"))
        (model,) = gallery.models.all()
        ids = list(gallery.snapshot(model.id).tracklet_ids())
        paths = ["/v1/cameras", f"/v1/tracklets/{ids[0]}", f"/v1/tracklets/{ids[0]}/thumbnail"]
        return [first, second], paths


async def open_case(client: httpx2.AsyncClient, key: str, searches: int) -> str:
    """Fill a case with searches, their first hits marked; returns the path of its journey."""
    headers = {"X-API-Key": key}
    case = (await client.post("/v1/cases", json={"title": "large"}, headers=headers)).json()["id"]
    files = {"file": ("photo.jpg", load.PHOTOS[0], "image/jpeg")}
    probe = (await client.post("/v1/probes", files=files, headers=headers)).json()["id"]
    for _ in range(searches):
        wanted = {"probes": [{"probe_id": probe}], "limit": 100}
        found = (await client.post("/v1/searches", json=wanted, headers=headers)).json()
        for hit in found["hits"][:5]:
            path = f"/v1/searches/{found['id']}/marks/{hit['tracklet_id']}"
            await client.put(path, json={"verdict": "match"}, headers=headers)
        await client.post(f"/v1/cases/{case}/items", json={"search_id": found["id"]}, headers=headers)
    return f"/v1/cases/{case}/journey"


async def recorded(client: httpx2.AsyncClient, key: str) -> str:
    """The id of the video that can be played: the others were never recorded."""
    asked: dict[str, Any] = {"limit": 100}
    while True:
        page = (await client.get("/v1/videos", params=asked, headers={"X-API-Key": key})).json()
        for video in page["items"]:
            if video["file_name"] == load.RECORDINGS[0].name:
                return str(video["id"])
        asked["cursor"] = page["next_cursor"]


async def read(
    client: httpx2.AsyncClient, key: str, paths: Iterator[str], end: float
) -> tuple[list[float], Counter[int]]:
    """Read one after the other until the time is over; returns the seconds of each, and the statuses."""
    took, statuses = [], Counter[int]()
    while time.monotonic() < end:
        began = time.monotonic()
        answer = await client.get(next(paths), headers={"X-API-Key": key})
        took.append(time.monotonic() - began)
        statuses[answer.status_code] += 1
    return took, statuses


async def upload(client: httpx2.AsyncClient, key: str, photo: bytes, end: float) -> Counter[int]:
    """Upload a photo until the time is over; returns the statuses."""
    statuses = Counter[int]()
    while time.monotonic() < end:
        files = {"file": ("photo.png", photo, "image/png")}
        answer = await client.post("/v1/probes", files=files, headers={"X-API-Key": key})
        statuses[answer.status_code] += 1
    return statuses


async def find(client: httpx2.AsyncClient, key: str, end: float) -> list[float]:
    """Upload a photo and search with it until the time is over; returns the seconds of each answer."""
    took = []
    while time.monotonic() < end:
        began = time.monotonic()
        files = {"file": ("photo.jpg", load.PHOTOS[0], "image/jpeg")}
        made = await client.post("/v1/probes", files=files, headers={"X-API-Key": key})
        if made.status_code != 201:
            continue
        wanted = {"probes": [{"probe_id": made.json()["id"]}], "limit": 50}
        found = await client.post("/v1/searches", json=wanted, headers={"X-API-Key": key})
        if found.status_code in {200, 201}:
            took.append(time.monotonic() - began)
    return took


def costly() -> bytes:
    """A photo of one colour as PNG: some kilobytes."""
    file = io.BytesIO()
    Image.new("RGB", (COSTLY_SIDE, COSTLY_SIDE), (90, 120, 60)).save(file, "PNG")
    return file.getvalue()


async def measure(url: str, keys: Sequence[str], paths: Sequence[str], asked: argparse.Namespace) -> None:
    """Print a line for each crowd."""
    greedy, modest = keys
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(base_url=url, timeout=PATIENCE, limits=limits) as client:
        journey = await open_case(client, greedy, asked.searches)
        video = await recorded(client, greedy)
        asks = ("reads", "photo to answer", "clips")
        columns = " | ".join(f"{one} | p50, s | p95, s | longest, s" for one in asks)
        print(f"\n| beside | {columns} | the greedy key |")
        print("|---|" + "---:|" * 12 + "---|")
        photo = costly()
        # No two are the same, so that each is cut: of the greedy key's long ones, and of the modest key's.
        stretches = (f"/v1/videos/{video}/clip?offset={n % 20}&seconds={119 - n // 20}" for n in count())
        clips = (f"/v1/videos/{video}/clip?offset={n % 20}&seconds={5 + n // 20}" for n in count())
        crowds: dict[str, tuple[int, Callable[[float], Coroutine[Any, Any, Counter[int]]]]] = {
            "nobody": (0, lambda end: _statuses(client, greedy, cycle(paths), end)),
            f"{READERS} readers": (READERS, lambda end: _statuses(client, greedy, cycle(paths), end)),
            f"{TRAVELLERS} journeys": (
                TRAVELLERS,
                lambda end: _statuses(client, greedy, repeat(journey), end),
            ),
            f"{UPLOADERS} uploads": (UPLOADERS, lambda end: upload(client, greedy, photo, end)),
            f"{WATCHERS} watchers": (WATCHERS, lambda end: _statuses(client, greedy, stretches, end)),
        }
        for name, (number, act) in crowds.items():
            end = time.monotonic() + asked.seconds
            crowd = [asyncio.create_task(act(end)) for _ in range(number)]
            (reads, _), finds, (watched, seen) = await asyncio.gather(
                read(client, modest, cycle(paths), end),
                find(client, modest, end),
                read(client, modest, clips, end),
            )
            answered = sum(await asyncio.gather(*crowd), Counter[int]())
            assert set(seen) == {200}, seen
            columns = " | ".join(_told(took) for took in (reads, finds, watched))
            print(f"| {name} | {columns} | {dict(answered)} |", flush=True)


async def _statuses(client: httpx2.AsyncClient, key: str, paths: Iterator[str], end: float) -> Counter[int]:
    _, statuses = await read(client, key, paths, end)
    return statuses


def _told(took: Sequence[float]) -> str:
    p50, p95, longest = (float(one) for one in np.percentile(took or [float("nan")], (50, 95, 100)))
    return f"{len(took)} | {p50:.3f} | {p95:.3f} | {longest:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--tracklets", type=int, default=5000, help="random ones")
    parser.add_argument("--searches", type=int, default=120, help="in the case")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data_dir = folder / "gallery"
        keys, paths = furnish(data_dir, asked.tracklets)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        began = datetime.now(UTC)
        print(f"{began:%Y-%m-%d %H:%M}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores", flush=True)
        with load.running("server", "serve", "--port", str(port), data_dir=data_dir, folder=folder):
            load._wait(f"http://127.0.0.1:{port}")
            asyncio.run(measure(f"http://127.0.0.1:{port}", keys, paths, asked))


if __name__ == "__main__":
    main()
