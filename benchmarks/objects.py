"""What do recordings cost that lie in an object store, beside the same ones on the disk?

    python -m benchmarks.objects [--megabytes 300] [--rounds 3]

The store is moto's S3 server, another process on this machine, which is written in Python and reached over
loopback: what is measured is what copying costs here, and no network. The recording is a sample of a minute
with a box behind it that no decoder reads, as large as is asked for, so that bytes cost what they would of a
recording of an hour, and looking at people what it does of a minute. File and object take turns; medians.

Bringing a recording here: an object is copied in pieces and synchronised to the disk. Below that lie a copy
of the file in the same pieces, and answers of the store that are read and thrown away, in one and in the same
pieces (which this server is slow at). Indexing: as a worker does, after an object
was brought. Clips: over the service, from the request to the last byte.
"""

import argparse
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import boto3
import structlog
from starlette.testclient import TestClient

from benchmarks.machine import cpu_seconds, machine
from gallery import Gallery, GallerySettings, Places, VideoInfo
from gallery.disk.objects import PIECE_BYTES
from indexer.at_hand import at_hand
from indexer.networks import make_detector, make_embedder
from indexer.pipeline import index_video
from indexer.progress import Silent
from indexer.settings import IndexSettings
from indexer.types import Recording
from service.app import create_app
from service.settings import ServiceSettings
from tests.indexer.contents import contents

SAMPLE = Path(__file__).parents[1] / "samples" / "camera-2.mp4"
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
BUCKET, KEY = "recordings", "site/recording.mp4"
URL = f"s3://{BUCKET}/{KEY}"
SERVE = "import sys; from tests.objects import Store; print(Store().endpoint, flush=True); sys.stdin.read()"
FOUND = ("tracklet", "clip", "segments", "thumbnails")
T = TypeVar("T")
Taken = dict[tuple[str, str], list[tuple[float, float]]]


def main() -> None:
    asked = _arguments()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    print(machine("python -m benchmarks.objects", ("s3fs", "moto", "aiobotocore")), flush=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=asked.directory)))
        recording = enlarged(folder / "recording.mp4", asked.megabytes)
        client = stack.enter_context(store(recording))
        settings = {"object_roots": f"s3://{BUCKET}/", "object_endpoint": client.meta.endpoint_url}
        networks = make_embedder(IndexSettings(), folder / "exported"), make_detector(IndexSettings())
        bench = Bench(recording, client, settings, networks, folder, asked.rounds)
        bench.bring()
        for kind, (gallery, video) in bench.index(stack).items():
            bench.play(kind, gallery, video)
    print_table(bench.taken, asked)


def enlarged(path: Path, megabytes: int) -> Path:
    """The sample with a box of what no decoder reads behind it."""
    content = SAMPLE.read_bytes()
    left = megabytes * 1_000_000 - len(content)
    with path.open("wb") as file:
        file.write(content + left.to_bytes(4) + b"free")
        for begin in range(8, left, PIECE_BYTES):
            file.write(os.urandom(min(PIECE_BYTES, left - begin)))
    return path


@contextmanager
def store(recording: Path) -> Iterator[Any]:
    """The server with the recording in it, as a client sees it."""
    os.environ |= {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "tests"}
    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
    with subprocess.Popen(
        [sys.executable, "-c", SERVE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        client = boto3.client("s3", endpoint_url=server.stdout.readline().decode().strip())
        client.upload_file(str(recording), BUCKET, KEY)
        yield client
        server.stdin.close()


@dataclass
class Bench:
    """What is measured, and what it took: seconds by the clock and of CPU, by what was done with which."""

    recording: Path
    client: Any
    settings: dict[str, Any]
    networks: tuple[Any, Any]
    folder: Path
    rounds: int
    taken: Taken = field(default_factory=lambda: defaultdict(list))

    def bring(self) -> None:
        """Copy the file and the object, and only read the object, in one answer and in pieces."""
        settings = GallerySettings(data_dir=self.folder, database_url=None, **self.settings)
        places, size = Places(settings, self.folder / "copies"), self.recording.stat().st_size

        def copy_file() -> None:
            with self.recording.open("rb") as source, (self.folder / "copy").open("wb") as target:
                while piece := source.read(PIECE_BYTES):
                    target.write(piece)
                target.flush()
                os.fsync(target.fileno())

        def read(**span: str) -> None:
            body = self.client.get_object(Bucket=BUCKET, Key=KEY, **span)["Body"]
            while body.read(PIECE_BYTES):
                pass

        def read_pieces() -> None:
            for begin in range(0, size, PIECE_BYTES):
                read(Range=f"bytes={begin}-{min(size, begin + PIECE_BYTES) - 1}")

        def copy_object() -> None:
            with places.at_hand(URL) as found:
                assert found.size == size

        for _ in range(self.rounds):
            self.timed("bring", "file", copy_file)
            self.timed("bring", "in one", read)
            self.timed("bring", "in pieces", read_pieces)
            self.timed("bring", "object", copy_object)
        places.close()

    def index(self, stack: ExitStack) -> dict[str, tuple[Gallery, VideoInfo]]:
        """Index file and object, each round into new galleries; returns those of the last round."""
        galleries: dict[str, tuple[Gallery, VideoInfo]] = {}
        for number in range(self.rounds):
            for kind, place in {"file": str(self.recording), "object": URL}.items():
                data_dir = self.folder / f"{kind}-{number}"
                own = GallerySettings(data_dir=data_dir, database_url=None, **self.settings)
                gallery = stack.enter_context(Gallery.open(own, create=True))
                camera = gallery.catalogue.get_or_add_camera("camera")
                named = Recording.at(place, camera.id, START, self.recording.name)
                galleries[kind] = gallery, self.timed("index", kind, partial(self._index, gallery, named))
            found = [contents(gallery) for gallery, _ in galleries.values()]
            assert all(found[0][name] == found[1][name] for name in FOUND), "file and object gave other rows"
        return galleries

    def _index(self, gallery: Gallery, named: Recording) -> VideoInfo:
        with at_hand(gallery.places, named, Silent()) as here:
            return index_video(gallery, *self.networks, here, IndexSettings()).video

    def play(self, kind: str, gallery: Gallery, video: VideoInfo) -> None:
        """Ask for clips over the service."""
        service = ServiceSettings(data_dir=gallery.data_dir, database_url=None)
        embedder, detector = self.networks
        app = create_app(service, gallery=gallery, embedder=embedder, detector=detector)
        headers = {"X-API-Key": gallery.keys.create("benchmark")[1]}
        with TestClient(app, headers=headers) as client:

            def clip(padding: float) -> None:
                answer = client.get(f"/v1/tracklets/{video.id}-0/clip", params={"padding": padding})
                assert answer.status_code == 200, answer.text

            clip(0.0)  # the first of a process also loads what cuts it
            for number in range(self.rounds):
                gallery.places.forget(video.id)  # with the copy, but not with clips
                first, second = 0.1 + 0.2 * number, 0.2 + 0.2 * number
                self.timed("first clip, nothing copied", kind, partial(clip, first))
                self.timed("another clip, copy there", kind, partial(clip, second))
                self.timed("the same clip again", kind, partial(clip, second))

    def timed(self, what: str, of: str, action: Callable[[], T]) -> T:
        """Do something and note what it took, server of the store not counted."""
        wall, cpu = time.perf_counter(), cpu_seconds()
        result = action()
        self.taken[what, of].append((time.perf_counter() - wall, cpu_seconds() - cpu))
        return result


def print_table(taken: Taken, asked: argparse.Namespace) -> None:
    print(f"\n{SAMPLE.name} made {asked.megabytes} MB, {asked.rounds} rounds; CPU seconds of this process.\n")
    print("| | file | object | object above file |\n|---|---:|---:|---:|")
    for what in dict.fromkeys(what for what, _ in taken):
        file, own = (_median(taken[what, kind]) for kind in ("file", "object"))
        print(
            f"| {what} | {file[0]:.3f} s, CPU {file[1]:.2f} | {own[0]:.3f} s, CPU {own[1]:.2f} "
            f"| {own[0] - file[0]:+.3f} s, {own[0] / file[0]:.2f} times |"
        )
    speeds = {
        of: f"{asked.megabytes / _median(some)[0]:,.0f} MB/s"
        for (what, of), some in taken.items()
        if what == "bring"
    }
    print(
        f"\nBringing it: file to file {speeds['file']}, store to disk {speeds['object']}; only reading from "
        f"the store {speeds['in one']} in one answer, {speeds['in pieces']} in pieces of "
        f"{PIECE_BYTES >> 20} MiB. Rows and vectors of file and object were identical."
    )


def _median(some: Sequence[tuple[float, float]]) -> tuple[float, float]:
    return statistics.median(wall for wall, _ in some), statistics.median(cpu for _, cpu in some)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--directory", type=Path, help="for all files; a temporary one by default")
    return parser.parse_args()


if __name__ == "__main__":
    main()
