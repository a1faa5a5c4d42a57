"""What the page's benchmark looks at: a gallery of made-up tracklets with drawn strips, and its server."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from gallery import (
    BOX_DTYPE,
    Gallery,
    GallerySettings,
    ModelInfo,
    NewClip,
    NewTracklet,
    NewVideo,
    VideoReport,
)
from models import zoo
from models.names import DEFAULT
from tests.browser.library import EVERYBODY
from tests.browser.scenes import Scene, Walk, lobby, street, strip
from tests.browser.scenes import platform as station

START = datetime(2026, 1, 1, tzinfo=UTC)
PER_VIDEO = 50
CAMERAS = 20
PORT = 8077
PATIENCE = 300.0  # seconds until the server is ready


def fill(data: Path, count: int) -> str:
    """A gallery of made-up tracklets in the space of the shipped model, and a key to it."""
    random = np.random.default_rng(1)
    network = zoo.load(DEFAULT)
    model = ModelInfo(network.id, network.name, network.dimension, network.card)
    strips = drawn_strips()
    with Gallery.open(GallerySettings(data_dir=data), create=True) as gallery:
        for number in range(count // PER_VIDEO):
            place = f"Camera {number % CAMERAS + 1}"
            camera = gallery.catalogue.get_or_add_camera(place, time_zone="Europe/Berlin")
            name = f"{number:032x}" * 2
            with gallery.writer(name, model) as writer:
                for one in range(PER_VIDEO):
                    picture = strips[(number + one) % len(strips)]
                    writer.add(_tracklet(random, one, model.dimension, picture))
                writer.commit(_video(name, number, camera.id))
        return gallery.keys.create("benchmark")[1]


def drawn_strips() -> list[bytes]:
    """Strips of everybody at every place, as long in bytes as those of recordings."""
    made = []
    for background in (lobby, street, station):
        for figure in EVERYBODY:
            walk = Walk(figure, (0.1, 0.9), (0.9, 0.9), 0, 4, 0.7)
            scene = Scene(background, [walk], 480, 320)
            pictures = [scene.picture(second) for second in range(4)]
            boxes = [walk.box(second, 480, 320) or (0, 0, 1, 1) for second in range(4)]
            made.append(strip(pictures, boxes))
    return made


def _tracklet(random: np.random.Generator, place: int, dimension: int, picture: bytes) -> NewTracklet:
    feature = random.standard_normal(dimension).astype(np.float32)
    feature /= np.linalg.norm(feature)
    boxes = np.zeros(20, BOX_DTYPE)
    boxes["time_us"] = 10_000_000 * place + 100_000 * np.arange(20)
    boxes["w"], boxes["h"], boxes["score"] = 60, 160, 0.9
    clip = NewClip(int(boxes["time_us"][0]), int(boxes["time_us"][-1]), 20, feature)
    return NewTracklet(boxes, feature, [clip], {"height": 160.0, "sharpness": 0.2}, picture)


def _video(name: str, number: int, camera: int) -> NewVideo:
    return NewVideo(
        content_hash=name,
        camera_id=camera,
        file_name=f"{number}.mp4",
        path=f"/nowhere/{number}.mp4",
        owned=False,
        size_bytes=1,
        start_time=START + timedelta(hours=number // CAMERAS),
        duration_us=10_000_000 * PER_VIDEO,
        width=640,
        height=480,
        frames_decoded=12_500,
        frames_bad=0,
        report=VideoReport(detector="none"),
    )


@contextmanager
def serving(data: Path) -> Iterator[str]:
    """`sightline serve` as a process of its own, ready to answer; its address."""
    url = f"http://127.0.0.1:{PORT}"
    limits = {"SIGHTLINE_KEY_REQUESTS_PER_MINUTE": "0", "SIGHTLINE_ADDRESS_REQUESTS_PER_MINUTE": "0"}
    command = [str(Path(sys.executable).with_name("sightline")), "serve", "--port", str(PORT)]
    with (data / "server.log").open("wb") as log:
        environment = {**os.environ, **limits, "SIGHTLINE_DATA_DIR": str(data)}
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            _wait(url, server)
            yield url
        finally:
            server.terminate()
            server.wait(60)


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/readyz", timeout=5).close()
        except OSError:
            time.sleep(0.3)
        else:
            return
    raise SystemExit("the server does not get ready")
