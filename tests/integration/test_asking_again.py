"""A search asked again after ten more indexing jobs ranks as it did; what was erased between is named."""

import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from gallery import Gallery, GallerySettings
from indexer.settings import IndexSettings
from indexer.worker import Worker
from service.app import create_app
from service.settings import ServiceSettings
from tests.indexer.fakes import ColourDetector, TinyEmbedder
from tests.indexer.videos import GREEN, PALETTE, Walker, draw, make_video

Json = dict[str, Any]
BEFORE, AFTER = 4, 10  # recordings


@pytest.fixture
def media(tmp_path: Path) -> Path:
    folder = tmp_path / "media"
    folder.mkdir()
    for number in range(BEFORE + AFTER):
        first, second = PALETTE[number % 3], PALETTE[(number + 1) % 3]
        walkers = [Walker(first, 0, 40, (10, 20 + number)), Walker(second, 5, 45, (20, 140 - number))]
        make_video(folder / f"{number}.mp4", walkers, seed=number)
    return folder


@pytest.fixture
def client(gallery: Gallery, gallery_settings: GallerySettings, media: Path) -> Iterator[TestClient]:
    """A caller of a service on either database."""
    settings = ServiceSettings(
        data_dir=gallery_settings.data_dir, database_url=gallery_settings.database_url, media_dir=media
    )
    app = create_app(settings, gallery=gallery, embedder=TinyEmbedder(), detector=ColourDetector())
    with TestClient(app, headers={"X-API-Key": gallery.keys.create("test")[1]}) as opened:
        yield opened


def index(client: TestClient, gallery: Gallery, number: int) -> None:
    """One job for one recording, filed over REST and done by a worker."""
    recording = {
        "path": f"{number}.mp4",
        "camera": ("gate", "yard")[number % 2],
        "start": f"2026-03-01T{6 + number:02}:00:00Z",
    }
    assert client.post("/v1/index-jobs", json={"recordings": [recording]}).status_code == 202
    worker = Worker(
        gallery, TinyEmbedder, IndexSettings(), "w", detector_factory=lambda size: ColourDetector()
    )
    worker.run(threading.Event(), once=True)


def ask(client: TestClient, colour: tuple[int, int, int]) -> Json:
    jpeg = io.BytesIO()
    Image.fromarray(draw([Walker(colour, 0, 1, (100, 60))], 0)).save(jpeg, "JPEG", quality=95)
    answer = client.post("/v1/searches/by-photo", files={"file": ("p.jpg", jpeg.getvalue())})
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def again(client: TestClient, search: Json, on: str) -> Json:
    answer = client.post(f"/v1/searches/{search['id']}/again", json={"on": on})
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def ranking(answer: Json) -> list[tuple[str, float, float]]:
    return [(hit["tracklet_id"], hit["score"], hit["standard_score"]) for hit in answer["hits"]]


@pytest.mark.long
def test_ten_jobs_and_an_erasure_between(client: TestClient, gallery: Gallery) -> None:
    for name in ("gate", "yard"):
        gallery.catalogue.add_camera(name)
    for number in range(BEFORE):
        index(client, gallery, number)
    asked = {colour: ask(client, colour) for colour in PALETTE}
    assert [len(answer["hits"]) for answer in asked.values()] == [2 * BEFORE] * 3
    for number in range(BEFORE, BEFORE + AFTER):
        index(client, gallery, number)
    gallery.compact()

    for first in asked.values():
        same = again(client, first, "snapshot")
        assert ranking(same) == ranking(first)
        assert same["coverage"] == first["coverage"]
        assert same["repeats"] == {
            "search_id": first["id"],
            "on": "snapshot",
            "same_ranking": True,
            "erased": [],
            "erased_tracklets": 0,
            "new_hits": None,
            "damaged": [],
            "damaged_tracklets": 0,
        }
        now = again(client, first, "now")
        old = {hit["tracklet_id"] for hit in first["hits"]}
        assert {hit["tracklet_id"] for hit in now["hits"] if not hit["new"]} == old
        assert now["repeats"]["new_hits"] == 2 * AFTER == len(now["hits"]) - len(old)
        assert client.get(f"/v1/searches/{now['id']}").json() == now

    first = asked[GREEN]
    video = first["hits"][0]["video_id"]
    assert client.delete(f"/v1/videos/{video}").status_code == 204
    left = again(client, first, "snapshot")
    gone = [(hit["rank"], hit["tracklet_id"]) for hit in first["hits"] if hit["video_id"] == video]
    assert [(hit["rank"], hit["tracklet_id"]) for hit in left["repeats"]["erased"]] == gone
    assert left["repeats"]["erased_tracklets"] == len(gone) == 2
    assert {hit["tracklet_id"] for hit in left["hits"]} == {
        hit["tracklet_id"] for hit in first["hits"] if hit["video_id"] != video
    }
    assert any("erased" in warning for warning in left["warnings"])
