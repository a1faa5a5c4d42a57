"""A small gallery of drawn recordings: three cameras at two sites, everybody passes each of them twice."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gallery import BOX_DTYPE, Gallery, ModelInfo, NewClip, NewTracklet, NewVideo, VideoReport
from tests.browser.fakes import ColourEmbedder
from tests.browser.scenes import (
    BLUE_JACKET,
    GREEN_HOODIE,
    PURPLE_DRESS,
    RED_COAT,
    WHITE_SHIRT,
    YELLOW_VEST,
    Background,
    Box,
    Figure,
    Pixels,
    Scene,
    Walk,
    jpeg,
    lobby,
    platform,
    street,
    strip,
)

RATE = 10  # pictures a second
SECONDS = 13
EVERYBODY = (RED_COAT, BLUE_JACKET, GREEN_HOODIE, YELLOW_VEST, WHITE_SHIRT, PURPLE_DRESS)
START = datetime(2026, 3, 12, 13, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Place:
    """A camera and when its recording begins."""

    camera: str
    site: str
    background: Background
    start: datetime


PLACES = (
    Place("Lobby", "Main building", lobby, START),
    Place("North street", "Main building", street, START + timedelta(minutes=20)),
    Place("Platform 2", "Station", platform, START + timedelta(hours=2)),
)


def scene(place: Place, width: int = 320, height: int = 180) -> Scene:
    """Everybody walks across, one a second: to the right, and six seconds later to the left."""
    walks = []
    for i, figure in enumerate(EVERYBODY):
        far = 0.78 + 0.035 * i
        walks.append(Walk(figure, (0.06, far), (0.94, far), i, i + 3, 0.62))
        walks.append(Walk(figure, (0.94, far), (0.06, far), i + 6, i + 9 - 0.9, 0.62))
    return Scene(place.background, walks, width, height)


def photo(*figures: Figure, width: int = 480, height: int = 320) -> bytes:
    """A photo of figures standing side by side on the street, the first one nearest, as a JPEG."""
    share = 1 / (len(figures) + 1)
    walks = [
        Walk(figure, (share * (i + 1), 0.96 - 0.07 * i), (share * (i + 1), 0.96 - 0.07 * i), 0, 2, 0.66)
        for i, figure in enumerate(figures)
    ]
    return jpeg(Scene(street, walks, width, height).picture(1.0))


def plain_photo() -> bytes:
    """A photo of nothing that any detector here knows: a red coat's colours, smooth."""
    rows = np.linspace(0, 1, 240)[:, None, None]
    picture = (1 - rows) * np.array(RED_COAT.shirt) + rows * np.array(RED_COAT.trousers)
    return jpeg(np.broadcast_to(picture, (240, 160, 3)).astype(np.uint8))


def fill(gallery: Gallery, directory: Path, width: int, height: int) -> None:
    """Record every place and put it into the gallery, as an indexer with perfect eyes would."""
    embedder = ColourEmbedder()
    model = ModelInfo(embedder.id, embedder.name, embedder.dimension, embedder.card)
    for place in PLACES:
        camera = gallery.catalogue.add_camera(place.camera, site=place.site, time_zone="Europe/Berlin")
        what = scene(place, width, height)
        path = directory / f"{place.camera.replace(' ', '-')}_{place.start:%Y%m%d_%H%M%S}.mp4"
        what.write(path, SECONDS, RATE)
        data = path.read_bytes()
        pictures = [what.picture(n / RATE) for n in range(SECONDS * RATE)]
        with gallery.writer(hashlib.sha256(data).hexdigest(), model) as writer:
            for walk in what.walks:
                writer.add(_tracklet(walk, pictures, embedder))
            writer.commit(_video(path, data, camera.id, place, width, height))


def _tracklet(walk: Walk, pictures: list[Pixels], embedder: ColourEmbedder) -> NewTracklet:
    height, width = pictures[0].shape[:2]
    seen: list[tuple[int, Box]] = []
    for n in range(len(pictures)):
        box = walk.box(n / RATE, width, height)
        if box is not None:
            seen.append((n, box))
    features = embedder.embed_images([_crop(pictures[n], box) for n, box in seen])
    mean = features.mean(axis=0)
    feature = (mean / np.linalg.norm(mean)).astype(np.float32)
    quarters = [seen[len(seen) * (2 * i + 1) // 8] for i in range(4)]
    half = len(seen) // 2
    clips = [_clip(seen[:half], features[:half]), _clip(seen[half:], features[half:])]
    return NewTracklet(
        boxes=_boxes(seen),
        feature=feature,
        clips=clips,
        quality={"height": float(np.median([box[3] for _, box in seen]))},
        thumbnail=strip([pictures[n] for n, _ in quarters], [box for _, box in quarters]),
    )


def _boxes(seen: list[tuple[int, Box]]) -> NDArray[np.void]:
    boxes = np.zeros(len(seen), dtype=BOX_DTYPE)
    for row, (n, box) in zip(boxes, seen, strict=True):
        row["time_us"], row["frame"], row["score"] = n * 1_000_000 // RATE, n, 0.9
        row["x"], row["y"], row["w"], row["h"] = box
    return boxes


def _clip(seen: list[tuple[int, Box]], features: NDArray[np.float32]) -> NewClip:
    mean = features.mean(axis=0)
    first, last = seen[0][0], seen[-1][0]
    return NewClip(
        start_us=first * 1_000_000 // RATE,
        end_us=last * 1_000_000 // RATE,
        frame_count=len(seen),
        feature=(mean / np.linalg.norm(mean)).astype(np.float32),
    )


def _crop(picture: Pixels, box: Box) -> Pixels:
    height, width = picture.shape[:2]
    x, y, w, h = box
    left, right = max(0, int(x)), min(width, int(x + w) + 1)
    top, bottom = max(0, int(y)), min(height, int(y + h) + 1)
    return picture[top:bottom, left:right]


def _video(path: Path, data: bytes, camera_id: int, place: Place, width: int, height: int) -> NewVideo:
    return NewVideo(
        content_hash=hashlib.sha256(data).hexdigest(),
        camera_id=camera_id,
        file_name=path.name,
        path=str(path),
        owned=False,
        size_bytes=len(data),
        start_time=place.start,
        duration_us=SECONDS * 1_000_000,
        width=width,
        height=height,
        frames_decoded=SECONDS * RATE,
        frames_bad=0,
        report=VideoReport(detector="test"),
    )
