"""The sample recordings in a gallery, indexed by the shipped networks. Nobody on them is real."""

import io
from datetime import datetime
from pathlib import Path

import av
from PIL import Image

from gallery import Gallery
from indexer.networks import in_use, make_detector, make_embedder
from indexer.pipeline import index_video
from indexer.settings import IndexSettings
from indexer.types import Recording
from scripts.demo_world import PLACES, ZONE, Box, SampleWorld, read_truth

FOLDER = Path(__file__).parents[2] / "samples"
# The samples' cameras under names that people give to cameras.
CAMERAS = {
    name: (label, *PLACES[name])
    for name, label in {
        "camera-1": "North gate",
        "camera-2": "Lobby",
        "camera-3": "Yard",
        "camera-4": "South gate",
    }.items()
}


def world() -> SampleWorld:
    """What the samples really show."""
    found = SampleWorld.at(FOLDER)
    assert found is not None
    return found


def start_of(camera: str) -> datetime:
    """When the recording of a sample camera begins."""
    begun = world().start(FOLDER / f"{camera}.mp4")
    assert begun is not None
    return datetime.fromisoformat(begun)


def fill(gallery: Gallery, *cameras: str) -> None:
    """Index the recordings of sample cameras, by default of all four."""
    settings = in_use(IndexSettings(), gallery)
    embedder = make_embedder(settings, gallery.models.exported)
    detector = make_detector(settings)
    for name in cameras or CAMERAS:
        label, site, latitude, longitude = CAMERAS[name]
        camera = gallery.catalogue.add_camera(
            label, site=site, time_zone=ZONE, latitude=latitude, longitude=longitude
        )
        path = FOLDER / f"{name}.mp4"
        index_video(
            gallery, embedder, detector, Recording(path, camera.id, start_of(name), path.name), settings
        )


def frame(camera: str, second: float) -> tuple[bytes, dict[int, Box]]:
    """A frame of a sample recording as a JPEG, and who is on it where: left, top, width, height."""
    facts = next(each for each in world().facts["cameras"] if each["name"] == camera)
    wanted = round(second * facts["fps"])
    with av.open(str(FOLDER / facts["file"])) as container:
        for n, picture in enumerate(container.decode(video=0)):
            if n == wanted:
                file = io.BytesIO()
                Image.fromarray(picture.to_ndarray(format="rgb24")).save(file, "JPEG", quality=92)
                return file.getvalue(), dict(read_truth(FOLDER / facts["truth"])[n + 1])
    raise AssertionError(f"{camera} has no second {second}")
