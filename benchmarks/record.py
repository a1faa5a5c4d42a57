"""What does the record cost a search, from the photo to the answer?

    OMP_NUM_THREADS=1 python benchmarks/record.py --pairs 60

A gallery of made-up tracklets, the shipped networks and the whole service in one process, asked over HTTP's
application interface: `POST /v1/searches/by-photo`, which decodes a photo, finds its people, embeds one,
searches, stores photo and search, and answers with 50 hits. Each photo is asked for twice, once with the
record and once with the same service that writes no event, in an order that changes from pair to pair.
Without the record, events are neither checked, hashed nor written; all else is the same code. Times are those
of the whole process: CPU time, which other programs disturb little, and the clock on the wall. The cost is
the median of the pairs' own ratios, with the 95 % interval of its bootstrap. As one search differs from the
next by more than its record costs, the CPU time of the record's own functions is summed up, too.

`--looks` asks besides for the strips of the first hits of each answer, as the page does, each of which is a
look and an event of its own.
"""

import argparse
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from starlette.testclient import TestClient

from gallery import BOX_DTYPE, Gallery, GallerySettings, NewClip, NewTracklet, NewVideo, VideoReport
from gallery.catalogue.audit import Audit
from gallery.sql import chain, schema
from service.app import create_app
from service.networks import load
from service.settings import ServiceSettings

START = datetime(2026, 1, 1, tzinfo=UTC)
PER_VIDEO = 50  # tracklets
WARM_UP = 3  # pairs
SAMPLES = Path(__file__).parent.parent / "samples" / "probes"
_STRIP = b"\xff\xd8\xff\xe0 a strip of crops"


@dataclass(frozen=True)
class Taken:
    """What one search took, in milliseconds of CPU and of the clock; `own` is the record's CPU time."""

    cpu: float
    wall: float
    own: float = 0.0


def main() -> int:
    """Measure and print a table."""
    arguments = _arguments()
    print(_machine())
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        data = Path(folder)
        (data / "media").mkdir()
        schema.upgrade(f"sqlite:///{data / 'gallery.sqlite3'}")
        gallery = stack.enter_context(Gallery.open(GallerySettings(data_dir=data)))
        settings = ServiceSettings(
            data_dir=data, media_dir=data / "media", key_requests_per_minute=0, address_requests_per_minute=0
        )
        embedder, detector = load(settings)
        _fill(gallery, embedder, arguments.tracklets)
        app = create_app(settings, gallery=gallery, embedder=embedder, detector=detector)
        headers = {"X-API-Key": gallery.keys.create("benchmark")[1]}
        client = stack.enter_context(TestClient(app, headers=headers))
        pairs = _pairs(client, gallery, arguments.pairs, arguments.looks)
        if gallery.audit.verify().broken_at is not None:
            raise SystemExit("the chain broke: what was measured was not the record")
    for name in ("cpu", "wall"):
        print(_line(name, [(getattr(a, name), getattr(b, name)) for a, b in pairs]))
    own = statistics.median(recorded.own for recorded, _ in pairs)
    share = statistics.median(recorded.own / recorded.cpu for recorded, _ in pairs)
    print(f"the record's own functions: {own:.2f} ms of CPU, {share:.2%} of a search")
    return 0


def _pairs(client: TestClient, gallery: Gallery, count: int, looks: int) -> list[tuple[Taken, Taken]]:
    """With the record and without, in turns; the first few only warm up."""
    photos = [path.read_bytes() for path in sorted(SAMPLES.glob("*.jpg"))]
    taken = []
    for number in range(count + WARM_UP):
        photo = photos[number % len(photos)]
        before = gallery.audit.anchor().event
        if number % 2:
            with _no_record():
                without = _timed(client, photo, looks)
            recorded = _recorded(client, photo, looks)
        else:
            recorded = _recorded(client, photo, looks)
            with _no_record():
                without = _timed(client, photo, looks)
        events = gallery.audit.anchor().event - before
        if events != 2 + looks:  # the photo, the search, and each look
            raise SystemExit(f"{events} events where {2 + looks} were expected")
        if number >= WARM_UP:
            taken.append((recorded, without))
    return taken


def _recorded(client: TestClient, photo: bytes, looks: int) -> Taken:
    """One search as it is served, with a clock around what writes events."""
    spent = [0.0]
    depth = threading.local()

    def clocked(real: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **options: Any) -> Any:
            if getattr(depth, "inside", False):  # what an outer one counts already
                return real(*args, **options)
            depth.inside, begun = True, time.thread_time()
            try:
                return real(*args, **options)
            finally:
                spent[0] += (time.thread_time() - begun) * 1e3
                depth.inside = False

        return run

    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(Audit, "record", clocked(Audit.record)))
        for module in ("probes", "searches"):
            patched = clocked(chain.add_event)
            stack.enter_context(mock.patch(f"gallery.investigation.{module}.add_event", patched))
        stack.enter_context(mock.patch.object(chain, "write_waiting", clocked(chain.write_waiting)))
        return replace(_timed(client, photo, looks), own=spent[0])


@contextmanager
def _no_record() -> Iterator[None]:
    """The same service, but events are dropped where they begin."""

    def nothing(*_: Any, **__: Any) -> None:
        return None

    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(Audit, "record", nothing))
        for module in ("probes", "searches"):
            stack.enter_context(mock.patch(f"gallery.investigation.{module}.add_event", nothing))
        stack.enter_context(mock.patch.object(chain, "write_waiting", nothing))
        yield


def _timed(client: TestClient, photo: bytes, looks: int) -> Taken:
    wall, cpu = time.perf_counter(), time.process_time()
    answer = client.post("/v1/searches/by-photo", files={"file": ("photo.jpg", photo, "image/jpeg")})
    if answer.status_code != 201 or len(answer.json()["hits"]) < looks:
        raise SystemExit(answer.text[:500])
    for hit in answer.json()["hits"][:looks]:
        strip = client.get(hit["thumbnail_url"])
        if strip.status_code != 200:
            raise SystemExit(strip.text[:500])
    return Taken((time.process_time() - cpu) * 1e3, (time.perf_counter() - wall) * 1e3)


def _fill(gallery: Gallery, embedder: Any, count: int) -> None:
    """Recordings of one minute with made-up tracklets in the embedder's space."""
    random = np.random.default_rng(1)
    model = _model_of(embedder)
    camera = gallery.catalogue.add_camera("gate").id
    for number in range(count // PER_VIDEO):
        name = f"{number:032x}" * 2
        with gallery.writer(name, model) as writer:
            for place in range(PER_VIDEO):
                writer.add(_tracklet(random, place * 1_000_000, model.dimension))
            writer.commit(
                NewVideo(
                    content_hash=name,
                    camera_id=camera,
                    file_name=f"{number}.mp4",
                    path=f"/nowhere/{number}.mp4",
                    owned=False,
                    size_bytes=1,
                    start_time=START + timedelta(minutes=number),
                    duration_us=60_000_000,
                    width=640,
                    height=480,
                    frames_decoded=1500,
                    frames_bad=0,
                    report=VideoReport(detector="none", detections=0, reasons={}),
                )
            )


def _tracklet(random: np.random.Generator, start_us: int, dimension: int) -> NewTracklet:
    boxes = np.zeros(10, BOX_DTYPE)
    boxes["time_us"] = start_us + 100_000 * np.arange(10)
    boxes["frame"] = boxes["time_us"] // 40_000
    boxes["w"], boxes["h"], boxes["score"] = 20, 50, 0.75
    vectors = random.standard_normal((2, dimension))
    feature, clip = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    clips = [NewClip(start_us, start_us + 900_000, 10, clip)]
    return NewTracklet(boxes=boxes, feature=feature, clips=clips, quality={}, thumbnail=_STRIP)


def _model_of(embedder: Any) -> Any:
    from gallery import ModelInfo

    return ModelInfo(
        id=embedder.id, name=embedder.name, dimension=embedder.dimension, card=dict(embedder.card)
    )


def _line(name: str, pairs: Sequence[tuple[float, float]]) -> str:
    recorded, without = (statistics.median(values) for values in zip(*pairs, strict=True))
    ratios = np.array([a / b for a, b in pairs])
    random = np.random.default_rng(0)
    medians = np.median(random.choice(ratios, (10_000, len(ratios))), axis=1)
    low, high = np.percentile(medians, [2.5, 97.5])
    return (
        f"{name}: {recorded:.1f} ms with, {without:.1f} ms without; "
        f"ratio {np.median(ratios):.4f} [{low:.4f}, {high:.4f}] of {len(ratios)} pairs"
    )


def _machine() -> str:
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next((line.split(": ")[1] for line in cpuinfo if line.startswith("model name")), "?")
    load_now = os.getloadavg()[0]
    return f"{processor}, {os.cpu_count()} cores, load {load_now:.1f}, Python {platform.python_version()}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--tracklets", type=int, default=2000)
    parser.add_argument("--looks", type=int, default=0, help="strips asked for with each answer")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
