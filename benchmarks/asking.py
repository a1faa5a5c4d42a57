"""What benchmarks over REST share: servers, users who ask for the person on a photo, and what that costs."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import numpy as np

ROOT = Path(__file__).parents[1]
PHOTOS = [file.read_bytes() for file in sorted((ROOT / "samples/probes").glob("*.jpg"))]
SIGHTLINE = Path(sys.executable).with_name("sightline")
PATIENCE = 300.0  # seconds until a server is ready, or an answer comes
TOKEN = "benchmark-" * 4
STAGES = ("photo", "detect", "embed", "search", "rank", "record")
_UNLIMITED = {
    "SIGHTLINE_KEY_REQUESTS_PER_MINUTE": "0",
    "SIGHTLINE_ADDRESS_REQUESTS_PER_MINUTE": "0",
    "SIGHTLINE_METRICS_TOKEN": TOKEN,
}


@dataclass(frozen=True)
class Server:
    """A server that answers.

    Attributes:
        url: its address.
        pid: its process.
        ready_seconds: from its start until it said that it was ready.
    """

    url: str
    pid: int
    ready_seconds: float


@dataclass
class Answers:
    """What users were answered.

    Attributes:
        seconds: until the end of each answer.
        statuses: of those that were none, or what was wrong instead.
        passed: seconds that all of it took.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    passed: float = 0.0

    def wall_ms(self, percent: float) -> float:
        """A percentile of the times of answers, in milliseconds."""
        return float(np.percentile(self.seconds, percent)) * 1000 if self.seconds else float("nan")


@contextmanager
def program(name: str, *arguments: str, environment: Mapping[str, str], folder: Path) -> Iterator[int]:
    """A command of the program as a process, its log in `folder`; its process id."""
    with (folder / f"{name}.log").open("ab") as log:
        child = subprocess.Popen(
            [SIGHTLINE, *arguments], env={**os.environ, **_UNLIMITED, **environment}, stdout=log, stderr=log
        )
    try:
        yield child.pid
    finally:
        child.terminate()
        child.wait(60)


@contextmanager
def serving(name: str, environment: Mapping[str, str], folder: Path) -> Iterator[Server]:
    """A server of its own, once it is ready."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url, began = f"http://127.0.0.1:{port}", time.perf_counter()
    with program(name, "serve", "--port", str(port), environment=environment, folder=folder) as pid:
        while not _is_ready(url):
            if time.perf_counter() - began > PATIENCE or not Path(f"/proc/{pid}").exists():
                raise SystemExit(f"the server does not get ready: see {folder / name}.log")
            time.sleep(0.02)
        yield Server(url, pid, time.perf_counter() - began)


def _is_ready(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/readyz", timeout=PATIENCE).status_code == 200
    except httpx2.HTTPError:
        return False


def ask(
    servers: Sequence[Server],
    keys: Sequence[str],
    query: Mapping[str, Any],
    *,
    seconds: float = float("inf"),
    answers: int = sys.maxsize,
) -> Answers:
    """Let a user a key ask for the people on photos, again as soon as it was answered; users share servers.

    It ends after `seconds`, or when so many answers have been asked for.
    """

    async def everybody() -> Answers:
        found, left = Answers(), iter(range(answers))
        began = time.perf_counter()
        limits = httpx2.Limits(max_connections=None)
        async with httpx2.AsyncClient(timeout=PATIENCE, limits=limits) as client:

            async def user(number: int, key: str) -> None:
                url = f"{servers[number % len(servers)].url}/v1/searches/by-photo"
                while time.perf_counter() - began < seconds and (turn := next(left, None)) is not None:
                    photo = PHOTOS[turn % len(PHOTOS)]
                    await _one(client, url, key, photo, query, found)

            await asyncio.gather(*(user(number, key) for number, key in enumerate(keys)))
        found.passed = time.perf_counter() - began
        return found

    return asyncio.run(everybody())


async def _one(  # noqa: PLR0917  (a request and where its outcome goes)
    client: httpx2.AsyncClient, url: str, key: str, photo: bytes, query: Mapping[str, Any], found: Answers
) -> None:
    began = time.perf_counter()
    try:
        answer = await client.post(
            url,
            files={"file": ("photo.jpg", photo, "image/jpeg")},
            data={"query": json.dumps(query)},
            headers={"X-API-Key": key},
        )
    except httpx2.HTTPError as error:
        found.statuses[type(error).__name__] += 1
        return
    if answer.status_code == 201:
        found.seconds.append(time.perf_counter() - began)
    else:
        found.statuses[str(answer.status_code)] += 1
        await asyncio.sleep(float(answer.headers.get("retry-after", 1)))


def stage_seconds(servers: Sequence[Server]) -> Counter[str]:
    """Seconds that all searches of these servers have spent in each stage until now."""
    spent: Counter[str] = Counter()
    for server in servers:
        text = httpx2.get(f"{server.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
        for line in text.splitlines():
            if line.startswith("sightline_search_stage_seconds_sum{"):
                name, value = line.rsplit(" ", 1)
                spent[name.split('"')[1]] += float(value)  # type: ignore[assignment]  # a Counter of seconds
    return spent


def cpu_seconds(pids: Sequence[int]) -> float:
    """CPU time that processes and all they have started have taken until now."""
    ticks = 0
    waiting = list(pids)
    while waiting:
        pid = waiting.pop()
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += [int(child) for child in (task / "children").read_text().split()]
        except FileNotFoundError:  # it has just ended; its parent has its time
            continue
        ticks += sum(map(int, fields[11:15]))  # its own, and that of those it has waited for
    return ticks / os.sysconf("SC_CLK_TCK")
