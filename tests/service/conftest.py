"""A small archive to search: two cameras, three recordings that really play, and a running service."""

import hashlib
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from sqlalchemy import update
from starlette.testclient import TestClient

from gallery import (
    BOX_DTYPE,
    Gallery,
    GallerySettings,
    NewClip,
    NewTracklet,
    NewVideo,
    VideoInfo,
    VideoReport,
)
from gallery.sql.tables import Video
from service.app import create_app
from service.settings import ServiceSettings
from tests.service.fakes import ColourEmbedder, ContrastDetector
from tests.service.videos import BLUE, GREEN, RED, encoded, person, scene, write_video

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
RATE = 10
Colour = tuple[int, int, int]


@dataclass
class Archive:
    """What was put into the gallery: tracklet ids by camera and colour."""

    gallery: Gallery
    media: Path
    videos: dict[str, VideoInfo] = field(default_factory=dict)
    tracklets: dict[tuple[str, Colour], str] = field(default_factory=dict)


def walk(colour: Colour, second: float) -> tuple[Colour, int, int]:
    """Where the one in a colour is: red on top, moving right."""
    return colour, round(20 + 40 * second), {RED: 10, GREEN: 60, BLUE: 120}[colour]


@cache
def recorded(colours: tuple[Colour, ...], seconds: int) -> bytes:
    """A recording of people walking."""
    pictures = [scene(*(walk(colour, i / RATE) for colour in colours)) for i in range(seconds * RATE)]
    with TemporaryDirectory() as folder:
        return write_video(Path(folder) / "recording.mp4", pictures, rate=RATE).read_bytes()


def index(
    archive: Archive,
    camera: str,
    start: datetime,
    colours: list[Colour],
    seconds: int = 5,
    *,
    name: str | None = None,
    intervals: Sequence[tuple[int, int]] | None = None,
    found: Sequence[Colour] | None = None,
    replace: bool = False,
) -> None:
    """Put a recording of people walking into the gallery, as an indexer would; `intervals` have pictures.

    `found` are the people in the order in which they are found, which is that of their tracklets' ids.
    """
    content = recorded(tuple(colours), seconds)
    path = archive.media / f"{name or camera}.mp4"
    path.write_bytes(content)
    content_hash = hashlib.sha256(content).hexdigest()
    embedder = ColourEmbedder()
    with archive.gallery.writer(content_hash, embedder.info) as writer:
        for colour in found or colours:
            feature = embedder.embed_images([person(colour)])[0]
            # Half a second after the recording begins until half a second before it ends, in two clips.
            boxes = np.zeros((seconds - 1) * 5 + 1, dtype=BOX_DTYPE)
            for i, box in enumerate(boxes):
                second = 0.5 + i / 5
                _, x, y = walk(colour, second)
                box["time_us"], box["frame"] = round(second * 1e6), round(second * RATE)
                box["x"], box["y"], box["w"], box["h"], box["score"] = x, y, 40, 100, 0.9
            half = len(boxes) // 2
            clips = [
                NewClip(int(part["time_us"][0]), int(part["time_us"][-1]), len(part), feature)
                for part in (boxes[:half], boxes[half:])
            ]
            strip = np.concatenate([person(colour)] * 4, axis=1)
            tracklet = NewTracklet(boxes, feature, clips, {"height": 100.0}, encoded(strip, "JPEG"))
            archive.tracklets[camera, colour] = writer.add(tracklet)
        archive.videos[camera] = writer.commit(
            NewVideo(
                content_hash=content_hash,
                camera_id=archive.gallery.catalogue.camera_named(camera).id,
                file_name=path.name,
                path=str(path),
                owned=False,
                size_bytes=len(content),
                start_time=start,
                duration_us=seconds * 1_000_000,
                width=320,
                height=240,
                frames_decoded=seconds * RATE,
                frames_bad=0,
                report=VideoReport(detector="test"),
                intervals=intervals,
            ),
            replace=replace,
        )


def make_archive(gallery: Gallery, media: Path) -> Archive:
    """Gate (site north) saw red and green at noon, yard (south) red and blue an hour later, roof nothing."""
    media.mkdir()
    made = Archive(gallery, media)
    catalogue = gallery.catalogue
    catalogue.add_camera("gate", site="north", time_zone="Europe/Berlin")
    catalogue.add_camera("yard", site="south")
    catalogue.add_camera("roof", site="south")
    index(made, "gate", NOON, [RED, GREEN])
    index(made, "yard", NOON + timedelta(hours=1), [RED, BLUE])
    return made


def settings_for(archive: Archive) -> ServiceSettings:
    """Settings of a service on an archive."""
    return ServiceSettings(data_dir=archive.gallery.data_dir, media_dir=archive.media, max_clip_side=320)


def copy_files(template: Archive, data_dir: Path, media: Path) -> None:
    """Copy an archive that is closed."""
    shutil.copytree(template.media, media)
    shutil.copytree(template.gallery.data_dir, data_dir, dirs_exist_ok=True)


def moved(template: Archive, gallery: Gallery, media: Path) -> Archive:
    """The copy of an archive: indexed after its files were written, as recordings are."""
    videos = {
        camera: replace(video, path=str(media / Path(video.path).name), indexed_at=datetime.now(UTC))
        for camera, video in template.videos.items()
    }
    with gallery._database.write() as session:
        for video in videos.values():
            changed = {"path": video.path, "indexed_at": video.indexed_at}
            session.execute(update(Video).where(Video.id == video.id).values(changed))
    return Archive(gallery, media, videos, dict(template.tracklets))


@pytest.fixture(scope="session")
def shared_client(
    archive_template: Archive, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    """A caller with a key, of one service for all the tests that only ask and are refused."""
    root = tmp_path_factory.mktemp("shared")
    copy_files(archive_template, root / "gallery", root / "media")
    with Gallery.open(GallerySettings(data_dir=root / "gallery")) as gallery:
        archive = moved(archive_template, gallery, root / "media")
        app = create_app(
            settings_for(archive), gallery=gallery, embedder=ColourEmbedder(), detector=ContrastDetector()
        )
        headers = {"X-API-Key": gallery.keys.create("shared")[1]}
        with TestClient(app, headers=headers, raise_server_exceptions=False) as opened:
            yield opened


@pytest.fixture(scope="session")
def shared_probe(shared_client: TestClient) -> dict[str, Any]:
    """A probe of that caller with one person in red."""
    return upload(shared_client, scene((RED, 100, 60)))


@pytest.fixture(scope="session")
def archive_template(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """An archive to copy from, closed: to make one takes longer than most tests."""
    root = tmp_path_factory.mktemp("archive")
    (root / "gallery").mkdir()
    shutil.copyfile(sqlite_template, root / "gallery" / "gallery.sqlite3")
    with Gallery.open(GallerySettings(data_dir=root / "gallery")) as gallery:
        return make_archive(gallery, root / "media")


@pytest.fixture
def archive(
    archive_template: Archive, sqlite_settings: GallerySettings, request: Any, tmp_path: Path
) -> Archive:
    """An archive of this test's own."""
    media = tmp_path / "media"
    copy_files(archive_template, sqlite_settings.data_dir, media)
    # Opened now that it holds something.
    return moved(archive_template, request.getfixturevalue("sqlite_gallery"), media)


@pytest.fixture
def settings(archive: Archive) -> ServiceSettings:
    return settings_for(archive)


@pytest.fixture
def secret(archive: Archive) -> str:
    """An API key."""
    return archive.gallery.keys.create("tests")[1]


@pytest.fixture
def make_app(archive: Archive, settings: ServiceSettings) -> Callable[..., FastAPI]:
    """An application on the archive, with settings changed."""

    def make(**changes: object) -> FastAPI:
        return create_app(
            settings.model_copy(update=changes),
            gallery=archive.gallery,
            embedder=ColourEmbedder(),
            detector=ContrastDetector(),
        )

    return make


@pytest.fixture
def client(make_app: Callable[..., FastAPI], secret: str) -> Iterator[TestClient]:
    """A caller with a key."""
    with TestClient(make_app(), headers={"X-API-Key": secret}, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def other(client: TestClient, archive: Archive) -> TestClient:
    """A caller with another key of the same service."""
    _, secret = archive.gallery.keys.create("other")
    return TestClient(client.app, headers={"X-API-Key": secret}, raise_server_exceptions=False)


@pytest.fixture
def probe(client: TestClient) -> dict[str, Any]:
    """A probe with one person in red."""
    return upload(client, scene((RED, 100, 60)))


def upload(client: TestClient, picture: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> dict[str, Any]:
    """Upload a picture and return the probe."""
    answer = client.post("/v1/probes", files={"file": ("photo.png", encoded(picture))})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body
