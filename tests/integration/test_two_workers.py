"""A server and two workers on one PostgreSQL.

Recordings filed over REST are indexed once each, searches that run meanwhile are right, a killed worker's
recording is taken over, and a cancelled one leaves nothing.
"""

import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

from gallery import Gallery, GallerySettings
from tests.indexer.videos import BLUE, GREEN, RED, Walker, draw, make_video
from tests.service.test_deployment import unanswered
from tests.waiting import PATIENCE, until

Json = dict[str, Any]
Colour = tuple[int, int, int]

# Each recording has two people: (colour, colour).
SCENES: dict[str, tuple[Colour, Colour]] = {"a": (RED, GREEN), "b": (GREEN, BLUE), "c": (BLUE, RED)}
TOKEN = "t" * 40  # of /metrics
ALIKE = 0.9  # cosine above which two figures wear the same colour


def photo(colour: Colour) -> bytes:
    jpeg = io.BytesIO()
    Image.fromarray(draw([Walker(colour, 0, 1, (100, 60))], 0)).save(jpeg, "JPEG", quality=95)
    return jpeg.getvalue()


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process of tests.integration.processes; it is told to stop in the end, and must."""
    started = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.processes", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "SIGHTLINE_METRICS_TOKEN": TOKEN},
    )
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(PATIENCE)
        finally:
            started.kill()
            started.wait()
            assert started.stdout is not None
            started.stdout.close()


@dataclass
class Searcher:
    """Searches all the time, from a thread of its own, and keeps the answers."""

    client: httpx2.Client
    answers: list[tuple[Colour, Json]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(PATIENCE)

    def _run(self) -> None:
        photos = {colour: photo(colour) for colour in (RED, GREEN, BLUE)}
        while not self._stop.is_set():
            for colour, jpeg in photos.items():
                answer = self.client.post("/v1/searches", files={"file": ("p.jpg", jpeg, "image/jpeg")})
                if answer.status_code == 201:
                    self.answers.append((colour, answer.json()))
                else:
                    self.errors.append(answer.text)
                self._stop.wait(0.1)


@pytest.fixture
def media(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    for seed, (name, (upper, lower)) in enumerate(SCENES.items()):
        walkers = [Walker(upper, 0, 70, (10, 20)), Walker(lower, 10, 75, (20, 150))]
        make_video(folder / f"{name}.mp4", walkers, seed=seed)
    make_video(folder / "unwanted.mp4", frames=300, seed=9)
    return folder


def file_job(client: httpx2.Client, *names: str) -> str:
    recordings = [
        {"path": f"{name}.mp4", "camera": "gate", "start": "2026-03-01T08:00:00Z"} for name in names
    ]
    answer = client.post("/v1/index-jobs", json={"recordings": recordings})
    assert answer.status_code == 202, answer.text
    job_id: str = answer.json()["id"]
    return job_id


def check_answer(colour: Colour, answer: Json, scenes: dict[str, tuple[Colour, Colour]]) -> int:
    """Every answer is right for the recordings that were visible; returns how many tracklets that were."""
    hits = answer["hits"]
    visible = {hit["video_id"] for hit in hits}
    assert answer["coverage"]["tracklets_compared"] == len(hits) == 2 * len(visible)  # whole videos only
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    alike = sorted(hit["video_id"] for hit in hits if hit["score"] > ALIKE)
    assert alike == sorted(video for video in visible if colour in scenes[video])
    return len(hits)


@pytest.mark.long
def test_two_workers_and_a_server(postgres_settings: GallerySettings, media: Path) -> None:
    data, url = str(postgres_settings.data_dir), postgres_settings.resolved_database_url
    with ExitStack() as stack:
        gallery = stack.enter_context(Gallery.open(postgres_settings))
        _, secret = gallery.keys.create("test")
        server = stack.enter_context(process("serve", data, url, str(media)))
        assert server.stdout is not None
        base_url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        client = stack.enter_context(
            httpx2.Client(base_url=base_url, headers={"X-API-Key": secret}, timeout=PATIENCE)
        )
        until(lambda: client.get("/readyz").status_code == 200)
        workers = {name: stack.enter_context(process("work", data, url, name)) for name in ("w1", "w2")}
        assert client.post("/v1/cameras", json={"name": "gate"}).status_code == 201
        searcher = Searcher(client)
        with searcher.running():
            until(lambda: searcher.answers)  # of the empty gallery
            job = file_job(client, *SCENES)
            running = until(
                lambda: [
                    r for r in gallery.jobs.get(job).recordings if r.state == "running" and r.progress > 0
                ]
            )
            victim = running[0]
            assert victim.worker is not None
            workers[victim.worker].send_signal(signal.SIGKILL)
            survivor = next(name for name in workers if name != victim.worker)

            def done() -> Json | None:
                found: Json = client.get(f"/v1/index-jobs/{job}").json()
                return found if found["state"] not in {"queued", "running"} else None

            finished = until(done)
            assert finished["state"] == "succeeded", finished
            recordings = {r.id: r for r in gallery.jobs.get(job).recordings}
            assert recordings[victim.id].attempts == 2
            assert recordings[victim.id].worker == survivor

            unwanted = file_job(client, "unwanted")
            until(lambda: gallery.jobs.get(unwanted).recordings[0].state == "running")
            assert client.post(f"/v1/index-jobs/{unwanted}/cancel").status_code in {200, 202}
            until(lambda: gallery.jobs.get(unwanted).state == "cancelled")

            again = file_job(client, "a")
            until(lambda: gallery.jobs.get(again).state == "succeeded")
            assert gallery.jobs.get(again).recordings[0].state == "skipped"
            seen = len(searcher.answers)
            until(lambda: len(searcher.answers) > seen + 3)

        metrics = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
        assert unanswered(metrics) == [], "after work of all kinds nothing on the dashboard is empty"
        assert 'sightline_recordings{kind="index",state="succeeded"} 3.0' in metrics
        names = {video.id: video.file_name.removesuffix(".mp4") for video in gallery.catalogue.videos()}
        assert sorted(names.values()) == ["a", "b", "c"]
        scenes = {video_id: SCENES[name] for video_id, name in names.items()}
        assert searcher.errors == []
        compared = [check_answer(colour, answer, scenes) for colour, answer in searcher.answers]
        assert compared == sorted(compared)  # nothing that was visible disappears
        assert {0, 6} <= set(compared)
        gallery.sweep()
        assert not gallery.verify().problems
        assert len(list(gallery.data_dir.glob("segments/*"))) == 3
