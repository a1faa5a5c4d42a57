"""The service as a whole: on both databases, and while something slow goes on."""

import socket
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from starlette.testclient import TestClient

from gallery import Gallery
from models.detector import Detections
from service.app import create_app
from service.pixels import Pixels
from service.settings import ServiceSettings
from service.work import checkpoint
from tests.service.conftest import Archive, make_archive, settings_for, upload
from tests.service.fakes import ColourEmbedder, ContrastDetector
from tests.service.videos import GREEN, RED, encoded, scene
from tests.sightline.serving import served
from tests.waiting import PATIENCE, until


def test_the_main_road_on_both_databases(gallery: Gallery, tmp_path: Path) -> None:
    archive = make_archive(gallery, tmp_path / "media")
    app = create_app(
        settings_for(archive), gallery=gallery, embedder=ColourEmbedder(), detector=ContrastDetector()
    )
    headers = {"X-API-Key": gallery.keys.create("road")[1]}
    with TestClient(app, headers=headers) as client:
        probe = upload(client, scene((GREEN, 100, 60)))
        query = {"probes": [{"probe_id": probe["id"]}], "start": "2026-03-01T12:00:00Z", "limit": 1}
        answer = client.post("/v1/searches", json=query).json()
        assert answer["hits"][0]["tracklet_id"] == archive.tracklets["gate", GREEN]
        page = client.get(f"/v1/searches/{answer['id']}", params={"cursor": answer["next_cursor"]}).json()
        assert page["hits"][0]["rank"] == 2
        assert client.get(answer["hits"][0]["clip_url"]).status_code == 200
        recording = {"path": "gate.mp4", "camera": "gate", "start": "2026-03-01T12:00:00Z"}
        job = client.post("/v1/index-jobs", json={"recordings": [recording]}).json()
        assert client.post(f"/v1/index-jobs/{job['id']}/cancel").json()["state"] == "cancelled"
        assert client.delete(f"/v1/videos/{archive.videos['gate'].id}").status_code == 204
        after = client.post("/v1/searches", json=query).json()
        assert {hit["camera"]["name"] for hit in after["hits"]} == {"yard"}
        assert client.get("/readyz").status_code == 200


class SlowEmbedder(ColourEmbedder):
    """Takes until it is let go on, and counts how many passes go on at once."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = threading.Event()
        self.go_on.set()
        self.now = self.most = 0
        self._lock = threading.Lock()

    def embed_images(self, crops: Sequence[Pixels]) -> NDArray[np.float32]:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        assert self.go_on.wait(PATIENCE)
        with self._lock:
            self.now -= 1
        return super().embed_images(crops)


def test_a_slow_search_holds_nobody_up(archive: Archive, settings: ServiceSettings, secret: str) -> None:
    embedder = SlowEmbedder()
    app = create_app(settings, gallery=archive.gallery, embedder=embedder, detector=ContrastDetector())
    with TestClient(app, headers={"X-API-Key": secret}) as client, ThreadPoolExecutor(12) as pool:
        probe = upload(client, scene((RED, 100, 60)))
        until(lambda: embedder.most and not embedder.now)  # the trial at the start
        embedder.go_on.clear()
        query = {"probes": [{"probe_id": probe["id"]}]}
        searches = [pool.submit(client.post, "/v1/searches", json=query) for _ in range(12)]
        until(lambda: embedder.now == settings.network_passes)
        for _ in range(12):
            assert client.get("/livez").status_code == 200
            assert client.get("/v1/cameras").status_code == 200
        assert not any(search.done() for search in searches)
        embedder.go_on.set()
        assert {search.result().status_code for search in searches} == {201}
    assert embedder.most == settings.network_passes == 2


def test_head_answers_as_get_does_without_the_body(client: TestClient, archive: Archive) -> None:
    tracklet = f"/v1/tracklets/{archive.tracklets['gate', RED]}"
    paths = ["/", "/livez", "/readyz", "/openapi.json", "/web/js/api.js", "/v1/cameras", tracklet]
    for path in [*paths, f"{tracklet}/thumbnail", f"{tracklet}/clip", "/v1/nowhere"]:
        got, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (got.status_code, b""), path
        for name in ("content-type", "content-length", "etag", "cache-control"):
            assert head.headers.get(name) == got.headers.get(name), (path, name)


class Watching(ContrastDetector):
    """Looks at a photo for as long as somebody waits."""

    def __init__(self) -> None:
        self.looking, self.ended = threading.Event(), threading.Event()

    def detect(self, frames: Sequence[Pixels]) -> list[Detections]:
        if frames[0].shape[:2] != (240, 320):  # the trial at the start
            return super().detect(frames)
        self.looking.set()
        try:
            while True:
                checkpoint()
        finally:
            self.ended.set()


def test_work_stops_when_its_client_goes_away(
    archive: Archive, settings: ServiceSettings, secret: str
) -> None:
    detector = Watching()
    app = create_app(settings, gallery=archive.gallery, embedder=ColourEmbedder(), detector=detector)
    photo = encoded(scene((RED, 100, 60)))
    body = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + photo + b"\r\n--x--\r\n"
    )
    head = (
        "POST /v1/probes HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        f"X-API-Key: {secret}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with served(app) as url:
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as connection:
            connection.sendall(head.encode() + body)
            assert detector.looking.wait(PATIENCE)
        assert detector.ended.wait(PATIENCE)
