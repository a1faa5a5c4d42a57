"""SIGTERM to real processes: what a server has begun is answered, what a worker has begun goes back."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from gallery import Gallery, GallerySettings, NewRecording
from tests.waiting import PATIENCE, until

ROOT = Path(__file__).parents[2]
# The real commands with networks that see colours, the slow ones as long as a file is missing.
SCRIPT = """
import sys
from pathlib import Path
import indexer.networks, service.networks
from tests.indexer.fakes import ColourDetector, TinyEmbedder
from tests.waiting import until
began, go_on = (Path(name) for name in sys.argv[1:3])
class Slow(TinyEmbedder):
    def embed_images(self, crops):
        if crops[0].shape[0] != 128:  # the trial at the start
            began.touch()
            until(go_on.exists)
        return super().embed_images(crops)
class Watched(ColourDetector):
    def detect(self, frames):
        began.touch()
        return super().detect(frames)
service.networks.load = lambda settings: (Slow(), ColourDetector())
indexer.networks.make_embedder = lambda *_: TinyEmbedder()
indexer.networks.make_detector = lambda settings, size=None: Watched(seconds=0.2)
from sightline.main import app
app(sys.argv[3:])
"""


@contextmanager
def command(folder: Path, settings: GallerySettings, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("SIGHTLINE_")},
        "PYTHONPATH": str(ROOT),
        "SIGHTLINE_DATA_DIR": str(settings.data_dir),
        "SIGHTLINE_LOG_FORMAT": "json",
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(folder / "began"), str(folder / "go on"), *arguments],
            env=environment,
            stdout=log,
            stderr=log,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.mark.long
def test_a_server_that_is_told_to_stop_answers_what_it_has_begun(
    sqlite_settings: GallerySettings, tmp_path: Path, photo: Path
) -> None:
    with Gallery.open(sqlite_settings) as gallery:
        _, secret = gallery.keys.create("caller")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    answers: list[int] = []
    with command(tmp_path, sqlite_settings, "serve", "--port", str(port)) as server:
        url = f"http://127.0.0.1:{port}"

        def ready() -> bool:
            assert server.poll() is None, (tmp_path / "log").read_text()
            try:
                return httpx2.get(f"{url}/readyz", timeout=PATIENCE).status_code == 200
            except httpx2.TransportError:
                return False

        until(ready, pause=0.1)

        def search() -> None:
            files, headers = {"file": ("Jane.png", photo.read_bytes())}, {"X-API-Key": secret}
            answer = httpx2.post(
                f"{url}/v1/searches/by-photo", files=files, headers=headers, timeout=PATIENCE
            )
            answers.append(answer.status_code)

        caller = threading.Thread(target=search)
        caller.start()
        until((tmp_path / "began").exists)
        server.send_signal(signal.SIGTERM)
        with pytest.raises(httpx2.TransportError):  # no new caller comes in
            until(lambda: httpx2.get(f"{url}/livez", timeout=PATIENCE).status_code != 200, pause=0.05)
        assert answers == []
        assert server.poll() is None
        (tmp_path / "go on").touch()
        caller.join(PATIENCE)
        assert server.wait(PATIENCE) in {0, -signal.SIGTERM}
    assert answers == [201]
    log = (tmp_path / "log").read_text()
    events = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert sum(event.get("route") == "/v1/searches/by-photo" for event in events) == 1
    assert "Traceback" not in log
    assert "Jane" not in log
    assert secret not in log


@pytest.mark.long
def test_a_worker_that_is_told_to_stop_gives_its_recording_back(
    sqlite_settings: GallerySettings, tmp_path: Path, recordings: Path
) -> None:
    start = datetime(2026, 1, 5, tzinfo=UTC)
    with Gallery.open(sqlite_settings) as gallery:
        camera = gallery.catalogue.add_camera("gate").id
        job = gallery.jobs.file([NewRecording(camera, str(recordings / "a.mp4"), "a.mp4", False, start)])
        with command(tmp_path, sqlite_settings, "worker") as worker:

            def working() -> bool:
                assert worker.poll() is None, (tmp_path / "log").read_text()
                return (tmp_path / "began").exists()

            until(working)
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(PATIENCE) == 0
        (recording,) = gallery.jobs.get(job.id).recordings
        again = gallery.jobs.claim("the next", lease_seconds=60)
    assert (recording.state, recording.worker, recording.progress) == ("queued", None, 0.0)
    assert again is not None, "another worker need not wait until a lease has run out"
    assert "given up" in (tmp_path / "log").read_text()
