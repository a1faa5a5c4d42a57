"""What does ONNX Runtime save in all? `python benchmarks/runtimes.py RECORDING PHOTO`

Indexes a recording and answers a photo, with torch and with ONNX Runtime in turns: whatever else uses the
cores slows both. Times are CPU time, threads and the decoder's process added up. To answer is to find the
persons on the photo, embed the first of them and rank the tracklets of the recording. The ratio of each turn
is torch's time by ONNX Runtime's; its median and quartiles are printed.
"""

import resource
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from gallery import Gallery, GallerySettings, Hit
from indexer.networks import make_detector, make_embedder
from indexer.pipeline import index_video
from indexer.settings import IndexSettings
from indexer.types import Recording
from models.detector import Detector
from models.embedder import Embedder
from service import persons
from service.pixels import Pixels

TURNS = 3
PHOTO_TURNS = 15
START = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Side:
    """One runtime, with the gallery that it fills."""

    settings: IndexSettings
    embedder: Embedder
    detector: Detector
    root: Path

    def index(self, recording: Path) -> None:
        """Index a recording into a new gallery."""
        folder = Path(tempfile.mkdtemp(dir=self.root))
        with Gallery.open(GallerySettings(data_dir=folder, database_url=None), create=True) as gallery:
            camera = gallery.catalogue.add_camera("camera")
            asked = Recording(recording, camera.id, START, recording.name)
            index_video(gallery, self.embedder, self.detector, asked, self.settings)
        (self.root / "last").unlink(missing_ok=True)
        (self.root / "last").symlink_to(folder)

    def answer(self, gallery: Gallery, photo: Pixels) -> list[Hit]:
        """Find the person on a photo, and rank who was recorded."""
        x, y, w, h = (round(value) for value in persons.find(self.detector, photo).persons[0].box)
        feature = self.embedder.embed_images([photo[max(0, y) : y + h, max(0, x) : x + w]])[0]
        return list(gallery.snapshot(self.embedder.id).search(feature, limit=100).hits)


def main(recording: Path, photo: Path) -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        sides = [side(one, Path(folder)) for one in ("torch", "onnx")]
        print("| task | torch, CPU ms | ONNX Runtime, CPU ms | ratio (quartiles) |\n|---|---:|---:|---|")
        compare(f"index {recording.name}", [partial(one.index, recording) for one in sides], TURNS)
        pixels = np.array(Image.open(photo).convert("RGB"))
        last = [GallerySettings(data_dir=one.root / "last", database_url=None) for one in sides]
        with Gallery.open(last[0]) as first, Gallery.open(last[1]) as second:
            both = list(zip(sides, (first, second), strict=True))
            asks = [partial(one.answer, gallery, pixels) for one, gallery in both]
            compare(f"answer {photo.name}", asks, PHOTO_TURNS)
            compare(
                "embed a photo", [partial(one.embedder.embed_images, [pixels]) for one in sides], PHOTO_TURNS
            )
            print_agreement([ask() for ask in asks])


def side(runtime: str, folder: Path) -> Side:
    settings = IndexSettings.model_validate({"device": "cpu", "runtime": runtime})
    root = folder / runtime
    root.mkdir()
    return Side(settings, make_embedder(settings, folder / "exported"), make_detector(settings), root)


def compare(task: str, works: Sequence[Callable[[], object]], turns: int) -> None:
    costs = np.array([[timed(work) for work in works] for _ in range(turns + 1)][1:])
    low, middle, high = np.quantile(costs[:, 0] / costs[:, 1], (0.25, 0.5, 0.75))
    ours, theirs = 1e3 * np.median(costs, axis=0)
    print(f"| {task} | {ours:.1f} | {theirs:.1f} | {middle:.2f} ({low:.2f} to {high:.2f}) |", flush=True)


def timed(work: Callable[[], object]) -> float:
    begin = spent()
    work()
    return spent() - begin


def spent() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def print_agreement(answers: list[list[Hit]]) -> None:
    """Tracklets have other ids in each gallery, so hits are held against each other by their scores."""
    ours, theirs = (np.array([[hit.score, hit.standard_score] for hit in one]) for one in answers)
    worst = np.abs(ours - theirs).max(axis=0)
    print(f"\n{len(ours)} hits; cosines differ by {worst[0]:.1e}, standard scores by {worst[1]:.1e} at most.")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
